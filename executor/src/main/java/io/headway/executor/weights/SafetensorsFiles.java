package io.headway.executor.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.headway.api.model.DecoderShape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * Reads safetensors files: eight bytes with the length of a JSON header, the header, then the
 * tensors. Names are those of {@link WeightLayout} already.
 */
final class SafetensorsFiles {
  /** Longest header, as in the reference implementation. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int MAX_TENSORS = 1 << 20;
  private static final int MAX_PARTS = 10_000;
  private static final long MAX_INDEX_BYTES = 64L << 20;
  private static final int MAX_STRING = 1 << 20;

  private SafetensorsFiles() {}

  static Weights openFile(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new WeightFormatException(file, "must stand in a folder with " + WeightFiles.CONFIG);
    }
    DecoderShape shape = ModelConfig.read(folder.resolve(WeightFiles.CONFIG));
    try (WeightFiles.Opened opened = new WeightFiles.Opened()) {
      Map<String, FileTensor> tensors = new HashMap<>();
      read(file, opened.open(file), tensors);
      TensorFiles weights =
          new TensorFiles(file, shape, file.toString(), tensors, opened.channels());
      opened.keep();
      return weights;
    } catch (IOException e) {
      throw new WeightFormatException(file, "cannot be read: " + e, e);
    }
  }

  static Weights openFolder(Path folder) {
    if (Files.isRegularFile(folder.resolve(WeightFiles.SAFETENSORS))) {
      return openFile(folder.resolve(WeightFiles.SAFETENSORS));
    }
    Path index = folder.resolve(WeightFiles.INDEX);
    if (!Files.isRegularFile(index)) {
      throw new WeightFormatException(
          folder,
          "must hold "
              + WeightFiles.SAFETENSORS
              + " or "
              + WeightFiles.INDEX
              + ", but has neither");
    }
    DecoderShape shape = ModelConfig.read(folder.resolve(WeightFiles.CONFIG));
    JsonNode parts = ModelConfig.readJson(index, MAX_INDEX_BYTES).path("weight_map");
    TreeSet<String> names = new TreeSet<>();
    for (JsonNode part : parts) {
      String name = part.asText("");
      if (name.isEmpty() || name.contains("/") || name.contains("\\") || name.equals("..")) {
        throw new WeightFormatException(
            index, "weight_map must name files of the same folder, but names '" + name + "'");
      }
      names.add(name);
      if (names.size() > MAX_PARTS) {
        throw new WeightFormatException(index, "must name at most " + MAX_PARTS + " files");
      }
    }
    try (WeightFiles.Opened opened = new WeightFiles.Opened()) {
      Map<String, FileTensor> tensors = new HashMap<>();
      for (String name : names) {
        Path file = folder.resolve(name);
        read(file, opened.open(file), tensors);
      }
      TensorFiles weights =
          new TensorFiles(index, shape, folder.toString(), tensors, opened.channels());
      opened.keep();
      return weights;
    } catch (IOException e) {
      throw new WeightFormatException(folder, "cannot be read: " + e, e);
    }
  }

  private static void read(Path file, FileChannel channel, Map<String, FileTensor> into)
      throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw new WeightFormatException(
          file, "must begin with 8 bytes of header length, but has " + size + " bytes in all");
    }
    long header = bytes(file, channel, 0, 8).getLong();
    if (header < 2 || header > MAX_HEADER_BYTES) {
      throw new WeightFormatException(
          file,
          "the header must have 2 to "
              + MAX_HEADER_BYTES
              + " bytes, but says "
              + Long.toUnsignedString(header)
              + "; is it a safetensors file?");
    }
    if (header > size - 8) {
      throw new WeightFormatException(
          file, "ends within its header of " + header + " bytes: it has " + size + " bytes in all");
    }
    JsonNode root;
    try {
      root = ModelConfig.mapper(MAX_STRING).readTree(bytes(file, channel, 8, (int) header).array());
    } catch (JsonProcessingException e) {
      throw new WeightFormatException(
          file, "the header is not valid JSON: " + e.getOriginalMessage(), e);
    }
    if (root == null || !root.isObject() || root.size() > MAX_TENSORS) {
      throw new WeightFormatException(
          file, "the header must be a JSON object of at most " + MAX_TENSORS + " tensors");
    }
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (!field.getKey().equals("__metadata__")) {
        FileTensor tensor =
            tensor(file, channel, 8 + header, size, field.getKey(), field.getValue());
        if (into.put(field.getKey(), tensor) != null) {
          throw new WeightFormatException(
              file, "tensor " + field.getKey() + " stands in another file, too");
        }
      }
    }
  }

  private static FileTensor tensor(
      Path file, FileChannel channel, long dataAt, long size, String name, JsonNode info) {
    String dtype = info.path("dtype").asText("");
    ElementType type =
        switch (dtype) {
          case "F32" -> ElementType.F32;
          case "F16" -> ElementType.F16;
          case "BF16" -> ElementType.BF16;
          default ->
              throw new WeightFormatException(
                  file,
                  "tensor "
                      + name
                      + ": dtype '"
                      + dtype
                      + "' is not supported; supported formats: "
                      + ElementType.SUPPORTED);
        };
    JsonNode dimensions = info.path("shape");
    JsonNode offsets = info.path("data_offsets");
    if (!dimensions.isArray() || dimensions.size() > 8 || offsets.size() != 2) {
      throw new WeightFormatException(
          file, "tensor " + name + ": must have a shape of at most 8 sizes and two data_offsets");
    }
    long elements = 1;
    for (JsonNode dimension : dimensions) {
      long value = dimension.asLong(-1);
      if (!dimension.isIntegralNumber() || value < 0 || (value > 0 && elements > size / value)) {
        throw new WeightFormatException(
            file,
            "tensor "
                + name
                + ": shape "
                + dimensions
                + " does not fit a file of "
                + size
                + " bytes");
      }
      elements *= value;
    }
    long begin = offsets.get(0).asLong(-1);
    long end = offsets.get(1).asLong(-1);
    if (begin < 0 || end < begin || end > size - dataAt) {
      throw new WeightFormatException(
          file,
          "tensor "
              + name
              + ": data_offsets must lie within the "
              + (size - dataAt)
              + " bytes behind the header, but are "
              + offsets
              + "; is the file complete?");
    }
    if (end - begin != type.bytes(elements)) {
      throw new WeightFormatException(
          file,
          "tensor "
              + name
              + ": "
              + elements
              + " elements of "
              + dtype
              + " need "
              + type.bytes(elements)
              + " bytes, but data_offsets say "
              + (end - begin));
    }
    long columns = dimensions.isEmpty() ? 1 : dimensions.get(dimensions.size() - 1).asLong();
    long rows = columns == 0 ? 0 : elements / columns;
    return new FileTensor(file, channel, dataAt + begin, type, rows, columns, 0);
  }

  private static ByteBuffer bytes(Path file, FileChannel channel, long at, int count)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, at + buffer.position()) < 0) {
        throw new WeightFormatException(file, "ends before byte " + (at + count));
      }
    }
    return buffer.flip();
  }
}
