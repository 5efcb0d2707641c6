package io.headway.simulator.metrics;

import java.util.Arrays;

/**
 * A quantity over time that changes in steps (blocks in use, requests waiting), kept as mean and
 * maximum over buckets of equal width.
 *
 * <p>The number of buckets is bounded: when time runs past the last one the width doubles and pairs
 * of buckets are merged. Integrals are exact whole numbers, so that it makes no difference whether
 * a constant stretch is reported once or piece by piece; a value that lasts for no time leaves no
 * trace. Not thread-safe.
 */
public final class StepSeries {
  /** Width of a bucket at the start: 2^20 ns, about 1 ms. */
  public static final long INITIAL_WIDTH_NANOS = 1L << 20;

  /** Most buckets. */
  public static final int MAX_BUCKETS = 512;

  private final long[] integrals = new long[MAX_BUCKETS];
  private final long[] maxima = new long[MAX_BUCKETS];
  private long widthNanos = INITIAL_WIDTH_NANOS;
  private long lastNanos;
  private long value;

  /** Creates a series that is 0 from time 0 on. */
  public StepSeries() {}

  /**
   * Sets the value from a time on.
   *
   * @param nowNanos nanoseconds of virtual time, at least 0 and not before the last change
   * @param newValue the value, at least 0
   * @throws IllegalArgumentException if time runs backwards or the value is negative
   */
  public void set(long nowNanos, long newValue) {
    if (newValue < 0) {
      throw new IllegalArgumentException("value must be at least 0, but was " + newValue);
    }
    advance(nowNanos);
    value = newValue;
  }

  /**
   * Lets the current value last until a time.
   *
   * @param nowNanos nanoseconds of virtual time, not before the last change
   * @throws IllegalArgumentException if time runs backwards
   */
  public void advance(long nowNanos) {
    if (nowNanos < lastNanos) {
      throw new IllegalArgumentException(
          "nowNanos must be at least " + lastNanos + " ns, the last change, but was " + nowNanos);
    }
    while ((nowNanos - 1) / widthNanos >= MAX_BUCKETS) {
      coarsen();
    }
    long from = lastNanos;
    lastNanos = nowNanos;
    if (value == 0) {
      return;
    }
    while (from < nowNanos) {
      int bucket = (int) (from / widthNanos);
      long to = Math.min(nowNanos, (bucket + 1) * widthNanos);
      integrals[bucket] += value * (to - from);
      maxima[bucket] = Math.max(maxima[bucket], value);
      from = to;
    }
  }

  /**
   * Returns the current value.
   *
   * @return the value set last
   */
  public long value() {
    return value;
  }

  /**
   * Returns the time up to which the series is known.
   *
   * @return nanoseconds of virtual time
   */
  public long endNanos() {
    return lastNanos;
  }

  /**
   * Returns the mean over the whole time.
   *
   * @return the time-weighted mean; 0 if no time has passed
   */
  public double mean() {
    double sum = 0;
    for (long integral : integrals) {
      sum += integral;
    }
    return lastNanos == 0 ? 0 : sum / lastNanos;
  }

  /**
   * Returns the largest value that lasted for some time.
   *
   * @return the maximum
   */
  public long max() {
    return Arrays.stream(maxima).max().orElse(0);
  }

  /**
   * Returns the sum of several series over the same time, bucket by bucket.
   *
   * @param parts series that end at the same time; at least one
   * @return their timeline: the means add up exactly, its maxima are upper bounds since the parts
   *     need not peak together
   * @throws IllegalArgumentException if there is no part or they end at different times
   */
  public static Timeline sum(StepSeries... parts) {
    if (parts.length == 0) {
      throw new IllegalArgumentException("parts must have at least 1 series, but was empty");
    }
    long end = parts[0].lastNanos;
    long width = parts[0].widthNanos;
    for (StepSeries part : parts) {
      if (part.lastNanos != end) {
        throw new IllegalArgumentException(
            "parts must end at the same time, but ended at "
                + end
                + " and "
                + part.lastNanos
                + " ns");
      }
      width = Math.max(width, part.widthNanos);
    }
    int buckets = (int) Math.min(MAX_BUCKETS, (end + width - 1) / width);
    double[] means = new double[buckets];
    double[] maxima = new double[buckets];
    for (int b = 0; b < buckets; b++) {
      long length = Math.min(end, (b + 1) * width) - b * width;
      double integral = 0;
      for (StepSeries part : parts) {
        int merged = (int) (width / part.widthNanos);
        long max = 0;
        for (int k = b * merged; k < Math.min((b + 1) * merged, MAX_BUCKETS); k++) {
          integral += part.integrals[k];
          max = Math.max(max, part.maxima[k]);
        }
        maxima[b] += max;
      }
      means[b] = integral / length;
    }
    return new Timeline(width, end, means, maxima);
  }

  private void coarsen() {
    for (int b = 0; b < MAX_BUCKETS / 2; b++) {
      integrals[b] = integrals[2 * b] + integrals[2 * b + 1];
      maxima[b] = Math.max(maxima[2 * b], maxima[2 * b + 1]);
    }
    Arrays.fill(integrals, MAX_BUCKETS / 2, MAX_BUCKETS, 0);
    Arrays.fill(maxima, MAX_BUCKETS / 2, MAX_BUCKETS, 0);
    widthNanos *= 2;
  }
}
