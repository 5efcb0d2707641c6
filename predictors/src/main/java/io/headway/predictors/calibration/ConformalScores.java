package io.headway.predictors.calibration;

import java.util.Arrays;

/**
 * The most recent conformity scores, kept sorted, and their conformal quantile: for a miss rate
 * {@code alpha} the k-th smallest score with {@code k = ceil((n + 1)(1 - alpha) - 1e-9)}, at least
 * 1; infinite if {@code k > n}, that is, with fewer than about {@code 1 / alpha - 1} scores. The
 * guard keeps {@code (n + 1)(1 - alpha)} that is whole in exact arithmetic from being rounded up.
 *
 * <p>O(n) per score, O(1) per quantile; mutable, not thread-safe.
 */
public final class ConformalScores {
  /** Scores remembered by default. */
  public static final int DEFAULT_WINDOW = 500;

  private final double[] ring;
  private final double[] sorted;
  private int size;
  private int next;

  /**
   * Makes an empty window.
   *
   * @param window scores remembered, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public ConformalScores(int window) {
    if (window < 1) {
      throw new IllegalArgumentException("window must be at least 1 score, but was " + window);
    }
    ring = new double[window];
    sorted = new double[window];
  }

  /**
   * Remembers one score in place of the oldest.
   *
   * @param score finite
   * @throws IllegalArgumentException if it is not
   */
  public void add(double score) {
    if (!Double.isFinite(score)) {
      throw new IllegalArgumentException("score must be finite, but was " + score);
    }
    if (size == ring.length) {
      int old = place(ring[next]);
      System.arraycopy(sorted, old + 1, sorted, old, size - old - 1);
      size--;
    }
    // Adding zero turns -0.0 into 0.0, which the binary search must not tell apart.
    double value = score + 0.0;
    ring[next] = value;
    next = (next + 1) % ring.length;
    int at = place(value);
    System.arraycopy(sorted, at, sorted, at + 1, size - at);
    sorted[at] = value;
    size++;
  }

  /**
   * Returns how many scores are remembered.
   *
   * @return a count
   */
  public int size() {
    return size;
  }

  /**
   * Forgets all but the most recent scores, as after a drift.
   *
   * @param kept most scores to keep, at least 0
   * @throws IllegalArgumentException if it is negative
   */
  public void keepLast(int kept) {
    if (kept < 0) {
      throw new IllegalArgumentException("kept must be at least 0 scores, but was " + kept);
    }
    int count = Math.min(kept, size);
    double[] recent = new double[count];
    for (int i = 0; i < count; i++) {
      recent[i] = ring[Math.floorMod(next - count + i, ring.length)];
    }
    size = 0;
    next = 0;
    for (double score : recent) {
      add(score);
    }
  }

  /**
   * Returns the conformal quantile.
   *
   * @param alpha miss rate, above 0 and below 1
   * @return a score, or infinity if there are too few
   * @throws IllegalArgumentException if {@code alpha} is out of range
   */
  public double quantile(double alpha) {
    if (!(alpha > 0 && alpha < 1)) {
      throw new IllegalArgumentException("alpha must be above 0 and below 1, but was " + alpha);
    }
    int k = (int) Math.max(1, Math.ceil((size + 1) * (1 - alpha) - 1e-9));
    return k > size ? Double.POSITIVE_INFINITY : sorted[k - 1];
  }

  private int place(double score) {
    int found = Arrays.binarySearch(sorted, 0, size, score);
    return found >= 0 ? found : -found - 1;
  }
}
