package io.headway.runtime;

import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * Times at which something happens to a request, least first; equal times by handle. Entries that
 * no longer matter are dropped when they surface, and all at once when they are the majority, so
 * the heap stays proportional to the live requests.
 */
final class TimerHeap {
  private final LongPredicate matters;
  private long[] times = new long[16];
  private long[] handles = new long[16];
  private int size;

  /**
   * Makes an empty heap.
   *
   * @param matters whether the timer of a handle still matters
   */
  TimerHeap(LongPredicate matters) {
    this.matters = matters;
  }

  /** Adds a timer; {@code live} is how many requests could have one. */
  void add(long time, long handle, int live) {
    if (size > 64 + 2 * live) {
      prune();
    }
    if (size == times.length) {
      times = Arrays.copyOf(times, size * 2);
      handles = Arrays.copyOf(handles, size * 2);
    }
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (!before(time, handle, times[parent], handles[parent])) {
        break;
      }
      times[at] = times[parent];
      handles[at] = handles[parent];
      at = parent;
    }
    times[at] = time;
    handles[at] = handle;
  }

  /** Returns whether a timer that matters has passed. */
  boolean isDue(long now) {
    return size > 0 && times[0] <= now && earliest() <= now;
  }

  /** Returns the time of the first timer that matters. */
  long earliest() {
    while (size > 0 && !matters.test(handles[0])) {
      poll();
    }
    return size == 0 ? Long.MAX_VALUE : times[0];
  }

  /** Takes the first timer off and returns its handle. */
  long poll() {
    long handle = handles[0];
    size--;
    sink(0, times[size], handles[size]);
    return handle;
  }

  int size() {
    return size;
  }

  private void prune() {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (matters.test(handles[i])) {
        times[kept] = times[i];
        handles[kept++] = handles[i];
      }
    }
    size = kept;
    for (int i = (size >>> 1) - 1; i >= 0; i--) {
      sink(i, times[i], handles[i]);
    }
  }

  private void sink(int from, long time, long handle) {
    if (size == 0) {
      return;
    }
    int at = from;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size
          && before(times[child + 1], handles[child + 1], times[child], handles[child])) {
        child++;
      }
      if (!before(times[child], handles[child], time, handle)) {
        break;
      }
      times[at] = times[child];
      handles[at] = handles[child];
      at = child;
    }
    times[at] = time;
    handles[at] = handle;
  }

  private static boolean before(long timeA, long handleA, long timeB, long handleB) {
    return timeA < timeB || (timeA == timeB && handleA < handleB);
  }
}
