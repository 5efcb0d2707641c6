package io.headway.runtime;

/** The latest time any caller has told. Guarded by the cluster's lock. */
final class ClusterClock {
  private long now = Long.MIN_VALUE;

  /** Takes a caller's time; one that lies before the latest counts as the latest. */
  long advance(long nowNanos) {
    if (nowNanos > now) {
      now = nowNanos;
    }
    return now;
  }

  long now() {
    return now;
  }
}
