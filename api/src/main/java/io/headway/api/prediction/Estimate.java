package io.headway.api.prediction;

/**
 * The answer of a scalar predictor: nothing, a value, or a value with an interval. A reusable
 * result that the caller owns; the unit is the one named by the method that fills it. Not
 * thread-safe.
 */
public final class Estimate {
  private boolean present;
  private boolean interval;
  private double value;
  private double low;
  private double high;

  /** Makes an estimate that holds no prediction. */
  public Estimate() {}

  /** Answers that there is no prediction. */
  public void none() {
    present = false;
    interval = false;
  }

  /**
   * Answers one value.
   *
   * @param prediction finite
   * @throws IllegalArgumentException if it is not finite
   */
  public void point(double prediction) {
    if (!Double.isFinite(prediction)) {
      throw new IllegalArgumentException("prediction must be finite, but was " + prediction);
    }
    present = true;
    interval = false;
    value = prediction;
  }

  /**
   * Answers a value with an interval around it.
   *
   * @param prediction finite
   * @param lowest lower end; {@link Double#NEGATIVE_INFINITY} if unbounded
   * @param highest upper end, not below {@code lowest}; {@link Double#POSITIVE_INFINITY} if
   *     unbounded
   * @throws IllegalArgumentException if the ends are out of order or NaN
   */
  public void interval(double prediction, double lowest, double highest) {
    if (!(lowest <= highest)) {
      throw new IllegalArgumentException(
          "lowest must be at most highest, but they were " + lowest + " and " + highest);
    }
    point(prediction);
    interval = true;
    low = lowest;
    high = highest;
  }

  /**
   * Returns whether there is a prediction.
   *
   * @return true if {@link #value()} is meaningful
   */
  public boolean isPresent() {
    return present;
  }

  /**
   * Returns whether the prediction has an interval.
   *
   * @return true if {@link #low()} and {@link #high()} are meaningful
   */
  public boolean hasInterval() {
    return interval;
  }

  /**
   * Returns the prediction.
   *
   * @return a finite number
   * @throws IllegalStateException if there is none
   */
  public double value() {
    return check(present, value, "prediction");
  }

  /**
   * Returns the lower end of the interval.
   *
   * @return a number, possibly minus infinity
   * @throws IllegalStateException if there is no interval
   */
  public double low() {
    return check(interval, low, "interval");
  }

  /**
   * Returns the upper end of the interval.
   *
   * @return a number, possibly infinity
   * @throws IllegalStateException if there is no interval
   */
  public double high() {
    return check(interval, high, "interval");
  }

  @Override
  public String toString() {
    if (!present) {
      return "none";
    }
    return interval ? value + " in [" + low + ", " + high + "]" : Double.toString(value);
  }

  private static double check(boolean there, double number, String what) {
    if (!there) {
      throw new IllegalStateException("there is no " + what + "; ask first");
    }
    return number;
  }
}
