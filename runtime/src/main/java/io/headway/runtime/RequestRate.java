package io.headway.runtime;

import java.util.Arrays;

/** Counts events in a sliding window of whole buckets. Not thread-safe. */
final class RequestRate {
  private static final int BUCKETS = 64;

  private final long bucketNanos;
  private final int[] counts = new int[BUCKETS];
  private long newest = Long.MIN_VALUE;
  private int total;
  private boolean any;

  RequestRate(long windowNanos) {
    bucketNanos = Math.max(1, windowNanos / BUCKETS);
  }

  void add(long nowNanos) {
    advance(nowNanos);
    counts[Math.floorMod(newest, BUCKETS)]++;
    total++;
    any = true;
  }

  boolean any() {
    return any;
  }

  double perSecond(long nowNanos) {
    advance(nowNanos);
    return total * 1e9 / ((double) bucketNanos * BUCKETS);
  }

  private void advance(long nowNanos) {
    long bucket = Math.floorDiv(nowNanos, bucketNanos);
    if (newest == Long.MIN_VALUE || bucket - newest >= BUCKETS) {
      Arrays.fill(counts, 0);
      total = 0;
      newest = bucket;
      return;
    }
    while (newest < bucket) {
      newest++;
      int slot = Math.floorMod(newest, BUCKETS);
      total -= counts[slot];
      counts[slot] = 0;
    }
  }
}
