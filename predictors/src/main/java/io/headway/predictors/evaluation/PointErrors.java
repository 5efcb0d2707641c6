package io.headway.predictors.evaluation;

/**
 * Collects the errors of point predictions: MAE, MAPE and bias. Not thread-safe.
 *
 * <ul>
 *   <li>MAE: mean of {@code |predicted - actual|}
 *   <li>MAPE: mean of {@code |predicted - actual| / max(|actual|, floor)}, a fraction
 *   <li>bias: mean of {@code predicted - actual}; positive if predictions are too large
 * </ul>
 */
public final class PointErrors {
  /** Least denominator of a relative error by default. */
  public static final double DEFAULT_FLOOR = 1e-9;

  private final double floor;
  private long count;
  private double absolute;
  private double relative;
  private double signed;

  /**
   * Makes an empty collection.
   *
   * @param floor least denominator of a relative error, above 0, in the unit of the values
   * @throws IllegalArgumentException if it is not above 0
   */
  public PointErrors(double floor) {
    if (!(floor > 0)) {
      throw new IllegalArgumentException("floor must be above 0, but was " + floor);
    }
    this.floor = floor;
  }

  /**
   * Adds one prediction.
   *
   * @param predicted finite
   * @param actual finite
   * @throws IllegalArgumentException if a value is not finite
   */
  public void add(double predicted, double actual) {
    double error = predicted - actual;
    if (!Double.isFinite(error)) {
      throw new IllegalArgumentException(
          "predicted and actual must be finite, but were " + predicted + " and " + actual);
    }
    count++;
    absolute += Math.abs(error);
    relative += Math.abs(error) / Math.max(Math.abs(actual), floor);
    signed += error;
  }

  /**
   * Returns how many predictions were added.
   *
   * @return a count
   */
  public long count() {
    return count;
  }

  /**
   * Returns the mean absolute error.
   *
   * @return in the unit of the values, at least 0
   * @throws IllegalArgumentException if nothing was added
   */
  public double mae() {
    return mean(absolute);
  }

  /**
   * Returns the mean absolute relative error.
   *
   * @return a fraction, at least 0
   * @throws IllegalArgumentException if nothing was added
   */
  public double mape() {
    return mean(relative);
  }

  /**
   * Returns the mean signed error.
   *
   * @return in the unit of the values
   * @throws IllegalArgumentException if nothing was added
   */
  public double bias() {
    return mean(signed);
  }

  private double mean(double sum) {
    if (count == 0) {
      throw new IllegalArgumentException(
          "an error measure needs at least 1 row, but there is none");
    }
    return sum / count;
  }
}
