package io.headway.executor.cpu;

import io.headway.api.memory.KvMoveKind;
import io.headway.api.model.DecoderShape;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The KV blocks of one tier: per layer the keys and the values of all cells.
 *
 * @param <A> {@code float[]} or {@code double[]}
 */
final class KvStore<A> {
  private final Kernels<A> kernels;
  private final int blockElements;
  private final int kvWidth;
  private final List<A> keys = new ArrayList<>();
  private final List<A> values = new ArrayList<>();

  KvStore(Kernels<A> kernels, DecoderShape shape, int blockTokens, int blocks) {
    this.kernels = kernels;
    kvWidth = shape.kvWidth();
    blockElements = blockTokens * kvWidth;
    long elements = (long) blocks * blockElements;
    if (elements > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "blocks * blockTokens * kvHeads * headDim must be at most "
              + (Integer.MAX_VALUE - 8)
              + " elements a layer on the CPU, but was "
              + elements
              + "; use fewer than "
              + blocks
              + " blocks");
    }
    for (int layer = 0; layer < shape.layers(); layer++) {
      keys.add(kernels.array((int) elements));
      values.add(kernels.array((int) elements));
    }
  }

  A keys(int layer) {
    return keys.get(layer);
  }

  A values(int layer) {
    return values.get(layer);
  }

  @SuppressWarnings("SuspiciousSystemArraycopy") // A is float[] or double[]
  void copyBlock(int block, KvStore<A> into, int target) {
    for (int layer = 0; layer < keys.size(); layer++) {
      int from = block * blockElements;
      int to = target * blockElements;
      System.arraycopy(keys.get(layer), from, into.keys.get(layer), to, blockElements);
      System.arraycopy(values.get(layer), from, into.values.get(layer), to, blockElements);
    }
  }

  @SuppressWarnings("SuspiciousSystemArraycopy") // A is float[] or double[]
  void copyCell(int cell, int target) {
    for (int layer = 0; layer < keys.size(); layer++) {
      A k = keys.get(layer);
      A v = values.get(layer);
      System.arraycopy(k, cell * kvWidth, k, target * kvWidth, kvWidth);
      System.arraycopy(v, cell * kvWidth, v, target * kvWidth, kvWidth);
    }
  }

  /** Carries out one whole-block move of a plan. */
  static <A> void move(
      KvMoveKind kind, int source, int target, KvStore<A> device, KvStore<A> host) {
    switch (kind) {
      case COPY -> device.copyBlock(source, device, target);
      case SWAP_OUT, STORE -> device.copyBlock(source, host, target);
      case SWAP_IN, LOAD -> host.copyBlock(source, device, target);
      case DROP -> {
        // The bytes of a dropped block may stay; nobody reads them.
      }
      case RECODE ->
          throw new IllegalArgumentException(
              "a RECODE move cannot be executed: a plan does not say which positions stay");
    }
  }

  void write(int block, ByteBuffer into) {
    for (int layer = 0; layer < keys.size(); layer++) {
      kernels.write(keys.get(layer), block * blockElements, into, blockElements);
      kernels.write(values.get(layer), block * blockElements, into, blockElements);
    }
  }

  void read(int block, ByteBuffer from) {
    for (int layer = 0; layer < keys.size(); layer++) {
      kernels.read(from, keys.get(layer), block * blockElements, blockElements);
      kernels.read(from, values.get(layer), block * blockElements, blockElements);
    }
  }
}
