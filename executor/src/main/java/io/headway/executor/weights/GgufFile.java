package io.headway.executor.weights;

import io.headway.api.model.DecoderShape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads GGUF files, versions 2 and 3, little-endian: key-value pairs, tensor descriptions, tensors.
 * Tensors are offered by the names of {@link WeightLayout}; the query and key rows of Llama models,
 * which GGUF stores with rotated pairs side by side, are put back into halves while reading.
 */
final class GgufFile {
  /** Most bytes before the tensors. */
  static final long MAX_HEADER_BYTES = 64L << 20;

  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final long MAX_PAIRS = 1 << 16;
  private static final long MAX_TENSORS = SafetensorsHeader.MAX_TENSORS;
  private static final int MAX_KEY_BYTES = 65_535;
  private static final int MAX_STRING_BYTES = 16 << 20;

  /** Longest string that is kept; those that are needed are short. */
  private static final int MAX_KEPT_BYTES = 4_096;

  private static final int MAX_ARRAY_DEPTH = 4;
  private static final int MAX_DIMENSIONS = 4;
  private static final int MAX_EXPERTS = 1 << 16;
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final List<String> SUPPORTED = List.of("llama", "qwen2");

  private static final int TYPE_STRING = 8;
  private static final int TYPE_ARRAY = 9;

  /** A tensor as the file describes it, sizes innermost first. */
  @SuppressWarnings("ArrayRecordComponent") // private, never compared
  private record Described(long[] sizes, int type, long offset) {}

  /** Where a tensor that is used ends, behind the header. */
  private record Placed(String stored, long end) {}

  private final Path file;
  private final FileChannel channel;
  private final long size;
  private final ByteBuffer window = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
  private long windowEnd;

  private final Map<String, Object> values = new HashMap<>();
  private final Map<String, Described> described = new HashMap<>();
  private final Map<String, FileTensor> tensors = new HashMap<>();
  private final TreeMap<Long, Placed> placed = new TreeMap<>();
  private final Set<String> used = new HashSet<>();
  private long dataAt;
  private long alignment = DEFAULT_ALIGNMENT;
  private String architecture = "";

  private GgufFile(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    size = channel.size();
    window.limit(0);
  }

  static Weights open(Path file) {
    try (WeightFiles.Opened opened = new WeightFiles.Opened()) {
      GgufFile gguf = new GgufFile(file, opened.open(file));
      gguf.readHeader();
      DecoderShape shape = gguf.shape();
      gguf.name(shape);
      gguf.requireAllUsed();
      TensorFiles weights =
          new TensorFiles(file, shape, file.toString(), gguf.tensors, opened.channels());
      opened.keep();
      return weights;
    } catch (IOException e) {
      throw new WeightFormatException(file, "cannot be read: " + e, e);
    }
  }

  // ---- header

  private void readHeader() throws IOException {
    if (size < 24) {
      throw wrong("must begin with 24 bytes of counts, but has " + size + " bytes in all");
    }
    int magic = u32();
    if (magic != MAGIC) {
      throw wrong("must begin with 'GGUF', but begins with " + Integer.toHexString(magic));
    }
    int version = u32();
    if (version != 2 && version != 3) {
      throw wrong("version must be 2 or 3, little-endian, but was " + version);
    }
    long tensorCount = count("tensors", MAX_TENSORS);
    long pairs = count("key-value pairs", MAX_PAIRS);
    for (long i = 0; i < pairs; i++) {
      String key = string("a key", MAX_KEY_BYTES);
      Object value = value(key, u32(), 0);
      if (value != null && values.put(key, value) != null) {
        throw wrong("key " + key + " stands twice in the header");
      }
    }
    for (long i = 0; i < tensorCount; i++) {
      String name = string("a tensor's name", MAX_KEY_BYTES);
      int dimensions = u32();
      if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
        throw wrong(
            "tensor "
                + name
                + ": must have 1 to "
                + MAX_DIMENSIONS
                + " dimensions, but has "
                + Integer.toUnsignedString(dimensions));
      }
      long[] sizes = new long[dimensions];
      long elements = 1;
      for (int d = 0; d < dimensions; d++) {
        sizes[d] = u64();
        // No supported format takes less than a byte per element.
        if (sizes[d] < 1 || elements > size / sizes[d]) {
          throw wrong(
              "tensor "
                  + name
                  + ": dimension "
                  + d
                  + " of "
                  + Long.toUnsignedString(sizes[d])
                  + " does not fit a file of "
                  + size
                  + " bytes");
        }
        elements *= sizes[d];
      }
      int type = u32();
      long offset = u64();
      if (described.put(name, new Described(sizes, type, offset)) != null) {
        throw wrong("tensor " + name + " stands twice in the header");
      }
    }
    alignment = integer("general.alignment", DEFAULT_ALIGNMENT);
    if (alignment < 1 || alignment > 1 << 20) {
      throw wrong("general.alignment must be from 1 to " + (1 << 20) + ", but was " + alignment);
    }
    long here = position();
    dataAt = (here + alignment - 1) / alignment * alignment;
  }

  private @Nullable Object value(String key, int type, int depth) throws IOException {
    switch (type) {
      case 0, 1, 7 -> {
        return (long) u8();
      }
      case 2 -> {
        return (long) (u16() & 0xFFFF);
      }
      case 3 -> {
        return (long) u16();
      }
      case 4 -> {
        return u32() & 0xFFFF_FFFFL;
      }
      case 5 -> {
        return (long) u32();
      }
      case 6 -> {
        return (double) Float.intBitsToFloat(u32());
      }
      case TYPE_STRING -> {
        int length = stringLength("the value of " + key, MAX_STRING_BYTES);
        if (length <= MAX_KEPT_BYTES) {
          return string(length);
        }
        skip(length);
        return null;
      }
      case TYPE_ARRAY -> {
        skipArray(key, depth);
        return null;
      }
      case 10, 11 -> {
        return u64();
      }
      case 12 -> {
        return Double.longBitsToDouble(u64());
      }
      default ->
          throw wrong(
              "key "
                  + key
                  + ": value type must be 0 to 12, but was "
                  + Integer.toUnsignedString(type));
    }
  }

  private void skipArray(String key, int depth) throws IOException {
    if (depth >= MAX_ARRAY_DEPTH) {
      throw wrong("key " + key + ": arrays must be nested at most " + MAX_ARRAY_DEPTH + " deep");
    }
    int type = u32();
    long length = u64();
    int width =
        switch (type) {
          case 0, 1, 7 -> 1;
          case 2, 3 -> 2;
          case 4, 5, 6 -> 4;
          case 10, 11, 12 -> 8;
          case TYPE_STRING, TYPE_ARRAY -> 0;
          default ->
              throw wrong(
                  "key "
                      + key
                      + ": element type must be 0 to 12, but was "
                      + Integer.toUnsignedString(type));
        };
    // Every string has 8 bytes of length, every array 12 of type and length.
    int least = width > 0 ? width : type == TYPE_STRING ? 8 : 12;
    if (length < 0 || length > (size - position()) / least) {
      throw wrong(
          "key "
              + key
              + ": an array of "
              + Long.toUnsignedString(length)
              + " elements does not fit a file of "
              + size
              + " bytes");
    }
    if (width > 0) {
      skip(length * width);
      return;
    }
    for (long i = 0; i < length; i++) {
      if (type == TYPE_STRING) {
        skip(stringLength("an element of " + key, MAX_STRING_BYTES));
      } else {
        skipArray(key, depth + 1);
      }
    }
  }

  // ---- the model

  private DecoderShape shape() {
    architecture = text("general.architecture", "");
    if (!SUPPORTED.contains(architecture)) {
      throw wrong(
          "general.architecture must be one of " + SUPPORTED + ", but was '" + architecture + "'");
    }
    String scaling = text(architecture + ".rope.scaling.type", "none");
    if (!scaling.equals("none") || described.containsKey("rope_freqs.weight")) {
      throw wrong("scaled rotary positions are not supported (rope.scaling.type, rope_freqs)");
    }
    Described embedding = described.get("token_embd.weight");
    if (embedding == null || embedding.sizes().length != 2) {
      throw wrong("tensor token_embd.weight must be there with 2 dimensions");
    }
    int hidden = size("embedding_length", -1);
    int heads = size("attention.head_count", -1);
    if (heads < 1) {
      throw wrong(architecture + ".attention.head_count must be at least 1, but was " + heads);
    }
    int experts = size("expert_count", 0);
    if (experts > MAX_EXPERTS) {
      throw wrong("expert_count must be at most " + MAX_EXPERTS + ", but was " + experts);
    }
    try {
      return new DecoderShape(
          text("general.name", architecture),
          Math.toIntExact(embedding.sizes()[1]),
          hidden,
          size("feed_forward_length", -1),
          size("block_count", -1),
          heads,
          size("attention.head_count_kv", heads),
          size("attention.key_length", hidden / heads),
          size("context_length", -1),
          real("rope.freq_base", 1e4),
          real("attention.layer_norm_rms_epsilon", 1e-5),
          described.containsKey("blk.0.attn_q.bias"),
          !described.containsKey("output.weight"),
          experts,
          experts == 0 ? 0 : size("expert_used_count", -1));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new WeightFormatException(file, "describes no model: " + e.getMessage(), e);
    }
  }

  /** Offers the file's tensors by the layout's names. */
  private void name(DecoderShape shape) {
    int pairs = architecture.equals("llama") ? shape.headDim() : 0;
    offer("token_embd.weight", WeightLayout.embedding(shape), 0);
    offer("output_norm.weight", WeightLayout.finalNorm(shape), 0);
    if (!shape.tiedEmbeddings()) {
      offer("output.weight", WeightLayout.head(shape), 0);
    }
    // A damaged count of layers ends with the first tensor that is not there.
    for (int layer = 0; layer < shape.layers(); layer++) {
      String block = "blk." + layer + ".";
      offer(block + "attn_norm.weight", WeightLayout.inputNorm(shape, layer), 0);
      for (String which : List.of("q", "k", "v")) {
        int interleaved = which.equals("v") ? 0 : pairs;
        WeightTensor projection = WeightLayout.projection(shape, layer, which);
        offer(block + "attn_" + which + ".weight", projection, interleaved);
        if (shape.qkvBias()) {
          offer(block + "attn_" + which + ".bias", WeightLayout.bias(shape, layer, which), 0);
        }
      }
      offer(block + "attn_output.weight", WeightLayout.output(shape, layer), 0);
      offer(block + "ffn_norm.weight", WeightLayout.postAttentionNorm(shape, layer), 0);
      if (!shape.isMixture()) {
        offer(block + "ffn_gate.weight", WeightLayout.gate(shape, layer, 0), 0);
        offer(block + "ffn_up.weight", WeightLayout.up(shape, layer, 0), 0);
        offer(block + "ffn_down.weight", WeightLayout.down(shape, layer, 0), 0);
        continue;
      }
      offer(block + "ffn_gate_inp.weight", WeightLayout.router(shape, layer), 0);
      for (int expert = 0; expert < shape.experts(); expert++) {
        offerExpert(
            block + "ffn_gate_exps.weight",
            WeightLayout.gate(shape, layer, expert),
            expert,
            shape.experts());
        offerExpert(
            block + "ffn_up_exps.weight",
            WeightLayout.up(shape, layer, expert),
            expert,
            shape.experts());
        offerExpert(
            block + "ffn_down_exps.weight",
            WeightLayout.down(shape, layer, expert),
            expert,
            shape.experts());
      }
    }
  }

  private void offer(String stored, WeightTensor as, int interleavedHeadDim) {
    Described tensor = found(stored, as);
    long rows = 1;
    for (int d = 1; d < tensor.sizes().length; d++) {
      rows *= tensor.sizes()[d];
    }
    put(stored, as, tensor, rows, 0, interleavedHeadDim);
  }

  private void offerExpert(String stored, WeightTensor as, int expert, int experts) {
    Described tensor = found(stored, as);
    long[] sizes = tensor.sizes();
    if (sizes.length != 3 || sizes[2] != experts) {
      throw wrong(
          "tensor " + stored + ": must have 3 dimensions, the last of " + experts + " experts");
    }
    put(stored, as, tensor, sizes[1], expert, 0);
  }

  private Described found(String stored, WeightTensor as) {
    Described tensor = described.get(stored);
    if (tensor == null) {
      throw wrong("tensor " + stored + " (" + as.name() + ") is missing");
    }
    return tensor;
  }

  private void put(
      String stored, WeightTensor as, Described tensor, long rows, int part, int interleaved) {
    ElementType type =
        switch (tensor.type()) {
          case 0 -> ElementType.F32;
          case 1 -> ElementType.F16;
          case 8 -> ElementType.Q8_0;
          case 30 -> ElementType.BF16;
          default ->
              throw wrong(
                  "tensor "
                      + stored
                      + ": GGUF type "
                      + Integer.toUnsignedString(tensor.type())
                      + " is not supported; supported formats: "
                      + ElementType.SUPPORTED);
        };
    long columns = tensor.sizes()[0];
    if (columns % type.blockElements() != 0) {
      throw wrong(
          "tensor "
              + stored
              + ": rows of "
              + type
              + " must be whole blocks of "
              + type.blockElements()
              + " elements, but have "
              + columns);
    }
    long elements = 1;
    for (long dimension : tensor.sizes()) {
      elements *= dimension;
    }
    long offset = tensor.offset();
    if (offset < 0 || offset > size - dataAt || type.bytes(elements) > size - dataAt - offset) {
      throw wrong(
          "tensor "
              + stored
              + ": its "
              + type.bytes(elements)
              + " bytes at offset "
              + Long.toUnsignedString(offset)
              + " must lie within the "
              + Math.max(0, size - dataAt)
              + " bytes behind the header; is the file complete?");
    }
    if (offset % alignment != 0) {
      throw wrong(
          "tensor "
              + stored
              + ": its offset must be a multiple of general.alignment = "
              + alignment
              + ", but was "
              + offset);
    }
    if (used.add(stored)) {
      place(stored, offset, offset + type.bytes(elements));
    }
    long begin = dataAt + offset + type.bytes((long) part * rows * columns);
    tensors.put(as.name(), new FileTensor(file, channel, begin, type, rows, columns, interleaved));
  }

  /** Every tensor has at least one byte. */
  private void place(String stored, long begin, long end) {
    Map.Entry<Long, Placed> before = placed.lowerEntry(end);
    if (before != null && before.getValue().end() > begin) {
      throw wrong(
          "tensors must not overlap, but "
              + stored
              + " has bytes "
              + begin
              + " to "
              + (end - 1)
              + ", and "
              + before.getValue().stored()
              + " has "
              + before.getKey()
              + " to "
              + (before.getValue().end() - 1));
    }
    placed.put(begin, new Placed(stored, end));
  }

  /** Computing without a tensor would be computing another model. */
  private void requireAllUsed() {
    for (String stored : described.keySet()) {
      if (!used.contains(stored)) {
        throw wrong("tensor " + stored + " has no place in a " + architecture + " model");
      }
    }
  }

  // ---- values

  private String text(String key, String absent) {
    Object value = values.get(key);
    if (value == null) {
      return absent;
    }
    if (value instanceof String text) {
      return text;
    }
    throw wrong("key " + key + " must be a string, but was " + value);
  }

  private long integer(String key, long absent) {
    Object value = values.get(key);
    if (value == null) {
      return absent;
    }
    if (value instanceof Long number) {
      return number;
    }
    throw wrong("key " + key + " must be a whole number, but was " + value);
  }

  /** A size of the model; -1 for one that must be there. */
  private int size(String field, int absent) {
    String key = architecture + "." + field;
    long value = integer(key, absent);
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw wrong(
          "key "
              + key
              + (values.containsKey(key)
                  ? " must be from 0 to " + Integer.MAX_VALUE + ", but was " + value
                  : " is missing"));
    }
    return (int) value;
  }

  private double real(String field, double absent) {
    String key = architecture + "." + field;
    Object value = values.get(key);
    if (value == null) {
      return absent;
    }
    if (value instanceof Double number) {
      return number;
    }
    throw wrong("key " + key + " must be a floating-point number, but was " + value);
  }

  // ---- bytes

  private long position() {
    return windowEnd - window.remaining();
  }

  private void require(int bytes) throws IOException {
    if (window.remaining() >= bytes) {
      return;
    }
    if (position() + bytes > Math.min(size, MAX_HEADER_BYTES)) {
      throw wrong(
          position() + bytes > size
              ? "ends within its header, at byte " + size
              : "the header must have at most " + MAX_HEADER_BYTES + " bytes");
    }
    window.compact();
    while (window.position() < bytes) {
      int read = channel.read(window, windowEnd);
      if (read < 0) {
        throw wrong("ends within its header, at byte " + windowEnd);
      }
      windowEnd += read;
    }
    window.flip();
  }

  private byte u8() throws IOException {
    require(1);
    return window.get();
  }

  private short u16() throws IOException {
    require(2);
    return window.getShort();
  }

  private int u32() throws IOException {
    require(4);
    return window.getInt();
  }

  private long u64() throws IOException {
    require(8);
    return window.getLong();
  }

  private long count(String what, long most) throws IOException {
    long count = u64();
    if (count < 0 || count > most) {
      throw wrong(
          "must have at most " + most + " " + what + ", but says " + Long.toUnsignedString(count));
    }
    return count;
  }

  private int stringLength(String what, int most) throws IOException {
    long length = u64();
    if (length < 0 || length > most || length > size - position()) {
      throw wrong(
          what
              + " must have at most "
              + Math.min(most, size - position())
              + " bytes, but says "
              + Long.toUnsignedString(length));
    }
    return (int) length;
  }

  private String string(String what, int most) throws IOException {
    return string(stringLength(what, most));
  }

  private String string(int length) throws IOException {
    byte[] bytes = new byte[length];
    int at = 0;
    while (at < bytes.length) {
      require(1);
      int run = Math.min(window.remaining(), bytes.length - at);
      window.get(bytes, at, run);
      at += run;
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void skip(long bytes) throws IOException {
    long left = bytes;
    while (left > 0) {
      require(1);
      int run = (int) Math.min(window.remaining(), left);
      window.position(window.position() + run);
      left -= run;
    }
  }

  private WeightFormatException wrong(String problem) {
    return new WeightFormatException(file, problem);
  }
}
