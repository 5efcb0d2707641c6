package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

/**
 * An estimate of how many pairs each expert of each layer will get, for planners. Borrowed, not
 * copied; immutable while a planner reads it.
 */
public final class ExpertLoad {
  private final double[] load;
  private final int layers;
  private final int experts;

  /**
   * Wraps an estimate.
   *
   * @param load row-major, {@code layers * experts} finite numbers of at least 0
   * @param layers mixture-of-experts layers, at least 1
   * @param experts routed experts per layer, at least 1
   * @throws IllegalArgumentException if a count is out of range, the array is too short or a number
   *     is negative, infinite or NaN
   */
  public ExpertLoad(double[] load, int layers, int experts) {
    requireNonNull(load, "load");
    if (layers < 1) {
      throw new IllegalArgumentException("layers must be at least 1 layer, but was " + layers);
    }
    if (experts < 1) {
      throw new IllegalArgumentException("experts must be at least 1 expert, but was " + experts);
    }
    if (load.length < (long) layers * experts) {
      throw new IllegalArgumentException(
          "load must hold at least "
              + (long) layers * experts
              + " numbers, but held "
              + load.length);
    }
    for (int i = 0; i < layers * experts; i++) {
      if (!(load[i] >= 0) || Double.isInfinite(load[i])) {
        throw new IllegalArgumentException(
            "load["
                + i / experts
                + "]["
                + i % experts
                + "] must be finite and at least 0 pairs,"
                + " but was "
                + load[i]);
      }
    }
    this.load = load;
    this.layers = layers;
    this.experts = experts;
  }

  /**
   * Returns the number of mixture-of-experts layers.
   *
   * @return at least 1
   */
  public int layers() {
    return layers;
  }

  /**
   * Returns the number of routed experts per layer.
   *
   * @return at least 1
   */
  public int experts() {
    return experts;
  }

  /**
   * Returns the estimate for one expert.
   *
   * @param layer layer index
   * @param expert expert index
   * @return pairs, at least 0
   */
  public double of(int layer, int expert) {
    return load[layer * experts + expert];
  }

  /**
   * Copies the estimates of one layer.
   *
   * @param layer layer index
   * @param row receives {@code experts()} numbers
   */
  public void copyRow(int layer, double[] row) {
    System.arraycopy(load, layer * experts, row, 0, experts);
  }
}
