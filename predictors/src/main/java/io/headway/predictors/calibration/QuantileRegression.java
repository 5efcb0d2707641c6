package io.headway.predictors.calibration;

/**
 * Learns a linear model of the tau-quantile online: {@code b <- b + eta x (tau - 1{y <= x'b})}, a
 * gradient step on the pinball loss per row. An outcome equal to its prediction counts as covered.
 * Models of several quantiles may cross; sort their answers. O(d); mutable, not thread-safe.
 */
public final class QuantileRegression {
  private final double tau;
  private final double eta;
  private final double[] coefficients;

  /**
   * Makes a model.
   *
   * @param initial one coefficient per feature, at least 1, copied
   * @param eta step, finite and above 0
   * @param tau in (0, 1)
   * @throws IllegalArgumentException if a value is out of range
   */
  public QuantileRegression(double[] initial, double eta, double tau) {
    if (initial.length == 0) {
      throw new IllegalArgumentException("initial must have at least 1 coefficient, but has none");
    }
    if (!(eta > 0) || Double.isInfinite(eta)) {
      throw new IllegalArgumentException("eta must be finite and above 0, but was " + eta);
    }
    this.tau = QuantileTracker.requireTau(tau);
    this.eta = eta;
    coefficients = initial.clone();
  }

  /**
   * Returns the predicted quantile of a row.
   *
   * @param features one number per coefficient
   * @return {@code x'b}
   * @throws IllegalArgumentException if the length differs or a feature is not finite
   */
  public double predict(double[] features) {
    if (features.length != coefficients.length) {
      throw new IllegalArgumentException(
          "features must have " + coefficients.length + " entries, but has " + features.length);
    }
    double sum = 0;
    for (int j = 0; j < coefficients.length; j++) {
      if (!Double.isFinite(features[j])) {
        throw new IllegalArgumentException(
            "features[" + j + "] must be finite, but was " + features[j]);
      }
      sum += features[j] * coefficients[j];
    }
    return sum;
  }

  /**
   * Learns one row.
   *
   * @param features one number per coefficient
   * @param actual what came true, finite
   * @return the prediction before this row
   * @throws IllegalArgumentException if the length differs or a number is not finite
   */
  public double observe(double[] features, double actual) {
    if (!Double.isFinite(actual)) {
      throw new IllegalArgumentException("actual must be finite, but was " + actual);
    }
    double prediction = predict(features);
    double step = eta * (tau - (actual <= prediction ? 1 : 0));
    for (int j = 0; j < coefficients.length; j++) {
      coefficients[j] += step * features[j];
    }
    return prediction;
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
