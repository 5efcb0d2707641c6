package io.headway.predictors.arrival;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.ArrivalForecaster;
import io.headway.predictors.regression.LeastSquares;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Forecasts arrivals by an autoregression of order {@code p} on {@code d}-th differences: ordinary
 * least squares of {@code z_t} on {@code (1, z_(t-1), ..., z_(t-p))}, forecast recursively and
 * integrated back, each value at least 0.
 *
 * <p>Where the regression has lower rank (constant differences) there are no coefficients and the
 * last difference is repeated, which continues a straight line. With too few bins for that, the
 * last value is repeated. A bin that was not measured takes its own forecast (0 for the first). The
 * last {@code historyBins} bins are used and the model is fitted anew in each forecast: O(bins
 * p^2). The textbook model; full ARIMA with moving-average terms is left to external libraries.
 */
public final class ArDifferences implements ArrivalForecaster<ArDifferences.History> {
  /**
   * Configuration.
   *
   * @param order {@code p}, at least 1
   * @param differences {@code d}, at least 0
   * @param historyBins bins the model is fitted to, more than {@code p + d}
   */
  public record Config(int order, int differences, int historyBins) {
    /** Order 2 on first differences of the last 336 bins, two weeks of hours. */
    public static final Config DEFAULT = new Config(2, 1, 336);

    /** Checks the values. */
    public Config {
      requireOrders(order, differences);
      if (historyBins < (long) order + differences + 1) {
        throw new IllegalArgumentException(
            "historyBins must be at least order + differences + 1 = "
                + ((long) order + differences + 1)
                + " bins, but was "
                + historyBins);
      }
    }
  }

  /** A fitted model and its forecast. Immutable. */
  public static final class Fit {
    private final double @Nullable [] coefficients;
    private final double[] forecast;

    private Fit(double @Nullable [] coefficients, double[] forecast) {
      this.coefficients = coefficients;
      this.forecast = forecast;
    }

    /**
     * Returns a copy of the coefficients.
     *
     * @return constant first, then lag 1 to p; null if the regression has lower rank
     */
    public double @Nullable [] coefficients() {
      return coefficients == null ? null : coefficients.clone();
    }

    /**
     * Returns a copy of the forecast.
     *
     * @return the bins to come, not clamped
     */
    public double[] forecast() {
      return forecast.clone();
    }
  }

  private final Config config;

  /**
   * Makes a forecaster.
   *
   * @param config its configuration
   */
  public ArDifferences(Config config) {
    this.config = requireNonNull(config, "config");
  }

  /**
   * Fits a series and forecasts it.
   *
   * @param order {@code p}, at least 1
   * @param differences {@code d}, at least 0
   * @param counts the series, at least {@code p + d + 1} finite values
   * @param horizon bins to forecast, at least 0
   * @return the fit
   * @throws IllegalArgumentException if the series is too short
   */
  public static Fit fit(int order, int differences, double[] counts, int horizon) {
    requireOrders(order, differences);
    int n = counts.length - differences;
    if (n < order + 1) {
      throw new IllegalArgumentException(
          "counts must have at least order + differences + 1 = "
              + (order + differences + 1)
              + " bins, but has "
              + counts.length);
    }
    // ends[k] is the last value of the k-th differences: what integration starts from.
    double[] ends = new double[differences];
    double[] z = counts.clone();
    for (int k = 0; k < differences; k++) {
      ends[k] = z[z.length - 1];
      double[] next = new double[z.length - 1];
      for (int t = 0; t < next.length; t++) {
        next[t] = z[t + 1] - z[t];
      }
      z = next;
    }
    double[][] rows = new double[n - order][order + 1];
    double[] targets = new double[n - order];
    for (int t = order; t < n; t++) {
      double[] row = rows[t - order];
      row[0] = 1;
      for (int lag = 1; lag <= order; lag++) {
        row[lag] = z[t - lag];
      }
      targets[t - order] = z[t];
    }
    double[] coefficients = LeastSquares.ordinary(rows, targets);
    double[] recent = Arrays.copyOfRange(z, n - order, n);
    double[] forecast = new double[horizon];
    for (int h = 0; h < horizon; h++) {
      double value = recent[order - 1];
      if (coefficients != null) {
        value = coefficients[0];
        for (int lag = 1; lag <= order; lag++) {
          value += coefficients[lag] * recent[order - lag];
        }
      }
      System.arraycopy(recent, 1, recent, 0, order - 1);
      recent[order - 1] = value;
      for (int k = differences - 1; k >= 0; k--) {
        ends[k] += value;
        value = ends[k];
      }
      forecast[h] = value;
    }
    return new Fit(coefficients, forecast);
  }

  @Override
  public String id() {
    return "ar-differences";
  }

  @Override
  public History newState() {
    return new History(config.historyBins);
  }

  @Override
  public void add(History state, double count) {
    if (!(count >= 0) || Double.isInfinite(count)) {
      throw new IllegalArgumentException("count must be finite and at least 0, but was " + count);
    }
    state.add(count);
  }

  @Override
  public void addMissing(History state) {
    double[] next = new double[1];
    forecast(state, next);
    state.add(next[0]);
  }

  @Override
  public boolean forecast(History state, double[] into) {
    if (state.size == 0) {
      return false;
    }
    double[] counts = Arrays.copyOf(state.counts, state.size);
    if (state.size < config.order + config.differences + 1) {
      Arrays.fill(into, counts[state.size - 1]);
      return true;
    }
    double[] values = fit(config.order, config.differences, counts, into.length).forecast;
    for (int h = 0; h < into.length; h++) {
      into[h] = Math.max(0, values[h]);
    }
    return true;
  }

  private static void requireOrders(int order, int differences) {
    if (order < 1 || differences < 0) {
      throw new IllegalArgumentException(
          "order must be at least 1 and differences at least 0, but were "
              + order
              + " and "
              + differences);
    }
  }

  /** The bins the model is fitted to. Not thread-safe. */
  public static final class History {
    private final double[] counts;
    private int size;

    private History(int capacity) {
      counts = new double[capacity];
    }

    private void add(double count) {
      if (size == counts.length) {
        System.arraycopy(counts, 1, counts, 0, size - 1);
        size--;
      }
      counts[size++] = count;
    }
  }
}
