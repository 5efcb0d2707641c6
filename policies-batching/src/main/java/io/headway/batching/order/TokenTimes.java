package io.headway.batching.order;

import io.headway.batching.internal.Arguments;

/**
 * Returns how long iterations take, as far as an order has to know: {@code fixed + perToken * n}
 * for an iteration with n prompt tokens, a constant for a decode. Immutable.
 *
 * <p>The published systems profile their engine. The defaults here are of a plausible order of
 * magnitude and stand for no particular engine: fit your own, for example with an iteration-time
 * model.
 *
 * @param prefillFixedSeconds of an iteration with a prefill, at least 0
 * @param prefillSecondsPerToken at least 0
 * @param decodeSeconds of an iteration of decodes, above 0
 */
public record TokenTimes(
    double prefillFixedSeconds, double prefillSecondsPerToken, double decodeSeconds) {
  /** 10 ms for an iteration, 0.1 ms for a prompt token. */
  public static final TokenTimes DEFAULT = new TokenTimes(0.010, 0.0001, 0.010);

  public TokenTimes {
    Arguments.notNegative("prefillFixedSeconds", prefillFixedSeconds, "s");
    Arguments.notNegative("prefillSecondsPerToken", prefillSecondsPerToken, "s per token");
    Arguments.positive("decodeSeconds", decodeSeconds, "s");
  }

  /**
   * Returns the duration of an iteration with a prefill.
   *
   * @param tokens prompt tokens computed
   * @return seconds
   */
  public double prefillSeconds(int tokens) {
    return prefillFixedSeconds + prefillSecondsPerToken * tokens;
  }

  /**
   * Returns the duration of an iteration with a prefill.
   *
   * @param tokens prompt tokens computed
   * @return nanoseconds, rounded
   */
  public long prefillNanos(int tokens) {
    return Math.round(prefillSeconds(tokens) * 1e9);
  }

  /**
   * Returns the duration of an iteration of decodes.
   *
   * @return nanoseconds, rounded
   */
  public long decodeNanos() {
    return Math.round(decodeSeconds * 1e9);
  }
}
