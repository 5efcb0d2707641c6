package io.headway.executor.cpu;

import io.headway.api.model.DecoderShape;
import io.headway.executor.weights.WeightLayout;
import io.headway.executor.weights.WeightTensor;
import io.headway.executor.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a model in memory, in the order in which they are used.
 *
 * @param <A> {@code float[]} or {@code double[]}
 */
final class DecoderWeights<A> {
  /** Elements read at once. */
  private static final int CHUNK = 1 << 16;

  /**
   * One transformer layer.
   *
   * @param <A> {@code float[]} or {@code double[]}
   */
  record Layer<A>(
      A inputNorm,
      PackedMatrix<A> query,
      PackedMatrix<A> key,
      PackedMatrix<A> value,
      @Nullable A queryBias,
      @Nullable A keyBias,
      @Nullable A valueBias,
      PackedMatrix<A> output,
      A postAttentionNorm,
      @Nullable PackedMatrix<A> router,
      List<FeedForward<A>> experts) {}

  /**
   * One feed-forward block.
   *
   * @param <A> {@code float[]} or {@code double[]}
   */
  record FeedForward<A>(PackedMatrix<A> gate, PackedMatrix<A> up, PackedMatrix<A> down) {}

  final A embedding;
  final List<Layer<A>> layers = new ArrayList<>();
  final A finalNorm;
  final PackedMatrix<A> head;

  private final Kernels<A> kernels;
  private final Weights weights;
  private final float[] chunk = new float[CHUNK];

  DecoderWeights(Kernels<A> kernels, Weights weights) {
    this.kernels = kernels;
    this.weights = weights;
    DecoderShape shape = weights.shape();
    requireIndexable(shape);
    embedding = plain(WeightLayout.embedding(shape));
    for (int layer = 0; layer < shape.layers(); layer++) {
      layers.add(layer(shape, layer));
    }
    finalNorm = plain(WeightLayout.finalNorm(shape));
    head = packed(WeightLayout.head(shape));
  }

  /** Refuses an embedding that one Java array cannot hold; matrices are held in many. */
  private static void requireIndexable(DecoderShape shape) {
    WeightTensor embedding = WeightLayout.embedding(shape);
    if (embedding.elements() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "the CPU executor holds the embedding in one array of at most "
              + (Integer.MAX_VALUE - 8)
              + " elements, but that of "
              + shape.name()
              + " has "
              + embedding.elements());
    }
  }

  private Layer<A> layer(DecoderShape shape, int layer) {
    List<FeedForward<A>> experts = new ArrayList<>();
    for (int expert = 0; expert < Math.max(1, shape.experts()); expert++) {
      experts.add(
          new FeedForward<>(
              packed(WeightLayout.gate(shape, layer, expert)),
              packed(WeightLayout.up(shape, layer, expert)),
              packed(WeightLayout.down(shape, layer, expert))));
    }
    boolean bias = shape.qkvBias();
    return new Layer<>(
        plain(WeightLayout.inputNorm(shape, layer)),
        packed(WeightLayout.projection(shape, layer, "q")),
        packed(WeightLayout.projection(shape, layer, "k")),
        packed(WeightLayout.projection(shape, layer, "v")),
        bias ? plain(WeightLayout.bias(shape, layer, "q")) : null,
        bias ? plain(WeightLayout.bias(shape, layer, "k")) : null,
        bias ? plain(WeightLayout.bias(shape, layer, "v")) : null,
        packed(WeightLayout.output(shape, layer)),
        plain(WeightLayout.postAttentionNorm(shape, layer)),
        shape.isMixture() ? packed(WeightLayout.router(shape, layer)) : null,
        List.copyOf(experts));
  }

  private A plain(WeightTensor tensor) {
    A all = kernels.array((int) tensor.elements());
    for (long from = 0; from < tensor.elements(); from += CHUNK) {
      int count = (int) Math.min(CHUNK, tensor.elements() - from);
      weights.read(tensor, from, chunk, 0, count);
      kernels.load(chunk, 0, all, (int) from, count);
    }
    return all;
  }

  private PackedMatrix<A> packed(WeightTensor tensor) {
    int inputs = tensor.columns();
    List<A> rows = new ArrayList<>();
    for (int i = PackedMatrix.tiles(tensor.rows()) * inputs; i > 0; i--) {
      rows.add(kernels.array(PackedMatrix.TILE));
    }
    PackedMatrix<A> matrix = new PackedMatrix<>(tensor.rows(), inputs, List.copyOf(rows));
    for (int output = 0; output < tensor.rows(); output++) {
      for (int input = 0; input < inputs; input += CHUNK) {
        int count = Math.min(CHUNK, inputs - input);
        weights.read(tensor, (long) output * inputs + input, chunk, 0, count);
        kernels.pack(chunk, 0, matrix, output, input, count);
      }
    }
    return matrix;
  }
}
