package io.headway.predictors.arrival;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.ArrivalForecaster;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Forecasts arrivals with trend and season ({@link HoltWintersSmoother}), each value at least 0.
 *
 * <p>With fewer than two seasons of bins the last value is repeated. A bin that was not measured
 * takes its own forecast; before the first two seasons are complete, the value before it (0 for the
 * first). A 0 in the data makes a multiplicative model additive from the beginning: both are kept
 * side by side until then. O(1) per bin, O(horizon) per forecast.
 *
 * <p>Forecast tokens rather than requests where lengths change with the hour. The autoscalers that
 * use such forecasts (SageServe, SIGMETRICS 2026, arXiv 2502.14617) do not publish their
 * parameters; the defaults are the project's own.
 */
public final class HoltWinters implements ArrivalForecaster<HoltWinters.Series> {
  /** Forms of the season. */
  public enum Form {
    /** Seasonals are added. */
    ADDITIVE,
    /** Seasonals are factors. */
    MULTIPLICATIVE
  }

  /**
   * Configuration.
   *
   * @param form of the season
   * @param season bins in a season, at least 1
   * @param alpha weight of the level, 0 to 1
   * @param beta weight of the trend, 0 to 1
   * @param gamma weight of the seasonals, 0 to 1
   */
  public record Config(Form form, int season, double alpha, double beta, double gamma) {
    /** Additive, 24 bins, weights 0.3, 0.05 and 0.2. */
    public static final Config DEFAULT = new Config(Form.ADDITIVE, 24, 0.3, 0.05, 0.2);

    /** Checks the values. */
    public Config {
      requireNonNull(form, "form");
      if (season < 1) {
        throw new IllegalArgumentException("season must be at least 1 bin, but was " + season);
      }
      HoltWintersSmoother.weight("alpha", alpha);
      HoltWintersSmoother.weight("beta", beta);
      HoltWintersSmoother.weight("gamma", gamma);
    }
  }

  private static final double[] GRID = {0.05, 0.1, 0.2, 0.3, 0.5, 0.8};

  private final Config config;

  /**
   * Makes a forecaster.
   *
   * @param config its configuration
   */
  public HoltWinters(Config config) {
    this.config = requireNonNull(config, "config");
  }

  /**
   * Returns the configuration whose one-step forecasts fit a history best: least squared error over
   * weights from 0.05, 0.1, 0.2, 0.3, 0.5 and 0.8 each, ties to the smaller alpha, beta, gamma.
   *
   * @param form of the season
   * @param season bins in a season, at least 1
   * @param history at least two seasons and one bin
   * @return the best configuration
   * @throws IllegalArgumentException if the history is too short
   */
  public static Config tuned(Form form, int season, double[] history) {
    if (history.length <= 2 * season) {
      throw new IllegalArgumentException(
          "history must have more than two seasons, "
              + 2 * season
              + " bins, but has "
              + history.length);
    }
    Config best = new Config(form, season, GRID[0], GRID[0], GRID[0]);
    double least = Double.POSITIVE_INFINITY;
    for (double alpha : GRID) {
      for (double beta : GRID) {
        for (double gamma : GRID) {
          Config candidate = new Config(form, season, alpha, beta, gamma);
          double error = squaredError(candidate, history);
          if (error < least) {
            least = error;
            best = candidate;
          }
        }
      }
    }
    return best;
  }

  private static double squaredError(Config config, double[] history) {
    HoltWinters forecaster = new HoltWinters(config);
    Series series = forecaster.newState();
    double[] next = new double[1];
    double sum = 0;
    for (int t = 0; t < history.length; t++) {
      if (t >= 2 * config.season) {
        forecaster.forecast(series, next);
        sum += (history[t] - next[0]) * (history[t] - next[0]);
      }
      forecaster.add(series, history[t]);
    }
    return sum;
  }

  @Override
  public String id() {
    return "holt-winters";
  }

  @Override
  public Series newState() {
    return new Series(config);
  }

  @Override
  public void add(Series state, double count) {
    if (!(count >= 0) || Double.isInfinite(count)) {
      throw new IllegalArgumentException("count must be finite and at least 0, but was " + count);
    }
    state.zeroSeen |= count == 0;
    state.add(count, count);
  }

  @Override
  public void addMissing(Series state) {
    double last = state.bins == 0 ? 0 : state.last;
    state.add(
        state.additive == null ? last : state.additive.expected(),
        state.multiplicative == null ? last : state.multiplicative.expected());
  }

  @Override
  public boolean forecast(Series state, double[] into) {
    if (state.bins == 0) {
      return false;
    }
    HoltWintersSmoother smoother = state.smoother();
    for (int h = 0; h < into.length; h++) {
      into[h] = Math.max(0, smoother == null ? state.last : smoother.forecast(h + 1));
    }
    return true;
  }

  /** The series so far. Not thread-safe. */
  public static final class Series {
    private final Config config;
    private final double[] start;
    private long bins;
    private double last;
    private boolean zeroSeen;
    private @Nullable HoltWintersSmoother additive;
    private @Nullable HoltWintersSmoother multiplicative;

    private Series(Config config) {
      this.config = config;
      start = new double[2 * config.season];
    }

    private void add(double count, double multiplicativeCount) {
      last = count;
      if (additive != null) {
        additive.add(count);
        if (multiplicative != null && !zeroSeen) {
          multiplicative.add(multiplicativeCount);
        }
      } else {
        start[(int) bins] = count;
        if (bins == start.length - 1) {
          begin();
        }
      }
      bins++;
    }

    private void begin() {
      boolean factors =
          config.form == Form.MULTIPLICATIVE && Arrays.stream(start).allMatch(count -> count > 0);
      HoltWintersSmoother sums = smoother(false);
      HoltWintersSmoother products = factors ? smoother(true) : null;
      for (int t = config.season; t < start.length; t++) {
        sums.add(start[t]);
        if (products != null) {
          products.add(start[t]);
        }
      }
      additive = sums;
      multiplicative = products;
    }

    private HoltWintersSmoother smoother(boolean factors) {
      return new HoltWintersSmoother(
          factors, config.season, config.alpha, config.beta, config.gamma, start);
    }

    /**
     * Returns the smoother that forecasts now.
     *
     * @return the live smoother; null before two seasons are complete
     */
    public @Nullable HoltWintersSmoother smoother() {
      return form() == Form.ADDITIVE ? additive : multiplicative;
    }

    /**
     * Returns the form in use.
     *
     * @return additive if configured so, or once a 0 was seen
     */
    public Form form() {
      return multiplicative == null || zeroSeen ? Form.ADDITIVE : Form.MULTIPLICATIVE;
    }
  }
}
