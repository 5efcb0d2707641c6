package io.headway.executor.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.headway.api.model.DecoderShape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightFilesTest {
  private static final DecoderShape DENSE =
      new DecoderShape("model", 64, 32, 64, 2, 4, 2, 8, 128, 1e4, 1e-5, false, false, 0, 0);
  private static final DecoderShape QWEN =
      new DecoderShape("model", 64, 32, 64, 2, 4, 2, 8, 128, 1e6, 1e-6, true, true, 0, 0);
  private static final DecoderShape MIXTURE =
      new DecoderShape("model", 64, 32, 32, 1, 4, 2, 8, 128, 1e4, 1e-5, false, false, 3, 2);

  @TempDir Path folder;

  // ---- what was written is read

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void safetensorsAreReadAsWritten(ElementType type) throws IOException {
    for (DecoderShape shape : List.of(DENSE, QWEN, MIXTURE)) {
      writeSafetensors(shape, type, "model.safetensors", WeightLayout.of(shape));
      writeConfig(shape);
      try (Weights weights = WeightFiles.open(folder)) {
        assertThat(weights.shape()).isEqualTo(named(shape, weights.shape().name()));
        assertSame(weights, new SeededWeights(shape, 5), type, 0, false);
      }
    }
  }

  @Test
  void partsAreFoundByTheIndex() throws IOException {
    List<WeightTensor> all = WeightLayout.of(DENSE);
    writeSafetensors(DENSE, ElementType.F32, "a.safetensors", all.subList(0, 7));
    writeSafetensors(DENSE, ElementType.F32, "b.safetensors", all.subList(7, all.size()));
    writeConfig(DENSE);
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < all.size(); i++) {
      map.append(i == 0 ? "" : ",")
          .append('"')
          .append(all.get(i).name())
          .append(i < 7 ? "\":\"a.safetensors\"" : "\":\"b.safetensors\"");
    }
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{" + map + "}}");
    try (Weights weights = WeightFiles.open(folder)) {
      assertSame(weights, new SeededWeights(DENSE, 5), ElementType.F32, 0, false);
    }
  }

  @ParameterizedTest
  @EnumSource
  void ggufIsReadAsWrittenWithRotatedRowsPutBack(ElementType type) throws IOException {
    for (DecoderShape shape : List.of(DENSE, QWEN, MIXTURE)) {
      Path file = folder.resolve("model.gguf");
      Files.write(file, new Gguf(shape, type).bytes());
      try (Weights weights = WeightFiles.open(file)) {
        assertThat(weights.shape()).isEqualTo(named(shape, weights.shape().name()));
        // A block of Q8_0 is rounded to 127 steps of its largest element.
        assertSame(
            weights,
            new SeededWeights(shape, 5),
            type,
            type == ElementType.Q8_0 ? 0.51 / 127 : 0,
            true);
      }
    }
  }

  @Test
  void anyRunOfElementsIsTheSame() throws IOException {
    Path file = folder.resolve("model.gguf");
    Files.write(file, new Gguf(DENSE, ElementType.Q8_0).bytes());
    Random random = new Random(1);
    try (Weights weights = WeightFiles.open(file)) {
      for (WeightTensor tensor : WeightLayout.of(DENSE)) {
        float[] whole = new float[(int) tensor.elements()];
        weights.read(tensor, 0, whole, 0, whole.length);
        for (int i = 0; i < 20; i++) {
          int from = random.nextInt(whole.length);
          float[] part = new float[1 + random.nextInt(whole.length - from)];
          weights.read(tensor, from, part, 0, part.length);
          assertThat(part).isEqualTo(Arrays.copyOfRange(whole, from, from + part.length));
        }
        assertThatThrownBy(() -> weights.read(tensor, whole.length, new float[1], 0, 1))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining(tensor.name());
      }
    }
  }

  @Test
  void halvesAreConvertedExactly() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = ElementType.half((short) bits);
      int exponent = bits >> 10 & 31;
      int fraction = bits & 1023;
      double expected =
          exponent == 0
              ? fraction * Math.pow(2, -24)
              : exponent == 31
                  ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
                  : (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
      expected = bits >> 15 == 1 ? -expected : expected;
      assertThat(Double.compare(value, expected)).as("%x", bits).isZero();
    }
  }

  // ---- what is wrong is said in one line

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 7, 8, 40})
  void aCutSafetensorsFileIsRefused(int length) throws IOException {
    writeConfig(DENSE);
    writeSafetensors(DENSE, ElementType.F32, "model.safetensors", WeightLayout.of(DENSE));
    Path file = folder.resolve("model.safetensors");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), length));
    refused(folder, "model.safetensors");
  }

  @Test
  void safetensorsHeadersAreBounded() throws IOException {
    writeConfig(DENSE);
    refusedHeader(-1L, "{}", "must have 2 to 100000000 bytes, but says 18446744073709551615");
    refusedHeader(1L << 40, "{}", "says 1099511627776");
    refusedHeader(50, "{}", "ends within its header of 50 bytes");
    refusedHeader(2, "[]", "must be a JSON object");
    refusedHeader(9, "{\"a\":[[[1", "tensor a: must be a JSON object");
    refusedHeader(7, "{\"a\":{\"", "not valid JSON");
    refusedHeader(4, "{}{}", "nothing may follow the JSON object of the header");
    String deep = "{\"__metadata__\":" + "[".repeat(40) + "]".repeat(40) + "}";
    refusedHeader(deep.length(), deep, "not valid JSON");
    String twice = "{\"__metadata__\":{},\"__metadata__\":{}}";
    refusedHeader(twice.length(), twice, "not valid JSON");
  }

  @Test
  void safetensorsEntriesAreChecked() throws IOException {
    writeConfig(DENSE);
    refusedTensor("I8", "[4]", "[0,4]", "dtype 'I8' is not supported; supported formats: F32, F16");
    refusedTensor(
        "F32", "[4]", "[0,15]", "4 elements of F32 need 16 bytes, but data_offsets say 15");
    refusedTensor("F32", "[4]", "[0,4000]", "must lie within the");
    refusedTensor("F32", "[4]", "[8,4]", "must lie within the");
    refusedTensor("F32", "[-4]", "[0,16]", "shape must be an array of at most 8 whole numbers");
    refusedTensor("F32", "[1.5]", "[0,16]", "shape must be an array of at most 8 whole numbers");
    refusedTensor("F32", "[1,1,1,1,1,1,1,1,4]", "[0,16]", "shape must be an array of at most 8");
    refusedTensor("F32", "4", "[0,16]", "shape must be an array of at most 8 whole numbers");
    refusedTensor(
        "F32", "[4611686018427387904,4]", "[0,16]", "does not fit the 16 bytes behind the header");
    refusedTensor("F32", "[99999999999999999999]", "[0,16]", "whole numbers of at least 0");
    refusedTensor("F32", "[4]", "[0]", "must have a dtype, a shape and two data_offsets");
    refusedTensor("F32", "[4]", "[0,8,16]", "data_offsets must be an array of at most 2");
    refusedTensor("F32", "[2]", "[8,16]", "nothing is at byte 0, before a");
    refusedTensor("F32", "[2]", "[0,8]", "cover the 16 bytes behind the header, but the last");
    refusedTensor(
        "F32",
        "[3]",
        "[0,12]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]",
        "tensors must not overlap, but b begins at byte 8, and a ends at 12");
    refusedTensor(
        "F32",
        "[4],\"more\":{\"x\":[1,{\"y\":[]}]}",
        "[0,16]",
        "needs 21 tensors, but there are 1");
    refusedTensor("F32", "[4]", "[0,16]", "needs 21 tensors, but there are 1");
  }

  @Test
  void headersOfAnySizeNeedLittleMemory() throws IOException {
    writeConfig(DENSE);
    StringBuilder many = new StringBuilder("{");
    String rest = "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},";
    for (int i = 0; i <= SafetensorsHeader.MAX_TENSORS; i++) {
      many.append('"').append(i).append(rest);
    }
    refusedHeader(many.length(), many.toString(), "must have at most 131072 tensors");
    String metadata = "{\"__metadata__\":[" + "1,".repeat(1 << 20) + "1]}";
    refusedHeader(metadata.length(), metadata, "must have at most 1048576 tokens");
    String shape = "{\"a\":{\"shape\":[" + "1,".repeat(1 << 20) + "1]}}";
    refusedHeader(shape.length(), shape, "shape must be an array of at most 8");
  }

  @Test
  void aTensorWithoutPlaceInTheModelIsRefused() throws IOException {
    List<WeightTensor> more = new ArrayList<>(WeightLayout.of(DENSE));
    writeConfig(DENSE);
    more.add(new WeightTensor("model.layers.0.self_attn.rotary_emb.inv_freq", 1, 4));
    writeSafetensors(DENSE, ElementType.F32, "model.safetensors", more);
    WeightFiles.open(folder).close();
    more.add(new WeightTensor("model.layers.0.self_attn.q_proj.bias", 1, 32));
    writeSafetensors(DENSE, ElementType.F32, "model.safetensors", more);
    refused(folder, "tensor model.layers.0.self_attn.q_proj.bias has no place in a model of its");
  }

  @Test
  void aTensorOfAnotherShapeIsNamed() throws IOException {
    writeSafetensors(DENSE, ElementType.F32, "model.safetensors", WeightLayout.of(DENSE));
    writeConfig(
        new DecoderShape("model", 65, 32, 64, 2, 4, 2, 8, 128, 1e4, 1e-5, false, false, 0, 0));
    refused(folder, "tensor model.embed_tokens.weight must be [65][32]");
    writeSafetensors(
        DENSE,
        ElementType.F32,
        "model.safetensors",
        WeightLayout.of(DENSE).stream()
            .map(
                tensor ->
                    tensor.name().equals("model.norm.weight")
                        ? new WeightTensor("model.norm.wait", 1, 32)
                        : tensor)
            .toList());
    writeConfig(DENSE);
    refused(folder, "tensor model.norm.weight of");
  }

  @Test
  void configurationsThatAreNotSupportedAreNamed() throws IOException {
    writeSafetensors(DENSE, ElementType.F32, "model.safetensors", WeightLayout.of(DENSE));
    refusedConfig("\"model_type\":\"gpt2\"", "model_type must be one of [llama, mistral");
    refusedConfig("\"hidden_act\":\"gelu\"", "hidden_act must be 'silu'");
    refusedConfig("\"attention_bias\":true", "attention_bias must be false");
    refusedConfig("\"rope_scaling\":{\"rope_type\":\"llama3\"}", "rope_scaling must be absent");
    refusedConfig("\"rope_parameters\":{\"rope_type\":\"yarn\"}", "rope_parameters must be");
    refusedConfig("\"sliding_window\":4096", "sliding_window must be null");
    refusedConfig("\"quantization_config\":{}", "quantization_config must be absent");
    refusedConfig("\"vocab_size\":\"many\"", "vocab_size must be a whole number");
    refusedConfig("\"vocab_size\":1e30", "vocab_size must be a whole number");
    refusedConfig("\"num_hidden_layers\":2147483647", "needs 19327352826 tensors");
    refusedConfig("\"num_attention_heads\":0", "num_attention_heads must be at least 1");
    refusedConfig("\"num_key_value_heads\":3", "queryHeads must be a multiple of kvHeads");
    refusedConfig("\"rms_norm_eps\":\"x\"", "rms_norm_eps must be a number");
    Files.writeString(folder.resolve("config.json"), "{");
    refused(folder, "config.json: is not valid JSON");
    Files.writeString(folder.resolve("config.json"), " ".repeat(2 << 20));
    refused(folder, "must have at most 1048576 bytes");
    Files.delete(folder.resolve("config.json"));
    refused(folder, "config.json: no such file");
  }

  @Test
  void placesThatHoldNoWeightsAreRefused() throws IOException {
    refused(folder, "must hold model.safetensors or model.safetensors.index.json");
    refused(folder.resolve("none"), "no such file or folder");
    Path text = Files.writeString(folder.resolve("notes.txt"), "hello");
    refused(text, "must be a folder, a .safetensors or a .gguf file");
    writeConfig(DENSE);
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"a\":\"../../secret.safetensors\"}}");
    refused(folder, "must name files of the same folder");
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"a\":\"b\"}}");
    refused(folder, "cannot be opened");
    Files.createDirectory(folder.resolve("b"));
    refused(folder, "cannot be opened: it is no regular file");
  }

  @Test
  void everyCutOfAGgufFileIsRefusedInOneLine() throws IOException {
    byte[] whole = new Gguf(DENSE, ElementType.F32).bytes();
    Path file = folder.resolve("cut.gguf");
    int header = whole.length - 20_000;
    for (int length = 0; length < whole.length; length += length < header ? 211 : 10_007) {
      Files.write(file, Arrays.copyOf(whole, length));
      refused(file, "cut.gguf");
    }
  }

  @Test
  void damagedGgufFilesAreRefusedInOneLineOrRead() throws IOException {
    byte[] whole = new Gguf(DENSE, ElementType.F32).bytes();
    Path file = folder.resolve("damaged.gguf");
    Random random = new Random(9);
    int refusals = 0;
    for (int i = 0; i < 200; i++) {
      byte[] damaged = whole.clone();
      for (int j = random.nextInt(3); j >= 0; j--) {
        damaged[random.nextInt(2_600)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try (Weights weights = WeightFiles.open(file)) {
        assertThat(weights.shape().layers()).isEqualTo(2);
      } catch (WeightFormatException e) {
        assertThat(e.getMessage()).contains("damaged.gguf: ").doesNotContain("\n");
        refusals++;
      }
    }
    assertThat(refusals).isGreaterThan(100);
  }

  @Test
  void ggufHeadersAreBoundedAndChecked() throws IOException {
    refusedGguf(new Gguf(DENSE, ElementType.F32).magic(0x46554748), "must begin with 'GGUF'");
    refusedGguf(new Gguf(DENSE, ElementType.F32).version(1), "version must be 2 or 3");
    refusedGguf(new Gguf(DENSE, ElementType.F32).tensorCount(1L << 60), "at most 131072 tensors");
    refusedGguf(new Gguf(DENSE, ElementType.F32).pairCount(-1), "at most 65536 key-value pairs");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).text("general.architecture", "bert"),
        "general.architecture must be one of [llama, qwen2], but was 'bert'");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).text("llama.rope.scaling.type", "yarn"),
        "scaled rotary positions are not supported");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).number("llama.block_count", 4_000_000_000L),
        "llama.block_count must be from 0 to 2147483647");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).number("llama.block_count", 2_000_000_000L),
        "tensor blk.2.attn_norm.weight (model.layers.2.input_layernorm.weight) is missing");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).number("llama.embedding_length", 40),
        "tensor model.embed_tokens.weight must be [64][40]");
    refusedGguf(new Gguf(DENSE, ElementType.F32).typeCode(12), "GGUF type 12 is not supported");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).number("general.alignment", 0),
        "general.alignment must be from 1");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).number("general.alignment", 4096),
        "its offset must be a multiple of general.alignment = 4096");
    refusedGguf(new Gguf(DENSE, ElementType.F32).shift(-32), "tensors must not overlap, but ");
    refusedGguf(new Gguf(DENSE, ElementType.F32).shift(1L << 40), "must lie within the");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).text("general.name", "x".repeat(17 << 20)),
        "the value of general.name must have at most 16777216 bytes, but says 17825792");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).number("llama.block_count", 1),
        " has no place in a llama model");
    refusedGguf(
        new Gguf(DENSE, ElementType.F32).text("general.alignment", "x"),
        "general.alignment must be a whole number");
  }

  // ---- help

  private void refusedHeader(long length, String header, String message) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(length).put(header.getBytes(StandardCharsets.UTF_8));
    Files.write(folder.resolve("model.safetensors"), bytes.array());
    refused(folder, message);
  }

  private void refusedTensor(String dtype, String shape, String offsets, String message)
      throws IOException {
    String header =
        "{\"a\":{\"dtype\":\""
            + dtype
            + "\",\"shape\":"
            + shape
            + ",\"data_offsets\":"
            + offsets
            + "}}";
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length() + 16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.UTF_8));
    Files.write(folder.resolve("model.safetensors"), bytes.array());
    refused(folder, message);
  }

  private void refusedConfig(String changed, String message) throws IOException {
    String field = changed.substring(0, changed.indexOf(':'));
    String config =
        Arrays.stream(config(DENSE).split(",\n"))
            .filter(line -> !line.contains(field))
            .reduce("", (a, b) -> a + b + ",\n");
    Files.writeString(
        folder.resolve("config.json"),
        "{" + config.replace("{", "").replace("}", "") + changed + "}");
    refused(folder, message);
  }

  private void refusedGguf(Gguf gguf, String message) throws IOException {
    Path file = folder.resolve("model.gguf");
    Files.write(file, gguf.bytes());
    refused(file, message);
  }

  private static void refused(Path path, String message) {
    assertThatThrownBy(() -> WeightFiles.open(path))
        .isInstanceOf(WeightFormatException.class)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  private static DecoderShape named(DecoderShape s, String name) {
    return new DecoderShape(
        name,
        s.vocabularySize(),
        s.hiddenSize(),
        s.intermediateSize(),
        s.layers(),
        s.queryHeads(),
        s.kvHeads(),
        s.headDim(),
        s.maxPositions(),
        s.ropeTheta(),
        s.normEpsilon(),
        s.qkvBias(),
        s.tiedEmbeddings(),
        s.experts(),
        s.expertsPerToken());
  }

  /** Every tensor equals the seeded one, rounded to the format, within a share of its largest. */
  private static void assertSame(
      Weights weights, Weights expected, ElementType type, double share, boolean vectorsExact) {
    for (WeightTensor tensor : WeightLayout.of(expected.shape())) {
      float[] read = new float[(int) tensor.elements()];
      float[] written = new float[read.length];
      weights.read(tensor, 0, read, 0, read.length);
      expected.read(tensor, 0, written, 0, written.length);
      float largest = 0;
      for (float value : written) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int i = 0; i < read.length; i++) {
        float rounded = vectorsExact && tensor.isVector() ? written[i] : rounded(written[i], type);
        assertThat((double) read[i])
            .as("%s[%d]", tensor.name(), i)
            .isCloseTo(rounded, offset(1.01 * share * largest));
      }
    }
  }

  private static float rounded(float value, ElementType type) {
    return switch (type) {
      case F32, Q8_0 -> value;
      case F16 -> ElementType.half(toHalf(value));
      case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xFFFF0000);
    };
  }

  /** Rounds towards zero; the tests' values are normal or 0 in binary16. */
  private static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int exponent = (bits >> 23 & 0xFF) - 112;
    int sign = bits >>> 16 & 0x8000;
    return (short) (exponent <= 0 ? sign : sign | exponent << 10 | bits >> 13 & 0x3FF);
  }

  private static byte[] encode(float[] values, ElementType type) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) type.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    if (type == ElementType.Q8_0) {
      for (int block = 0; block < values.length; block += 32) {
        float largest = 0;
        for (int i = 0; i < 32; i++) {
          largest = Math.max(largest, Math.abs(values[block + i]));
        }
        short scale = toHalf(largest / 127 * 1.001f);
        bytes.putShort(scale);
        for (int i = 0; i < 32; i++) {
          bytes.put((byte) Math.round(values[block + i] / ElementType.half(scale)));
        }
      }
      return bytes.array();
    }
    for (float value : values) {
      switch (type) {
        case F32 -> bytes.putFloat(value);
        case F16 -> bytes.putShort(toHalf(value));
        default -> bytes.putShort((short) (Float.floatToRawIntBits(value) >> 16));
      }
    }
    return bytes.array();
  }

  private static float[] seeded(DecoderShape shape, WeightTensor tensor) {
    float[] values = new float[(int) tensor.elements()];
    new SeededWeights(shape, 5).read(tensor, 0, values, 0, values.length);
    return values;
  }

  private void writeSafetensors(
      DecoderShape shape, ElementType type, String name, List<WeightTensor> tensors)
      throws IOException {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (WeightTensor tensor : tensors) {
      byte[] bytes = encode(seeded(shape, tensor), type);
      header
          .append(",\"")
          .append(tensor.name())
          .append("\":{\"dtype\":\"")
          .append(type)
          .append("\",\"shape\":")
          .append(
              tensor.isVector()
                  ? "[" + tensor.columns() + "]"
                  : "[" + tensor.rows() + "," + tensor.columns() + "]")
          .append(",\"data_offsets\":[")
          .append(data.size())
          .append(',')
          .append(data.size() + bytes.length)
          .append("]}");
      data.write(bytes);
    }
    byte[] text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer all =
        ByteBuffer.allocate(8 + text.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(text.length).put(text).put(data.toByteArray());
    Files.write(folder.resolve(name), all.array());
  }

  private void writeConfig(DecoderShape shape) throws IOException {
    Files.writeString(folder.resolve("config.json"), config(shape));
  }

  private static String config(DecoderShape s) {
    List<String> fields = new ArrayList<>();
    fields.add(
        "\"model_type\":\"" + (s.isMixture() ? "mixtral" : s.qkvBias() ? "qwen2" : "llama") + '"');
    fields.add("\"vocab_size\":" + s.vocabularySize());
    fields.add("\"hidden_size\":" + s.hiddenSize());
    fields.add("\"intermediate_size\":" + s.intermediateSize());
    fields.add("\"num_hidden_layers\":" + s.layers());
    fields.add("\"num_attention_heads\":" + s.queryHeads());
    fields.add("\"num_key_value_heads\":" + s.kvHeads());
    fields.add("\"max_position_embeddings\":" + s.maxPositions());
    fields.add("\"rope_theta\":" + s.ropeTheta());
    fields.add("\"rms_norm_eps\":" + s.normEpsilon());
    fields.add("\"tie_word_embeddings\":" + s.tiedEmbeddings());
    if (s.isMixture()) {
      fields.add("\"num_local_experts\":" + s.experts());
      fields.add("\"num_experts_per_tok\":" + s.expertsPerToken());
    }
    return "{" + String.join(",\n", fields) + "}";
  }

  /** Writes a GGUF file of seeded weights, right or wrong in one place. */
  private static final class Gguf {
    private final DecoderShape shape;
    private final ElementType type;
    private final ByteBuffer out = ByteBuffer.allocate(20 << 20).order(ByteOrder.LITTLE_ENDIAN);
    private final List<Object[]> pairs = new ArrayList<>();
    private int magic = 0x46554747;
    private int version = 3;
    private long tensorCount = -2;
    private long pairCount = -2;
    private final List<Integer> typeCodes = new ArrayList<>();
    private int typeCode;
    private long shift;

    Gguf(DecoderShape shape, ElementType type) {
      this.shape = shape;
      this.type = type;
      typeCode = List.of(0, 1, 30, 8).get(type.ordinal());
      String arch = shape.qkvBias() ? "qwen2" : "llama";
      text("general.architecture", arch);
      text("general.name", "model");
      number(arch + ".block_count", shape.layers());
      number(arch + ".embedding_length", shape.hiddenSize());
      number(arch + ".feed_forward_length", shape.intermediateSize());
      number(arch + ".attention.head_count", shape.queryHeads());
      number(arch + ".attention.head_count_kv", shape.kvHeads());
      number(arch + ".context_length", shape.maxPositions());
      pairs.add(new Object[] {arch + ".rope.freq_base", (float) shape.ropeTheta()});
      // As many digits as a float has: read back, 1e-5f is not 1e-5.
      pairs.add(new Object[] {arch + ".attention.layer_norm_rms_epsilon", shape.normEpsilon()});
      if (shape.isMixture()) {
        number(arch + ".expert_count", shape.experts());
        number(arch + ".expert_used_count", shape.expertsPerToken());
      }
      pairs.add(new Object[] {"tokenizer.ggml.tokens", new String[] {"a", "b", "longer"}});
    }

    Gguf magic(int value) {
      magic = value;
      return this;
    }

    Gguf version(int value) {
      version = value;
      return this;
    }

    Gguf tensorCount(long value) {
      tensorCount = value;
      return this;
    }

    Gguf pairCount(long value) {
      pairCount = value;
      return this;
    }

    Gguf typeCode(int value) {
      typeCode = value;
      return this;
    }

    /** Moves the tensors behind the first one. */
    Gguf shift(long bytes) {
      shift = bytes;
      return this;
    }

    Gguf text(String key, String value) {
      pairs.removeIf(pair -> pair[0].equals(key));
      pairs.add(new Object[] {key, value});
      return this;
    }

    Gguf number(String key, long value) {
      pairs.removeIf(pair -> pair[0].equals(key));
      pairs.add(new Object[] {key, value});
      return this;
    }

    byte[] bytes() throws IOException {
      List<String> names = new ArrayList<>();
      List<long[]> sizes = new ArrayList<>();
      List<byte[]> data = new ArrayList<>();
      describe(names, sizes, data);
      out.putInt(magic).putInt(version);
      out.putLong(tensorCount == -2 ? names.size() : tensorCount);
      out.putLong(pairCount == -2 ? pairs.size() : pairCount);
      for (Object[] pair : pairs) {
        put((String) pair[0]);
        putValue(pair[1]);
      }
      long offset = 0;
      for (int i = 0; i < names.size(); i++) {
        put(names.get(i));
        out.putInt(sizes.get(i).length);
        for (long size : sizes.get(i)) {
          out.putLong(size);
        }
        out.putInt(typeCodes.get(i));
        out.putLong(offset + (i == 0 ? 0 : shift));
        offset += (data.get(i).length + 31) / 32 * 32;
      }
      align();
      for (byte[] bytes : data) {
        out.put(bytes);
        align();
      }
      return Arrays.copyOf(out.array(), out.position());
    }

    private void putValue(Object value) {
      if (value instanceof String text) {
        out.putInt(8);
        put(text);
      } else if (value instanceof Long number) {
        out.putInt(number > Integer.MAX_VALUE ? 10 : 4);
        if (number > Integer.MAX_VALUE) {
          out.putLong(number);
        } else {
          out.putInt(number.intValue());
        }
      } else if (value instanceof Float number) {
        out.putInt(6).putFloat(number);
      } else if (value instanceof Double number) {
        out.putInt(12).putDouble(number);
      } else {
        String[] texts = (String[]) value;
        out.putInt(9).putInt(8).putLong(texts.length);
        for (String text : texts) {
          put(text);
        }
      }
    }

    private void describe(List<String> names, List<long[]> sizes, List<byte[]> data)
        throws IOException {
      ByteArrayOutputStream stacked = new ByteArrayOutputStream();
      for (WeightTensor tensor : WeightLayout.of(shape)) {
        float[] values = seeded(shape, tensor);
        String[] part = tensor.name().split("\\.");
        String name = name(tensor.name(), part);
        boolean rotated = name.contains("attn_q.weight") || name.contains("attn_k.weight");
        if (rotated && !shape.qkvBias()) {
          values = interleaved(values, tensor, shape.headDim());
        }
        // As published: vectors stay in F32.
        byte[] bytes = encode(values, tensor.isVector() ? ElementType.F32 : type);
        if (name.contains("_exps")) {
          int index = names.indexOf(name);
          if (index >= 0) {
            stacked.reset();
            stacked.write(data.get(index));
            stacked.write(bytes);
            data.set(index, stacked.toByteArray());
            continue;
          }
          sizes.add(new long[] {tensor.columns(), tensor.rows(), shape.experts()});
        } else {
          sizes.add(
              tensor.isVector()
                  ? new long[] {tensor.columns()}
                  : new long[] {tensor.columns(), tensor.rows()});
        }
        typeCodes.add(tensor.isVector() ? 0 : typeCode);
        names.add(name);
        data.add(bytes);
      }
    }

    private static String name(String name, String[] part) {
      if (!name.startsWith("model.layers")) {
        return switch (part[part.length - 2]) {
          case "embed_tokens" -> "token_embd.weight";
          case "norm" -> "output_norm.weight";
          default -> "output.weight";
        };
      }
      String end = "." + part[part.length - 1];
      String stem =
          switch (part[part.length - 2]) {
            case "input_layernorm" -> "attn_norm";
            case "post_attention_layernorm" -> "ffn_norm";
            case "q_proj" -> "attn_q";
            case "k_proj" -> "attn_k";
            case "v_proj" -> "attn_v";
            case "o_proj" -> "attn_output";
            case "gate_proj" -> "ffn_gate";
            case "up_proj" -> "ffn_up";
            case "down_proj" -> "ffn_down";
            case "gate" -> "ffn_gate_inp";
            case "w1" -> "ffn_gate_exps";
            case "w3" -> "ffn_up_exps";
            default -> "ffn_down_exps";
          };
      return "blk." + part[2] + "." + stem + end;
    }

    /** As the converter of llama.cpp: rows (head, half, i) become (head, i, half). */
    private static float[] interleaved(float[] rows, WeightTensor tensor, int headDim) {
      float[] out = new float[rows.length];
      int columns = tensor.columns();
      for (int row = 0; row < tensor.rows(); row++) {
        int head = row / headDim;
        int half = row % headDim / (headDim / 2);
        int i = row % (headDim / 2);
        int to = head * headDim + 2 * i + half;
        System.arraycopy(rows, row * columns, out, to * columns, columns);
      }
      return out;
    }

    private void put(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      out.putLong(bytes.length).put(bytes);
    }

    private void align() {
      while (out.position() % 32 != 0) {
        out.put((byte) 0);
      }
    }
  }
}
