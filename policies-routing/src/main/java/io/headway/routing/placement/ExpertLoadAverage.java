package io.headway.routing.placement;

import java.util.Arrays;

/**
 * Estimates the load of each expert of one layer from the counts of past batches: an exponential
 * average and the maximum of a window.
 *
 * <p>Per batch {@code average = beta * average + (1 - beta) * count}, from 0, so that the estimate
 * starts low; the windowed maximum is the largest count among the last {@code window} batches.
 * {@link #reset} forgets everything, as after experts were re-numbered. Cost: O(experts) per batch,
 * O(experts x window) for a maximum. Not thread-safe.
 */
public final class ExpertLoadAverage {
  /** Weight of the past unless configured otherwise. */
  public static final double DEFAULT_BETA = 0.9;

  private final double beta;
  private final int window;
  private int experts;
  private double[] average;
  private int[] history;
  private int recorded;
  private int next;

  /**
   * Starts an estimate.
   *
   * @param experts number of routed experts, at least 1
   * @param beta weight of the past, at least 0 and below 1; 0.9 by default
   * @param window batches that the maximum looks back on, at least 1
   */
  public ExpertLoadAverage(int experts, double beta, int window) {
    if (!(beta >= 0 && beta < 1)) {
      throw new IllegalArgumentException("beta must be at least 0 and below 1, but was " + beta);
    }
    if (window < 1) {
      throw new IllegalArgumentException("window must be at least 1 batch, but was " + window);
    }
    this.beta = beta;
    this.window = window;
    average = new double[0];
    history = new int[0];
    reset(experts);
  }

  /**
   * Forgets everything.
   *
   * @param experts number of routed experts from now on, at least 1
   */
  public void reset(int experts) {
    if (experts < 1) {
      throw new IllegalArgumentException("experts must be at least 1 expert, but was " + experts);
    }
    if (experts != this.experts) {
      average = new double[experts];
      history = new int[Math.multiplyExact(experts, window)];
      this.experts = experts;
    }
    Arrays.fill(average, 0);
    recorded = 0;
    next = 0;
  }

  /**
   * Adds one batch.
   *
   * @param counts pairs per expert, each at least 0; at least as many as there are experts
   * @throws IllegalArgumentException if there are too few or one is negative
   */
  public void add(int[] counts) {
    if (counts.length < experts) {
      throw new IllegalArgumentException(
          "counts must have at least " + experts + " entries, but had " + counts.length);
    }
    for (int e = 0; e < experts; e++) {
      if (counts[e] < 0) {
        throw new IllegalArgumentException(
            "counts[" + e + "] must be at least 0 pairs, but was " + counts[e]);
      }
    }
    for (int e = 0; e < experts; e++) {
      average[e] = beta * average[e] + (1 - beta) * counts[e];
    }
    System.arraycopy(counts, 0, history, next * experts, experts);
    next = (next + 1) % window;
    recorded = Math.min(recorded + 1, window);
  }

  /**
   * Returns the number of experts.
   *
   * @return at least 1
   */
  public int experts() {
    return experts;
  }

  /**
   * Returns the average load of an expert.
   *
   * @param expert expert index
   * @return pairs per batch, 0 before the first one
   */
  public double average(int expert) {
    return average[expert];
  }

  /**
   * Returns the largest load of an expert in the window.
   *
   * @param expert expert index
   * @return pairs of one batch, 0 before the first one
   */
  public int windowMaximum(int expert) {
    int largest = 0;
    for (int i = 0; i < recorded; i++) {
      largest = Math.max(largest, history[i * experts + expert]);
    }
    return largest;
  }
}
