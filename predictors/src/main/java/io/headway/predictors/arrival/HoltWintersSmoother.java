package io.headway.predictors.arrival;

/**
 * Level, trend and seasonals of a series, moved by every value: exponential smoothing with a season
 * of {@code m} bins (Holt 1957, Winters 1960).
 *
 * <p>Start from two seasons: level = mean of the first, trend = mean over i of {@code (y_(m+i) -
 * y_i) / m}, seasonals {@code y_i - level} (additive) or {@code y_i / level} (multiplicative). Per
 * value, with {@code s} the seasonal of its place in the season,
 *
 * <pre>
 * fit    = level + trend + s                      | (level + trend) s
 * level' = a (y - s) + (1 - a)(level + trend)     | a y / s + (1 - a)(level + trend)
 * trend' = b (level' - level) + (1 - b) trend
 * s'     = g (y - level') + (1 - g) s             | g y / level' + (1 - g) s
 * h-step = level + h trend + s                    | (level + h trend) s
 * </pre>
 *
 * The starting level belongs to the middle of the first season, so a series that both rises and has
 * a season of more than one bin is approached, not continued exactly; a season without trend and a
 * line without season are.
 *
 * <p>O(1) per value; mutable, not thread-safe.
 */
public final class HoltWintersSmoother {
  private final boolean multiplicative;
  private final double alpha;
  private final double beta;
  private final double gamma;
  private final double[] seasonals;
  private double level;
  private double trend;
  private int place;

  /**
   * Starts from the first two seasons. The values of the second are taken in by {@link #add}
   * afterwards, like all later ones.
   *
   * @param multiplicative whether seasonals are factors
   * @param season {@code m}, at least 1
   * @param alpha weight of the level, 0 to 1
   * @param beta weight of the trend, 0 to 1
   * @param gamma weight of the seasonals, 0 to 1
   * @param counts at least {@code 2 m} values, the first {@code 2 m} of which are looked at
   * @throws IllegalArgumentException if a value is out of range, there are too few, or one of a
   *     multiplicative start is not above 0
   */
  public HoltWintersSmoother(
      boolean multiplicative,
      int season,
      double alpha,
      double beta,
      double gamma,
      double[] counts) {
    if (season < 1) {
      throw new IllegalArgumentException("season must be at least 1 bin, but was " + season);
    }
    this.multiplicative = multiplicative;
    this.alpha = weight("alpha", alpha);
    this.beta = weight("beta", beta);
    this.gamma = weight("gamma", gamma);
    if (counts.length < 2 * season) {
      throw new IllegalArgumentException(
          "counts must have at least two seasons, "
              + 2 * season
              + " bins, but has "
              + counts.length);
    }
    seasonals = new double[season];
    for (int i = 0; i < season; i++) {
      if (multiplicative && !(counts[i] > 0 && counts[season + i] > 0)) {
        throw new IllegalArgumentException(
            "counts must be above 0 in the multiplicative form, but bin "
                + (counts[i] > 0 ? season + i : i)
                + " is not");
      }
      level += counts[i] / season;
      trend += (counts[season + i] - counts[i]) / season / season;
    }
    for (int i = 0; i < season; i++) {
      seasonals[i] = multiplicative ? counts[i] / level : counts[i] - level;
    }
  }

  /**
   * Returns what the next value is expected to be.
   *
   * @return the one-step forecast, not clamped
   */
  public double expected() {
    return forecast(1);
  }

  /**
   * Returns a forecast.
   *
   * @param steps how far ahead, at least 1
   * @return the value, not clamped
   */
  public double forecast(int steps) {
    double seasonal = seasonals[(place + steps - 1) % seasonals.length];
    double line = level + steps * trend;
    return multiplicative ? line * seasonal : line + seasonal;
  }

  /**
   * Takes in the next value.
   *
   * @param count the value
   */
  public void add(double count) {
    double seasonal = seasonals[place];
    double before = level;
    double raw = multiplicative ? count / seasonal : count - seasonal;
    level = alpha * raw + (1 - alpha) * (before + trend);
    trend = beta * (level - before) + (1 - beta) * trend;
    double newSeasonal = multiplicative ? count / level : count - level;
    seasonals[place] = gamma * newSeasonal + (1 - gamma) * seasonal;
    place = (place + 1) % seasonals.length;
  }

  /**
   * Returns the level.
   *
   * @return the series without season, now
   */
  public double level() {
    return level;
  }

  /**
   * Returns the trend.
   *
   * @return change of the level per bin
   */
  public double trend() {
    return trend;
  }

  /**
   * Returns the seasonals of the last season in the order of time.
   *
   * @return {@code m} numbers
   */
  public double[] seasonals() {
    double[] ordered = new double[seasonals.length];
    for (int i = 0; i < ordered.length; i++) {
      ordered[i] = seasonals[(place + i) % seasonals.length];
    }
    return ordered;
  }

  static double weight(String name, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " must be 0 to 1, but was " + value);
    }
    return value;
  }
}
