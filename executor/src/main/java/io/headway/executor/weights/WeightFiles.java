package io.headway.executor.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens the weights of a model from a folder as published, {@code config.json} beside {@code
 * model.safetensors} or the parts that {@code model.safetensors.index.json} names, from one such
 * file, or from a GGUF file. Number formats: F32, F16, BF16 and, in GGUF, Q8_0.
 *
 * <p>Headers are untrusted: bounded in size, count and depth, every offset checked against the
 * length of the file, before any tensor is read.
 */
public final class WeightFiles {
  /** Name of the parameters in a published folder. */
  static final String SAFETENSORS = "model.safetensors";

  /** Name of the list of parts in a published folder. */
  static final String INDEX = "model.safetensors.index.json";

  /** Name of the configuration in a published folder. */
  static final String CONFIG = "config.json";

  private WeightFiles() {}

  /**
   * Opens weights.
   *
   * @param path a folder, a {@code .safetensors} file with {@code config.json} beside it, or a
   *     {@code .gguf} file
   * @return the weights; close them when the executor is open
   * @throws WeightFormatException if the files are no such weights, are damaged, or hold a model or
   *     number format that is not supported; the message says which
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  public static Weights open(Path path) {
    String name = path.getFileName() == null ? "" : path.getFileName().toString();
    if (Files.isDirectory(path)) {
      return SafetensorsFiles.openFolder(path);
    }
    if (!Files.isRegularFile(path)) {
      throw new WeightFormatException(
          path, "no such file or folder; give a folder, a .safetensors or a .gguf file");
    }
    if (name.endsWith(".gguf")) {
      return GgufFile.open(path);
    }
    if (name.endsWith(".safetensors")) {
      return SafetensorsFiles.openFile(path);
    }
    throw new WeightFormatException(
        path, "must be a folder, a .safetensors or a .gguf file, by its name");
  }

  /** Channels that are closed together unless they are kept. */
  static final class Opened implements AutoCloseable {
    private final List<FileChannel> channels = new ArrayList<>();
    private boolean kept;

    FileChannel open(Path file) {
      // A pipe would be waited for.
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new WeightFormatException(file, "cannot be opened: it is no regular file");
      }
      try {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        channels.add(channel);
        return channel;
      } catch (IOException e) {
        throw new WeightFormatException(file, "cannot be opened: " + e, e);
      }
    }

    List<FileChannel> channels() {
      return channels;
    }

    /** Leaves the channels open for whoever has taken them. */
    void keep() {
      kept = true;
    }

    @Override
    public void close() throws IOException {
      if (!kept) {
        for (FileChannel channel : channels) {
          channel.close();
        }
      }
    }
  }
}
