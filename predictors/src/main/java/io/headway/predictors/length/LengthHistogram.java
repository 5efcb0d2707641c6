package io.headway.predictors.length;

import java.util.Arrays;

/**
 * Counts finished lengths in buckets of one width and answers what remains of a length of which
 * {@code g} tokens are already there: the survival form of the historical distribution.
 *
 * <p>Kept is the mass of lengths of at least {@code g}: buckets below the one that holds {@code g}
 * drop out, that one keeps the part of its mass above {@code g}, uniform inside the bucket.
 *
 * <ul>
 *   <li>mean: of the kept parts, each at its midpoint, minus {@code g}
 *   <li>quantile: the least point at which the kept mass reaches {@code tau}, linear inside a
 *       bucket, minus {@code g}; non-decreasing in {@code tau}
 * </ul>
 *
 * Lengths beyond the last bucket count in it. A censored length (known only to be longer) counts in
 * an open tail behind the last bucket, for which the caller's limit stands in. O(buckets) per
 * answer, no allocation; mutable, not thread-safe. The arithmetic is the project's own.
 */
public final class LengthHistogram {
  private final int widthTokens;
  private final double[] counts;
  private double tail;
  private long observations;

  /**
   * Makes an empty histogram.
   *
   * @param widthTokens width of a bucket, at least 1 token
   * @param buckets number of buckets, at least 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public LengthHistogram(int widthTokens, int buckets) {
    if (widthTokens < 1) {
      throw new IllegalArgumentException(
          "widthTokens must be at least 1 token, but was " + widthTokens);
    }
    if (buckets < 1) {
      throw new IllegalArgumentException("buckets must be at least 1, but was " + buckets);
    }
    this.widthTokens = widthTokens;
    counts = new double[buckets];
  }

  /**
   * Counts one finished length.
   *
   * @param lengthTokens at least 0 tokens
   * @throws IllegalArgumentException if it is negative
   */
  public void observe(int lengthTokens) {
    if (lengthTokens < 0) {
      throw new IllegalArgumentException(
          "lengthTokens must be at least 0 tokens, but was " + lengthTokens);
    }
    add(Math.min(lengthTokens / widthTokens, counts.length - 1), 1);
    observations++;
  }

  /** Counts one request that would have become longer than it was let. */
  public void observeCensored() {
    tail++;
    observations++;
  }

  /**
   * Adds mass to a bucket.
   *
   * @param bucket 0 to {@code buckets - 1}
   * @param mass finite and at least 0
   * @throws IllegalArgumentException if the mass is out of range
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public void add(int bucket, double mass) {
    if (!(mass >= 0) || Double.isInfinite(mass)) {
      throw new IllegalArgumentException("mass must be finite and at least 0, but was " + mass);
    }
    counts[bucket] += mass;
  }

  /** Halves every count, so that later lengths weigh more. */
  public void halve() {
    for (int b = 0; b < counts.length; b++) {
      counts[b] /= 2;
    }
    tail /= 2;
  }

  /** Forgets everything. */
  public void clear() {
    Arrays.fill(counts, 0);
    tail = 0;
    observations = 0;
  }

  /**
   * Returns how many lengths were observed, censored ones included.
   *
   * @return a count, not halved
   */
  public long observations() {
    return observations;
  }

  /**
   * Returns whether any finished length of at least {@code g} is remembered.
   *
   * @param generatedTokens {@code g}, at least 0
   * @return false if there is nothing to answer from but the limit
   */
  public boolean covers(int generatedTokens) {
    return keptMass(generatedTokens) > 0;
  }

  /**
   * Returns the mean of what remains.
   *
   * @param generatedTokens {@code g}, at least 0
   * @param limitTokens most output tokens in all; stands in for the tail and where nothing is known
   * @return tokens, at least 0
   */
  public double meanRemaining(int generatedTokens, int limitTokens) {
    double rest = Math.max(0, limitTokens - generatedTokens);
    double mass = keptMass(generatedTokens);
    if (!(mass > 0)) {
      return rest;
    }
    double sum = 0;
    for (int b = generatedTokens / widthTokens; b < counts.length; b++) {
      double low = Math.max(generatedTokens, (double) b * widthTokens);
      double high = (b + 1.0) * widthTokens;
      sum += kept(b, generatedTokens) * ((low + high) / 2 - generatedTokens);
    }
    return (sum + tail * rest) / (mass + tail);
  }

  /**
   * Returns a quantile of what remains.
   *
   * @param generatedTokens {@code g}, at least 0
   * @param tau in (0, 1]
   * @param limitTokens most output tokens in all; stands in for the tail and where nothing is known
   * @return tokens, at least 0
   * @throws IllegalArgumentException if {@code tau} is out of range
   */
  public double quantileRemaining(int generatedTokens, double tau, int limitTokens) {
    if (!(tau > 0 && tau <= 1)) {
      throw new IllegalArgumentException("tau must be above 0 and at most 1, but was " + tau);
    }
    double mass = keptMass(generatedTokens);
    double rest = Math.max(0, limitTokens - generatedTokens);
    if (!(mass > 0)) {
      return rest;
    }
    double wanted = tau * (mass + tail);
    double below = 0;
    double end = 0;
    for (int b = generatedTokens / widthTokens; b < counts.length; b++) {
      double kept = kept(b, generatedTokens);
      double low = Math.max(generatedTokens, (double) b * widthTokens);
      double high = (b + 1.0) * widthTokens;
      if (kept > 0) {
        if (below + kept >= wanted) {
          return low + (wanted - below) / kept * (high - low) - generatedTokens;
        }
        below += kept;
        end = high - generatedTokens;
      }
    }
    // In the tail; without one only rounding leads here.
    return tail > 0 ? Math.max(end, rest) : end;
  }

  private double keptMass(int generatedTokens) {
    if (generatedTokens < 0) {
      throw new IllegalArgumentException(
          "generatedTokens must be at least 0 tokens, but was " + generatedTokens);
    }
    double mass = 0;
    for (int b = generatedTokens / widthTokens; b < counts.length; b++) {
      mass += kept(b, generatedTokens);
    }
    return mass;
  }

  private double kept(int bucket, int generatedTokens) {
    double low = (double) bucket * widthTokens;
    return low >= generatedTokens
        ? counts[bucket]
        : counts[bucket] * (low + widthTokens - generatedTokens) / widthTokens;
  }
}
