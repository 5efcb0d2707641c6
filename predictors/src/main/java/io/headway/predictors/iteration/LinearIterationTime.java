package io.headway.predictors.iteration;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import io.headway.predictors.evaluation.PointErrors;
import io.headway.predictors.regression.LeastSquares;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Returns the duration of an iteration from a linear model fitted to profiled rows: {@code b0 + b1
 * prefillTokens + b2 contextTokens + b3 batchSize}, milliseconds.
 *
 * <p>{@code contextTokens} is the sum over decodes of stored tokens, {@code batchSize} the number
 * of sequences; drafted and padding tokens count as prefill tokens, which is the work they cause. A
 * prediction is never below the smallest profiled time; the empty batch takes 0. Outside the range
 * of the profile the line goes on, and {@link #extrapolates} says so. With the non-negative fit the
 * coefficients are the best ones that are all at least 0, which makes the model monotone; the plain
 * fit may have negative ones where context and batch size go together in the profile.
 *
 * <p>Immutable and thread-safe; O(1) per answer, no allocation. Standard form, as used for token
 * budgets with Sarathi-like batching.
 */
public final class LinearIterationTime implements IterationTimeModel {
  private static final int FEATURES = 4;

  /**
   * One profiled iteration.
   *
   * @param prefillTokens at least 0 tokens
   * @param contextTokens sum over decodes of stored tokens, at least 0
   * @param batchSize sequences, at least 0
   * @param millis measured duration, finite and at least 0 ms
   */
  public record Row(long prefillTokens, long contextTokens, int batchSize, double millis) {
    /** Checks the values. */
    public Row {
      if (prefillTokens < 0 || contextTokens < 0 || batchSize < 0) {
        throw new IllegalArgumentException(
            "prefillTokens, contextTokens and batchSize must be at least 0, but were "
                + prefillTokens
                + ", "
                + contextTokens
                + " and "
                + batchSize);
      }
      if (!(millis >= 0) || Double.isInfinite(millis)) {
        throw new IllegalArgumentException(
            "millis must be finite and at least 0 ms, but was " + millis);
      }
    }
  }

  private final double[] coefficients;
  private final double[] lowest;
  private final double[] highest;
  private final double leastMillis;
  private final double mape;

  private LinearIterationTime(double[] coefficients, List<Row> rows) {
    this.coefficients = coefficients;
    lowest = features(rows.get(0));
    highest = features(rows.get(0));
    double least = Double.POSITIVE_INFINITY;
    PointErrors errors = new PointErrors(PointErrors.DEFAULT_FLOOR);
    for (Row row : rows) {
      double[] x = features(row);
      for (int j = 0; j < FEATURES; j++) {
        lowest[j] = Math.min(lowest[j], x[j]);
        highest[j] = Math.max(highest[j], x[j]);
      }
      least = Math.min(least, row.millis);
      errors.add(line(row.prefillTokens, row.contextTokens, row.batchSize), row.millis);
    }
    leastMillis = least;
    mape = errors.mape();
  }

  /**
   * Fits by ordinary least squares.
   *
   * @param rows the profile
   * @return the model
   * @throws IllegalArgumentException if the rows do not determine the four coefficients
   */
  public static LinearIterationTime fit(List<Row> rows) {
    return new LinearIterationTime(
        requireDetermined(LeastSquares.ordinary(features(rows), targets(rows)), rows), rows);
  }

  /**
   * Fits by least squares over coefficients of at least 0. Exact: of all sets of coefficients held
   * at 0, the best one whose others come out non-negative.
   *
   * @param rows the profile
   * @return the model
   * @throws IllegalArgumentException if the rows do not determine the four coefficients
   */
  public static LinearIterationTime fitNonNegative(List<Row> rows) {
    double[][] all = features(rows);
    double[] targets = targets(rows);
    requireDetermined(LeastSquares.ordinary(all, targets), rows);
    double[] best = new double[FEATURES];
    double bestError = error(all, targets, best);
    for (int kept = 1; kept < 1 << FEATURES; kept++) {
      int width = Integer.bitCount(kept);
      double[][] some = new double[all.length][width];
      for (int t = 0; t < all.length; t++) {
        for (int j = 0, k = 0; j < FEATURES; j++) {
          if ((kept >> j & 1) != 0) {
            some[t][k++] = all[t][j];
          }
        }
      }
      double[] fitted = LeastSquares.ordinary(some, targets);
      if (fitted == null) {
        continue;
      }
      double[] candidate = new double[FEATURES];
      boolean feasible = true;
      for (int j = 0, k = 0; j < FEATURES; j++) {
        if ((kept >> j & 1) != 0) {
          candidate[j] = fitted[k++];
          feasible &= candidate[j] >= 0;
        }
      }
      double error = feasible ? error(all, targets, candidate) : Double.POSITIVE_INFINITY;
      if (error < bestError) {
        bestError = error;
        best = candidate;
      }
    }
    return new LinearIterationTime(best, rows);
  }

  @Override
  public double seconds(IterationShape shape) {
    return shape.isEmpty()
        ? 0
        : millis(prefillTokens(shape), shape.decodeContextTokens(), shape.sequences()) / 1e3;
  }

  /**
   * Returns the duration of an iteration.
   *
   * @param prefillTokens at least 0
   * @param contextTokens sum over decodes of stored tokens, at least 0
   * @param batchSize sequences, at least 0
   * @return milliseconds; 0 if all three are 0
   */
  public double millis(long prefillTokens, long contextTokens, int batchSize) {
    return prefillTokens == 0 && contextTokens == 0 && batchSize == 0
        ? 0
        : Math.max(leastMillis, line(prefillTokens, contextTokens, batchSize));
  }

  /**
   * Returns whether an iteration lies outside what was profiled.
   *
   * @param shape the iteration
   * @return true if some feature is outside the range of the rows; false for the empty batch
   */
  public boolean extrapolates(IterationShape shape) {
    return !shape.isEmpty()
        && extrapolates(prefillTokens(shape), shape.decodeContextTokens(), shape.sequences());
  }

  /**
   * Returns whether an iteration lies outside what was profiled.
   *
   * @param prefillTokens at least 0
   * @param contextTokens sum over decodes of stored tokens, at least 0
   * @param batchSize sequences, at least 0
   * @return true if some feature is outside the range of the rows; false if all three are 0
   */
  public boolean extrapolates(long prefillTokens, long contextTokens, int batchSize) {
    return !(prefillTokens == 0 && contextTokens == 0 && batchSize == 0)
        && (outside(1, (double) prefillTokens)
            || outside(2, (double) contextTokens)
            || outside(3, batchSize));
  }

  /**
   * Returns the coefficients.
   *
   * @return {@code b0} ms, {@code b1} and {@code b2} ms per token, {@code b3} ms per sequence
   */
  public double[] coefficients() {
    return coefficients.clone();
  }

  /**
   * Returns the error of the line on the rows it was fitted to.
   *
   * @return mean absolute relative error, a fraction
   */
  public double mape() {
    return mape;
  }

  private double line(long prefillTokens, long contextTokens, int batchSize) {
    return coefficients[0]
        + coefficients[1] * prefillTokens
        + coefficients[2] * contextTokens
        + coefficients[3] * batchSize;
  }

  private boolean outside(int feature, double value) {
    return value < lowest[feature] || value > highest[feature];
  }

  private static long prefillTokens(IterationShape shape) {
    return shape.prefillTokens() + shape.draftTokens() + shape.paddingTokens();
  }

  private static double[] features(Row row) {
    return new double[] {1, row.prefillTokens, row.contextTokens, row.batchSize};
  }

  private static double[][] features(List<Row> rows) {
    return rows.stream().map(LinearIterationTime::features).toArray(double[][]::new);
  }

  private static double[] targets(List<Row> rows) {
    return rows.stream().mapToDouble(Row::millis).toArray();
  }

  private static double error(double[][] rows, double[] targets, double[] coefficients) {
    double sum = 0;
    for (int t = 0; t < rows.length; t++) {
      double difference = targets[t];
      for (int j = 0; j < FEATURES; j++) {
        difference -= coefficients[j] * rows[t][j];
      }
      sum += difference * difference;
    }
    return sum;
  }

  private static double[] requireDetermined(double @Nullable [] fitted, List<Row> rows) {
    requireNonNull(rows, "rows");
    if (fitted == null) {
      throw new IllegalArgumentException(
          "rows must have at least 4 independent rows to fit 4 coefficients, but are "
              + rows.size()
              + " rows of lower rank");
    }
    return fitted;
  }
}
