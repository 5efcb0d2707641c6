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
      sum += means[b] * (Math.min(endNanos, (b + 1) * widthNanos) - b * widthNanos);
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
}
