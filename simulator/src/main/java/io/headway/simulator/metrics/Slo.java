package io.headway.simulator.metrics;

/**
 * Service-level objectives of one request: it attains them if it finished and none of its latencies
 * is above its limit. A limit of {@link #UNLIMITED_NANOS} asks nothing.
 *
 * @param ttftNanos longest time to the first token, nanoseconds; at least 1
 * @param tpotNanos longest mean time per output token after the first, nanoseconds; at least 1
 * @param e2eNanos longest time to the last token, nanoseconds; at least 1
 */
public record Slo(long ttftNanos, long tpotNanos, long e2eNanos) {
  /** The limit that every latency meets. */
  public static final long UNLIMITED_NANOS = Long.MAX_VALUE;

  /** No objective: every finished request attains it. */
  public static final Slo NONE = new Slo(UNLIMITED_NANOS, UNLIMITED_NANOS, UNLIMITED_NANOS);

  /** Checks the limits. */
  public Slo {
    requirePositive(ttftNanos, "ttftNanos");
    requirePositive(tpotNanos, "tpotNanos");
    requirePositive(e2eNanos, "e2eNanos");
  }

  /**
   * Returns whether there is any limit.
   *
   * @return false for {@link #NONE}
   */
  public boolean isLimited() {
    return !equals(NONE);
  }

  private static void requirePositive(long nanos, String name) {
    if (nanos < 1) {
      throw new IllegalArgumentException(name + " must be at least 1 ns, but was " + nanos);
    }
  }
}
