package io.headway.executor.gpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.headway.api.model.DecoderShape;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.Kernel;
import io.headway.executor.gpu.device.Kernels;
import io.headway.executor.weights.SeededWeights;
import io.headway.executor.weights.WeightLayout;
import io.headway.executor.weights.WeightTensor;
import io.headway.executor.weights.Weights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model's parameters on a device. Query, key and value projections of a layer stand in one
 * matrix, gate and up projections of a feed-forward block in another, so that each is one product.
 * Seeded parameters are made on the device.
 */
final class GpuWeights {
  private static final int PIECE = 1 << 20;

  /** Gate-and-up and down matrices of one feed-forward block. */
  record FeedForward(DeviceBuffer gateUp, DeviceBuffer down) {}

  /**
   * One layer.
   *
   * @param inputNorm norm before attention
   * @param qkv [query + 2 KV width][hidden]
   * @param qkvBias bias of the same rows, or null
   * @param output projection out of attention
   * @param postNorm norm before the feed-forward part
   * @param router router matrix, or null if dense
   * @param blocks one feed-forward block, or one for each expert
   */
  record Layer(
      DeviceBuffer inputNorm,
      DeviceBuffer qkv,
      @Nullable DeviceBuffer qkvBias,
      DeviceBuffer output,
      DeviceBuffer postNorm,
      @Nullable DeviceBuffer router,
      List<FeedForward> blocks) {}

  final DeviceBuffer embedding;
  final DeviceBuffer head;
  final DeviceBuffer finalNorm;
  final List<Layer> layers;

  private final Device device;
  private final Weights weights;
  private final ElementType element;
  private final Kernel seed;
  private final int threads;
  private final float[] piece = new float[PIECE];
  private final MemorySegment staging;

  GpuWeights(Device device, Kernels kernels, Weights weights) {
    this.device = device;
    this.weights = weights;
    element = kernels.settings().element();
    threads = kernels.settings().threads();
    seed = kernels.get("hw_seed_weights");
    staging = device.allocateHost((long) PIECE * element.bytes());
    DecoderShape shape = weights.shape();
    embedding = load(WeightLayout.embedding(shape));
    head = shape.tiedEmbeddings() ? embedding : load(WeightLayout.head(shape));
    finalNorm = load(WeightLayout.finalNorm(shape));
    List<Layer> all = new ArrayList<>();
    for (int l = 0; l < shape.layers(); l++) {
      all.add(layer(shape, l));
    }
    layers = List.copyOf(all);
    device.synchronize();
  }

  private Layer layer(DecoderShape shape, int l) {
    List<FeedForward> blocks = new ArrayList<>();
    for (int e = 0; e < Math.max(1, shape.experts()); e++) {
      blocks.add(
          new FeedForward(
              load(WeightLayout.gate(shape, l, e), WeightLayout.up(shape, l, e)),
              load(WeightLayout.down(shape, l, e))));
    }
    return new Layer(
        load(WeightLayout.inputNorm(shape, l)),
        load(
            WeightLayout.projection(shape, l, "q"),
            WeightLayout.projection(shape, l, "k"),
            WeightLayout.projection(shape, l, "v")),
        shape.qkvBias()
            ? load(
                WeightLayout.bias(shape, l, "q"),
                WeightLayout.bias(shape, l, "k"),
                WeightLayout.bias(shape, l, "v"))
            : null,
        load(WeightLayout.output(shape, l)),
        load(WeightLayout.postAttentionNorm(shape, l)),
        shape.isMixture() ? load(WeightLayout.router(shape, l)) : null,
        List.copyOf(blocks));
  }

  /** Loads tensors one behind the other. */
  private DeviceBuffer load(WeightTensor... tensors) {
    long elements = 0;
    for (WeightTensor tensor : tensors) {
      elements += tensor.elements();
    }
    if (elements > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensors[0].name()
              + " has "
              + elements
              + " elements, but a device matrix holds at most "
              + Integer.MAX_VALUE);
    }
    DeviceBuffer buffer = device.allocate(elements * element.bytes());
    long at = 0;
    for (WeightTensor tensor : tensors) {
      if (weights instanceof SeededWeights seeded) {
        make(seeded, tensor, buffer, (int) at);
      } else {
        copy(tensor, buffer, at);
      }
      at += tensor.elements();
    }
    return buffer;
  }

  private void make(SeededWeights seeded, WeightTensor tensor, DeviceBuffer buffer, int at) {
    long key = seeded.key(tensor.name());
    int count = (int) tensor.elements();
    seed.begin()
        .buffer(buffer)
        .integer(at)
        .integer(count)
        .integer((int) key)
        .integer((int) (key >>> 32))
        .real(SeededWeights.offset(tensor))
        .real(SeededWeights.scale(tensor))
        .launch((count + threads - 1) / threads, 1, 1, threads);
  }

  private void copy(WeightTensor tensor, DeviceBuffer buffer, long at) {
    for (long from = 0; from < tensor.elements(); from += PIECE) {
      int count = (int) Math.min(PIECE, tensor.elements() - from);
      weights.read(tensor, from, piece, 0, count);
      for (int i = 0; i < count; i++) {
        if (element == ElementType.BF16) {
          staging.setAtIndex(JAVA_SHORT, i, (short) element.encode(piece[i]));
        } else {
          staging.setAtIndex(JAVA_FLOAT, i, piece[i]);
        }
      }
      device.upload(staging, buffer, (at + from) * element.bytes(), (long) count * element.bytes());
      device.synchronize();
    }
  }
}
