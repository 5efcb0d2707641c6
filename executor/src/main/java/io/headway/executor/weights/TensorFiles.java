package io.headway.executor.weights;

import io.headway.api.model.DecoderShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The weights of one model in one or several open files. */
final class TensorFiles implements Weights {
  private final DecoderShape shape;
  private final String description;
  private final Map<String, FileTensor> tensors;
  private final List<FileChannel> channels;
  private final ByteBuffer buffer = FileTensor.newBuffer();

  /**
   * Takes the tensors of a model, by the layout's names.
   *
   * @throws WeightFormatException if one is missing or has another shape, or there is one that the
   *     model has no place for: computing without it would be computing another model
   */
  TensorFiles(
      Path where,
      DecoderShape shape,
      String description,
      Map<String, FileTensor> tensors,
      List<FileChannel> channels) {
    this.shape = shape;
    this.description = description;
    this.tensors = Map.copyOf(tensors);
    this.channels = List.copyOf(channels);
    if (tensors.size() < WeightLayout.count(shape)) {
      throw new WeightFormatException(
          where,
          "a model of "
              + shape.layers()
              + " layers needs "
              + WeightLayout.count(shape)
              + " tensors, but there are "
              + tensors.size());
    }
    Set<String> needed = new HashSet<>();
    for (WeightTensor tensor : WeightLayout.of(shape)) {
      needed.add(tensor.name());
      FileTensor found = tensors.get(tensor.name());
      if (found == null) {
        throw new WeightFormatException(
            where, "tensor " + tensor.name() + " of " + shape.name() + " is missing");
      }
      if (found.rows() != tensor.rows() || found.columns() != tensor.columns()) {
        throw new WeightFormatException(
            found.file(),
            "tensor "
                + tensor.name()
                + " must be ["
                + tensor.rows()
                + "]["
                + tensor.columns()
                + "], as the model's configuration says, but is ["
                + found.rows()
                + "]["
                + found.columns()
                + "]");
      }
    }
    tensors.forEach(
        (name, tensor) -> {
          if (!needed.contains(name) && !isHarmless(name)) {
            throw new WeightFormatException(
                tensor.file(), "tensor " + name + " has no place in a model of its configuration");
          }
        });
  }

  /** Old files store the rotary frequencies, and some a head that is the embedding. */
  private boolean isHarmless(String name) {
    return name.endsWith(".rotary_emb.inv_freq")
        || (shape.tiedEmbeddings() && name.equals("lm_head.weight"));
  }

  @Override
  public DecoderShape shape() {
    return shape;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public void read(WeightTensor tensor, long from, float[] into, int at, int count) {
    FileTensor found = tensors.get(tensor.name());
    if (found == null) {
      throw new IllegalArgumentException("no tensor " + tensor.name() + " in " + shape.name());
    }
    if (from < 0 || count < 0 || from + count > tensor.elements()) {
      throw new IllegalArgumentException(
          "elements "
              + from
              + " to "
              + (from + count - 1)
              + " must be within the "
              + tensor.elements()
              + " of "
              + tensor.name());
    }
    found.read(from, into, at, count, buffer);
  }

  @Override
  public void close() {
    for (FileChannel channel : channels) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
