package io.headway.predictors.calibration;

/**
 * How a conformity score is made from a prediction and an outcome, and an interval from a quantile
 * {@code q} of scores.
 *
 * <p>A prediction is a triple (value, low, high): {@code low} and {@code high} are the quantile
 * predictions of {@link #QUANTILE}; for {@link #NORMALISED} {@code high - value} is the expected
 * scale {@code sigma} of the error. Split conformal prediction after Vovk et al.; the quantile form
 * after Romano, Patterson and Candes (NeurIPS 2019, arXiv 1905.03222).
 */
public enum ConformalForm {
  /** Score {@code |y - s|}, interval {@code [s - q, s + q]}. */
  ABSOLUTE {
    @Override
    public double score(double value, double low, double high, double actual) {
      return Math.abs(actual - value);
    }

    @Override
    public double low(double value, double low, double high, double quantile) {
      return value - quantile;
    }

    @Override
    public double high(double value, double low, double high, double quantile) {
      return value + quantile;
    }
  },
  /** Score {@code y - s}, interval up to {@code s + q}: an upper bound only. */
  UPPER {
    @Override
    public double score(double value, double low, double high, double actual) {
      return actual - value;
    }

    @Override
    public double low(double value, double low, double high, double quantile) {
      return Double.NEGATIVE_INFINITY;
    }

    @Override
    public double high(double value, double low, double high, double quantile) {
      return value + quantile;
    }
  },
  /** Score {@code |y - s| / sigma}, interval {@code [s - q sigma, s + q sigma]}. */
  NORMALISED {
    @Override
    public double score(double value, double low, double high, double actual) {
      return Math.abs(actual - value) / scale(value, high);
    }

    @Override
    public double low(double value, double low, double high, double quantile) {
      return value - quantile * scale(value, high);
    }

    @Override
    public double high(double value, double low, double high, double quantile) {
      return value + quantile * scale(value, high);
    }
  },
  /** Score {@code max(low - y, y - high)}, interval {@code [low - q, high + q]}. */
  QUANTILE {
    @Override
    public double score(double value, double low, double high, double actual) {
      return Math.max(low - actual, actual - high);
    }

    @Override
    public double low(double value, double low, double high, double quantile) {
      return low - quantile;
    }

    @Override
    public double high(double value, double low, double high, double quantile) {
      return high + quantile;
    }
  };

  /**
   * Returns the conformity score of an outcome.
   *
   * @param value the prediction
   * @param low its lower quantile prediction
   * @param high its upper quantile prediction, or {@code value + sigma}
   * @param actual what came true
   * @return larger is stranger
   * @throws IllegalArgumentException if {@code sigma} is not above 0 in the normalised form
   */
  public abstract double score(double value, double low, double high, double actual);

  /**
   * Returns the lower end of the interval.
   *
   * @param value the prediction
   * @param low its lower quantile prediction
   * @param high its upper quantile prediction, or {@code value + sigma}
   * @param quantile {@code q}, possibly infinite
   * @return a number, possibly minus infinity
   */
  public abstract double low(double value, double low, double high, double quantile);

  /**
   * Returns the upper end of the interval.
   *
   * @param value the prediction
   * @param low its lower quantile prediction
   * @param high its upper quantile prediction, or {@code value + sigma}
   * @param quantile {@code q}, possibly infinite
   * @return a number, possibly infinity
   */
  public abstract double high(double value, double low, double high, double quantile);

  private static double scale(double value, double high) {
    double sigma = high - value;
    if (!(sigma > 0)) {
      throw new IllegalArgumentException(
          "sigma = high - value must be above 0 in the normalised form, but was " + sigma);
    }
    return sigma;
  }
}
