package io.headway.simulator.metrics;

/**
 * The summary of a set of durations.
 *
 * <p>A quantile at {@code q} is exact: the linear interpolation at position {@code (n-1) q} of the
 * sorted values (definition 7 of Hyndman and Fan, the default of NumPy and R).
 *
 * @param count how many values there are
 * @param meanNanos arithmetic mean, nanoseconds; NaN without values
 * @param p50Nanos median, nanoseconds; NaN without values
 * @param p90Nanos 90 % quantile, nanoseconds; NaN without values
 * @param p99Nanos 99 % quantile, nanoseconds; NaN without values
 * @param maxNanos largest value, nanoseconds; NaN without values
 */
public record Distribution(
    long count,
    double meanNanos,
    double p50Nanos,
    double p90Nanos,
    double p99Nanos,
    double maxNanos) {

  /** The summary of no values. */
  public static final Distribution EMPTY =
      new Distribution(0, Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
}
