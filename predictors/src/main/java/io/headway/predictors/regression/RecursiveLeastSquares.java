package io.headway.predictors.regression;

import java.util.Arrays;

/**
 * Keeps a linear model up to date after every observation: recursive least squares with exponential
 * forgetting.
 *
 * <p>For features {@code x}, target {@code y}, coefficients {@code b} (0 at first) and {@code P} (
 * {@code I / delta} at first):
 *
 * <pre>
 * k = P x / (lambda + x' P x)    e = y - x' b    b += k e    P = (P - k x' P) / lambda
 * </pre>
 *
 * and {@code P} is made symmetric again. After n observations {@code b} is the ridge solution with
 * weights {@code lambda^(n-t)} and penalty {@code delta lambda^n}. When the trace of {@code P}
 * passes a limit (inputs that stay constant wind it up) {@code P} starts anew and {@code b} stays.
 * Features should be of order 1. O(d^2) per observation, O(d) per prediction, no allocation; not
 * thread-safe. Textbook method; used for service times in GAPS (AAMAS 2026).
 */
public final class RecursiveLeastSquares {
  /** Forgetting factor: an observation counts half as much after about 138 more. */
  public static final double DEFAULT_FORGETTING = 0.995;

  /** Initial penalty. */
  public static final double DEFAULT_DELTA = 0.01;

  /** Trace of {@code P} beyond which it starts anew. */
  public static final double DEFAULT_MAX_TRACE = 1e8;

  private final int dimension;
  private final double forgetting;
  private final double delta;
  private final double maxTrace;
  private final double[] coefficients;
  private final double[] covariance;
  private final double[] projected;
  private long observations;

  /**
   * Makes an estimator with default forgetting, penalty and limit.
   *
   * @param dimension number of features, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public RecursiveLeastSquares(int dimension) {
    this(dimension, DEFAULT_FORGETTING, DEFAULT_DELTA, DEFAULT_MAX_TRACE);
  }

  /**
   * Makes an estimator.
   *
   * @param dimension number of features, at least 1
   * @param forgetting {@code lambda}, above 0 and at most 1; 1 forgets nothing
   * @param delta initial penalty, above 0
   * @param maxTrace limit of the trace of {@code P}, above 0; infinity for none
   * @throws IllegalArgumentException if a value is out of range
   */
  public RecursiveLeastSquares(int dimension, double forgetting, double delta, double maxTrace) {
    if (dimension < 1) {
      throw new IllegalArgumentException(
          "dimension must be at least 1 feature, but was " + dimension);
    }
    if (!(forgetting > 0 && forgetting <= 1)) {
      throw new IllegalArgumentException(
          "forgetting must be above 0 and at most 1, but was " + forgetting);
    }
    if (!(delta > 0) || Double.isInfinite(delta)) {
      throw new IllegalArgumentException("delta must be finite and above 0, but was " + delta);
    }
    if (!(maxTrace > 0)) {
      throw new IllegalArgumentException("maxTrace must be above 0, but was " + maxTrace);
    }
    this.dimension = dimension;
    this.forgetting = forgetting;
    this.delta = delta;
    this.maxTrace = maxTrace;
    coefficients = new double[dimension];
    covariance = new double[dimension * dimension];
    projected = new double[dimension];
    reset();
  }

  /** Drops the confidence in what was learned, as after a drift: {@code P = I / delta}. */
  public void reset() {
    Arrays.fill(covariance, 0);
    for (int i = 0; i < dimension; i++) {
      covariance[i * dimension + i] = 1 / delta;
    }
  }

  /**
   * Learns one row.
   *
   * @param features {@code x}, of the estimator's dimension, finite
   * @param target {@code y}, finite
   * @return the error of the prediction before this row, {@code y - x' b}
   * @throws IllegalArgumentException if the dimension differs or a number is not finite; nothing is
   *     learned then
   */
  public double observe(double[] features, double target) {
    if (!Double.isFinite(target)) {
      throw new IllegalArgumentException("target must be finite, but was " + target);
    }
    double error = target - predict(features);
    double scale = forgetting;
    for (int i = 0; i < dimension; i++) {
      double sum = 0;
      for (int j = 0; j < dimension; j++) {
        sum += covariance[i * dimension + j] * features[j];
      }
      projected[i] = sum;
      scale += features[i] * sum;
    }
    double trace = 0;
    for (int i = 0; i < dimension; i++) {
      double gain = projected[i] / scale;
      coefficients[i] += gain * error;
      // P is symmetric, so k x'P is k times the projection; only one triangle is computed.
      for (int j = i; j < dimension; j++) {
        double value = (covariance[i * dimension + j] - gain * projected[j]) / forgetting;
        covariance[i * dimension + j] = value;
        covariance[j * dimension + i] = value;
      }
      trace += covariance[i * dimension + i];
    }
    if (trace > maxTrace) {
      reset();
    }
    observations++;
    return error;
  }

  /**
   * Returns the prediction for a row.
   *
   * @param features {@code x}, of the estimator's dimension, finite
   * @return {@code x' b}
   * @throws IllegalArgumentException if the dimension differs or a feature is not finite
   */
  public double predict(double[] features) {
    if (features.length != dimension) {
      throw new IllegalArgumentException(
          "features must have " + dimension + " entries, but has " + features.length);
    }
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      if (!Double.isFinite(features[i])) {
        throw new IllegalArgumentException(
            "features[" + i + "] must be finite, but was " + features[i]);
      }
      sum += features[i] * coefficients[i];
    }
    return sum;
  }

  /**
   * Returns the rows learned so far.
   *
   * @return a count
   */
  public long observations() {
    return observations;
  }

  /**
   * Returns a copy of the coefficients.
   *
   * @return one number per feature
   */
  public double[] coefficients() {
    return coefficients.clone();
  }
}
