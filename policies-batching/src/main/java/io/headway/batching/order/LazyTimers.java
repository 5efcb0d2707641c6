package io.headway.batching.order;

import io.headway.api.batching.BatchView;
import java.util.Arrays;

/**
 * Sequences by the time at which something about them was noted last, the earliest first. The time
 * may grow without a word; whoever takes the first one looks whether it has. O(1) per operation as
 * long as times are added about in order. Allocates only to grow.
 */
final class LazyTimers {
  private static final int NONE = BatchView.NONE;

  private int[] previous = new int[16];
  private int[] next = new int[16];
  private long[] times = new long[16];
  private boolean[] present = new boolean[16];
  private int first = NONE;
  private int last = NONE;

  boolean contains(int sequence) {
    return sequence < present.length && present[sequence];
  }

  int first() {
    return first;
  }

  int next(int sequence) {
    return next[sequence];
  }

  long time(int sequence) {
    return times[sequence];
  }

  void add(int sequence, long time) {
    ensure(sequence);
    int before = last;
    while (before != NONE && times[before] > time) {
      before = previous[before];
    }
    int after = before == NONE ? first : next[before];
    previous[sequence] = before;
    next[sequence] = after;
    if (before == NONE) {
      first = sequence;
    } else {
      next[before] = sequence;
    }
    if (after == NONE) {
      last = sequence;
    } else {
      previous[after] = sequence;
    }
    times[sequence] = time;
    present[sequence] = true;
  }

  void remove(int sequence) {
    if (!contains(sequence)) {
      return;
    }
    int before = previous[sequence];
    int after = next[sequence];
    if (before == NONE) {
      first = after;
    } else {
      next[before] = after;
    }
    if (after == NONE) {
      last = before;
    } else {
      previous[after] = before;
    }
    present[sequence] = false;
  }

  private void ensure(int sequence) {
    if (sequence >= times.length) {
      int length = Math.max(sequence + 1, times.length * 2);
      previous = Arrays.copyOf(previous, length);
      next = Arrays.copyOf(next, length);
      times = Arrays.copyOf(times, length);
      present = Arrays.copyOf(present, length);
    }
  }
}
