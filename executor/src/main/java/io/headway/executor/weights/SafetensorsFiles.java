package io.headway.executor.weights;

import com.fasterxml.jackson.core.JsonParser;
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
    byte[] text = bytes(file, channel, 8, (int) header).array();
    try (JsonParser json = ModelConfig.mapper(MAX_STRING).createParser(text)) {
      new SafetensorsHeader(file, channel, 8 + header, size, json).read(into);
    } catch (JsonProcessingException e) {
      throw new WeightFormatException(
          file, "the header is not valid JSON: " + e.getOriginalMessage(), e);
    }
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
