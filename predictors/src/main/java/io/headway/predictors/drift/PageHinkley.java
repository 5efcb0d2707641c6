package io.headway.predictors.drift;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.DriftDetector;

/**
 * Signals when the mean of a stream has risen (or fallen) by more than it fluctuates: the
 * Page-Hinkley test (Page, Biometrika 1954).
 *
 * <p>With the running mean including the new value, {@code m += x - mean - delta}, {@code M =
 * min(M, m)} starting at 0; alarm when {@code m - M > lambda}. After an alarm everything starts
 * anew. For falls the signs of the values are mirrored. No alarm before {@code minValues} values
 * since the last start. The statistic is never negative, and a constant stream never alarms. O(1),
 * no allocation.
 */
public final class PageHinkley implements DriftDetector<PageHinkley.Statistics> {
  /** Which change is signalled. */
  public enum Direction {
    /** A rise. */
    INCREASE,
    /** A fall. */
    DECREASE
  }

  /**
   * Configuration.
   *
   * @param delta change that is tolerated, finite and at least 0, in the unit of the values
   * @param lambda threshold, finite and above 0; 50 times the typical scale of the values
   * @param minValues values before an alarm, at least 1
   * @param direction which change is signalled
   */
  public record Config(double delta, double lambda, int minValues, Direction direction) {
    /** Tolerance 0.005, threshold 50, 30 values, rises. */
    public static final Config DEFAULT = new Config(0.005, 50, 30, Direction.INCREASE);

    /** Checks the values. */
    public Config {
      requireNonNull(direction, "direction");
      if (!(delta >= 0) || Double.isInfinite(delta)) {
        throw new IllegalArgumentException("delta must be finite and at least 0, but was " + delta);
      }
      if (!(lambda > 0) || Double.isInfinite(lambda)) {
        throw new IllegalArgumentException("lambda must be finite and above 0, but was " + lambda);
      }
      if (minValues < 1) {
        throw new IllegalArgumentException("minValues must be at least 1, but was " + minValues);
      }
    }
  }

  private final Config config;

  /**
   * Makes a detector.
   *
   * @param config its configuration
   */
  public PageHinkley(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "page-hinkley";
  }

  @Override
  public Statistics newState() {
    return new Statistics();
  }

  @Override
  public boolean add(Statistics state, double error) {
    if (!Double.isFinite(error)) {
      throw new IllegalArgumentException("error must be finite, but was " + error);
    }
    if (state.alarmed) {
      state.reset();
    }
    double x = config.direction == Direction.INCREASE ? error : -error;
    state.count++;
    state.mean += (x - state.mean) / state.count;
    state.sum += x - state.mean - config.delta;
    state.least = Math.min(state.least, state.sum);
    state.alarmed = state.count >= config.minValues && state.statistic() > config.lambda;
    return state.alarmed;
  }

  /** The running sums. Not thread-safe. */
  public static final class Statistics {
    private long count;
    private double mean;
    private double sum;
    private double least;
    private boolean alarmed;

    private Statistics() {}

    private void reset() {
      count = 0;
      mean = 0;
      sum = 0;
      least = 0;
      alarmed = false;
    }

    /**
     * Returns the statistic after the last value; after an alarm the one that raised it.
     *
     * @return {@code m - M}, at least 0
     */
    public double statistic() {
      return sum - least;
    }
  }
}
