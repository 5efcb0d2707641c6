package io.headway.predictors.calibration;

/**
 * Follows the tau-quantile of a stream of numbers: {@code q <- q + eta (tau - 1{y <= q})}, a
 * gradient step on the pinball loss. A value equal to {@code q} counts as covered. The share of
 * covered values differs from {@code tau} by at most {@code |q_T - q_0| / (eta T)}. O(1); mutable,
 * not thread-safe.
 */
public final class QuantileTracker {
  private final double tau;
  private double quantile;

  /**
   * Makes a tracker.
   *
   * @param tau in (0, 1)
   * @param initial where to start, finite
   * @throws IllegalArgumentException if a value is out of range
   */
  public QuantileTracker(double tau, double initial) {
    this.tau = requireTau(tau);
    if (!Double.isFinite(initial)) {
      throw new IllegalArgumentException("initial must be finite, but was " + initial);
    }
    quantile = initial;
  }

  /**
   * Returns the pinball loss {@code max(tau (y - q), (tau - 1)(y - q))}, which the tau-quantile
   * minimises in the mean; half the absolute error for {@code tau} 1/2.
   *
   * @param quantile {@code q}
   * @param actual {@code y}
   * @param tau in (0, 1)
   * @return at least 0
   * @throws IllegalArgumentException if {@code tau} is out of range
   */
  public static double pinball(double quantile, double actual, double tau) {
    requireTau(tau);
    return Math.max(tau * (actual - quantile), (tau - 1) * (actual - quantile));
  }

  /**
   * Takes in one value.
   *
   * @param value finite
   * @param eta step, finite and at least 0, in the unit of the values
   * @return the new quantile
   * @throws IllegalArgumentException if a number is out of range
   */
  public double observe(double value, double eta) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("value must be finite, but was " + value);
    }
    if (!(eta >= 0) || Double.isInfinite(eta)) {
      throw new IllegalArgumentException("eta must be finite and at least 0, but was " + eta);
    }
    quantile += eta * (tau - (value <= quantile ? 1 : 0));
    return quantile;
  }

  /**
   * Returns the quantile so far.
   *
   * @return a finite number
   */
  public double quantile() {
    return quantile;
  }

  static double requireTau(double tau) {
    if (!(tau > 0 && tau < 1)) {
      throw new IllegalArgumentException("tau must be above 0 and below 1, but was " + tau);
    }
    return tau;
  }
}
