package io.headway.simulator.metrics;

/** A quantity over time as mean and maximum per bucket of equal width. Immutable. */
public final class Timeline {
  private final long widthNanos;
  private final long endNanos;
  private final double[] means;
  private final double[] maxima;

  Timeline(long widthNanos, long endNanos, double[] means, double[] maxima) {
    this.widthNanos = widthNanos;
    this.endNanos = endNanos;
    this.means = means;
    this.maxima = maxima;
  }

  /**
   * Returns how many buckets there are.
   *
   * @return the number of buckets, the last of which may end early
   */
  public int buckets() {
    return means.length;
  }

  /**
   * Returns the width of a bucket.
   *
   * @return nanoseconds
   */
  public long widthNanos() {
    return widthNanos;
  }

  /**
   * Returns where the timeline ends.
   *
   * @return nanoseconds of virtual time
   */
  public long endNanos() {
    return endNanos;
  }

  /**
   * Returns the time-weighted mean in a bucket.
   *
   * @param bucket index of the bucket
   * @return the mean
   */
  public double mean(int bucket) {
    return means[bucket];
  }

  /**
   * Returns the largest value in a bucket.
   *
   * @param bucket index of the bucket
   * @return the maximum; of a sum of series, an upper bound of it
   */
  public double max(int bucket) {
    return maxima[bucket];
  }

  /**
   * Returns the time-weighted mean over all buckets.
   *
   * @return the mean; 0 if no time has passed
   */
  public double mean() {
    double sum = 0;
    for (int b = 0; b < means.length; b++) {
      sum += means[b] * lengthNanos(b);
    }
    return endNanos == 0 ? 0 : sum / endNanos;
  }

  /**
   * Returns the largest value.
   *
   * @return the maximum over all buckets
   */
  public double max() {
    double max = 0;
    for (double value : maxima) {
      max = Math.max(max, value);
    }
    return max;
  }

  /**
   * Returns this timeline with fewer, wider buckets: means are averaged over time, maxima are the
   * larger ones.
   *
   * @param limit most buckets, at least 1
   * @return a timeline whose width is a multiple of this one's
   * @throws IllegalArgumentException if the limit is below 1
   */
  public Timeline atMost(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1 bucket, but was " + limit);
    }
    int merged = Math.max(1, (buckets() + limit - 1) / limit);
    int count = (buckets() + merged - 1) / merged;
    double[] widerMeans = new double[count];
    double[] widerMaxima = new double[count];
    for (int b = 0; b < count; b++) {
      double integral = 0;
      long nanos = 0;
      for (int k = b * merged; k < Math.min((b + 1) * merged, buckets()); k++) {
        integral += means[k] * lengthNanos(k);
        nanos += lengthNanos(k);
        widerMaxima[b] = Math.max(widerMaxima[b], maxima[k]);
      }
      widerMeans[b] = integral / nanos;
    }
    return new Timeline(widthNanos * merged, endNanos, widerMeans, widerMaxima);
  }

  /**
   * Returns this timeline in another unit.
   *
   * @param divisor what every value is divided by; above 0
   * @return the scaled timeline
   * @throws IllegalArgumentException if the divisor is not positive
   */
  public Timeline dividedBy(double divisor) {
    if (!(divisor > 0)) {
      throw new IllegalArgumentException("divisor must be above 0, but was " + divisor);
    }
    double[] scaledMeans = new double[means.length];
    double[] scaledMaxima = new double[means.length];
    for (int b = 0; b < means.length; b++) {
      scaledMeans[b] = means[b] / divisor;
      scaledMaxima[b] = maxima[b] / divisor;
    }
    return new Timeline(widthNanos, endNanos, scaledMeans, scaledMaxima);
  }

  private long lengthNanos(int bucket) {
    return Math.min(endNanos, (bucket + 1) * widthNanos) - bucket * widthNanos;
  }
}
