package io.headway.batching.composition;

import io.headway.batching.internal.Arguments;

/**
 * How long an iteration takes, to a composition that keeps time limits: {@code fixed + perToken *
 * tokens + perContextToken * context}, with {@code tokens} computed in the batch and {@code
 * context} the KV entries that its sequences held before. Immutable.
 *
 * <p>No paper publishes coefficients that would hold elsewhere; fit your own. {@link #DEFAULT} is a
 * roofline estimate for Llama-2-7B in 16 bits on one A100: 13.5 GB of weights and 0.5 MB of KV per
 * context token at 2 TB/s, 14 GFLOP per token at 60 % of 312 TFLOP/s.
 *
 * @param fixedNanos ns of an iteration without work, at least 0
 * @param nanosPerToken ns per token computed, at least 0
 * @param nanosPerContextToken ns per KV entry read, at least 0
 */
public record LinearBatchTime(
    double fixedNanos, double nanosPerToken, double nanosPerContextToken) {
  /** 6.75 ms, 75 us per token, 0.25 us per context token. */
  public static final LinearBatchTime DEFAULT = new LinearBatchTime(6_750_000, 75_000, 250);

  // Sums of decimals miss the whole nanosecond they stand for by far less than this.
  private static final double ROUNDING_NANOS = 1e-3;

  public LinearBatchTime {
    Arguments.notNegative("fixedNanos", fixedNanos, "ns");
    Arguments.notNegative("nanosPerToken", nanosPerToken, "ns per token");
    Arguments.notNegative("nanosPerContextToken", nanosPerContextToken, "ns per context token");
  }

  /**
   * Makes the model from seconds.
   *
   * @param fixedSeconds seconds of an iteration without work, at least 0
   * @param secondsPerToken seconds per token computed, at least 0
   * @param secondsPerContextToken seconds per KV entry read, at least 0
   * @return the model
   */
  public static LinearBatchTime ofSeconds(
      double fixedSeconds, double secondsPerToken, double secondsPerContextToken) {
    return new LinearBatchTime(
        fixedSeconds * 1e9, secondsPerToken * 1e9, secondsPerContextToken * 1e9);
  }

  /**
   * Returns the time of an iteration.
   *
   * @param tokens computed in the batch
   * @param contextTokens KV entries its sequences held before
   * @return nanoseconds
   */
  public double nanos(long tokens, long contextTokens) {
    return fixedNanos + nanosPerToken * tokens + nanosPerContextToken * contextTokens;
  }

  /**
   * Returns whether an iteration ends within a limit.
   *
   * @param limitNanos the limit
   * @param tokens computed in the batch
   * @param contextTokens KV entries its sequences held before
   * @return true if its time is at most the limit, to a thousandth of a nanosecond
   */
  public boolean fits(double limitNanos, long tokens, long contextTokens) {
    return nanos(tokens, contextTokens) <= limitNanos + ROUNDING_NANOS;
  }

  /**
   * Returns the most tokens an iteration can compute within a limit.
   *
   * @param limitNanos the limit
   * @param contextTokens KV entries its sequences hold before
   * @return tokens; 0 if not even one fits
   */
  public long mostTokens(double limitNanos, long contextTokens) {
    double left = limitNanos + ROUNDING_NANOS - fixedNanos - nanosPerContextToken * contextTokens;
    if (left < 0) {
      return 0;
    }
    return nanosPerToken == 0 ? Long.MAX_VALUE : (long) Math.floor(left / nanosPerToken);
  }
}
