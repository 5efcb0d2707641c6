package io.headway.runtime;

import java.util.Arrays;

/**
 * Sums the remaining service time of the requests on one instance, as predicted and reduced by
 * execution since: a waiting request counts whole, a running one {@code max(predicted - elapsed,
 * floor * predicted)}, so that one that overruns its prediction still counts.
 *
 * <p>Every call is O(log n) for n running requests at worst and O(1) amortised for the sum; it
 * allocates only to grow. Times must not run backwards. Not thread-safe.
 */
public final class BacklogLedger {
  /** Default for the share that an overrunning request keeps. */
  public static final double DEFAULT_REMAINING_FLOOR = 0.05;

  private static final int WAITING = -1;
  private static final int OVERRUN = -2;
  private static final int FREE = -3;

  private final double remainingFloor;

  /** By entry. {@code at} is the place in the heap, or one of the constants above. */
  private long[] predicted = new long[8];

  private long[] startedAt = new long[8];
  private int[] at = new int[8];
  private int used;
  private int firstFree = -1;

  /** Running entries that have not overrun, by the time at which they will. */
  private int[] heap = new int[8];

  private int heapSize;

  private long waitingNanos;
  private long overrunNanos;

  /** Sums over the heap: remaining = endNanos - heapSize * now, kept as two longs to stay exact. */
  private long endNanos;

  /**
   * Makes an empty ledger.
   *
   * @param remainingFloor share of the prediction that a running request keeps, 0 to 1
   * @throws IllegalArgumentException if it is out of range
   */
  public BacklogLedger(double remainingFloor) {
    if (!(remainingFloor >= 0 && remainingFloor <= 1)) {
      throw new IllegalArgumentException(
          "remainingFloor must be from 0 to 1, but was " + remainingFloor);
    }
    this.remainingFloor = remainingFloor;
  }

  /**
   * Returns the share that an overrunning request keeps.
   *
   * @return 0 to 1
   */
  public double remainingFloor() {
    return remainingFloor;
  }

  /**
   * Adds a waiting request.
   *
   * @param predictedNanos its predicted service time, at least 0
   * @return its entry, valid until removed
   * @throws IllegalArgumentException if the prediction is negative
   */
  public int add(long predictedNanos) {
    Check.atLeast("predictedNanos", predictedNanos, 0, "ns");
    int entry = firstFree;
    if (entry >= 0) {
      firstFree = (int) startedAt[entry];
    } else {
      entry = used++;
      if (entry == predicted.length) {
        predicted = Arrays.copyOf(predicted, 2 * used);
        startedAt = Arrays.copyOf(startedAt, 2 * used);
        at = Arrays.copyOf(at, 2 * used);
      }
    }
    predicted[entry] = predictedNanos;
    at[entry] = WAITING;
    waitingNanos += predictedNanos;
    return entry;
  }

  /**
   * Lets a waiting request run; a running one stays as it is.
   *
   * @param entry from {@link #add}
   * @param nowNanos when its execution began
   */
  public void start(int entry, long nowNanos) {
    if (at[requireUsed(entry)] != WAITING) {
      return;
    }
    waitingNanos -= predicted[entry];
    startedAt[entry] = nowNanos;
    endNanos += nowNanos + predicted[entry];
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, 2 * heapSize);
    }
    up(heapSize++, entry);
  }

  /**
   * Takes a request off.
   *
   * @param entry from {@link #add}
   */
  public void remove(int entry) {
    int place = at[requireUsed(entry)];
    if (place == WAITING) {
      waitingNanos -= predicted[entry];
    } else if (place == OVERRUN) {
      overrunNanos -= floorOf(entry);
    } else {
      takeFromHeap(place);
    }
    at[entry] = FREE;
    startedAt[entry] = firstFree;
    firstFree = entry;
  }

  /**
   * Returns the remaining time of one request.
   *
   * @param entry from {@link #add}
   * @param nowNanos the time
   * @return nanoseconds
   */
  public long remainingNanos(int entry, long nowNanos) {
    if (at[requireUsed(entry)] == WAITING) {
      return predicted[entry];
    }
    return Math.max(predicted[entry] - (nowNanos - startedAt[entry]), floorOf(entry));
  }

  /**
   * Returns the remaining time of all requests.
   *
   * @param nowNanos the time, not before that of an earlier call
   * @return nanoseconds
   */
  public long remainingNanos(long nowNanos) {
    while (heapSize > 0 && overrunAt(heap[0]) <= nowNanos) {
      int entry = heap[0];
      takeFromHeap(0);
      at[entry] = OVERRUN;
      overrunNanos += floorOf(entry);
    }
    return waitingNanos + overrunNanos + endNanos - heapSize * nowNanos;
  }

  private int requireUsed(int entry) {
    if (entry < 0 || entry >= used || at[entry] == FREE) {
      throw new IllegalArgumentException("entry must come from add, but was " + entry);
    }
    return entry;
  }

  private long floorOf(int entry) {
    return Math.round(remainingFloor * predicted[entry]);
  }

  /** When the remaining time falls to the floor. */
  private long overrunAt(int entry) {
    return startedAt[entry] + predicted[entry] - floorOf(entry);
  }

  private void takeFromHeap(int place) {
    int entry = heap[place];
    endNanos -= startedAt[entry] + predicted[entry];
    int last = heap[--heapSize];
    if (last != entry) {
      up(place, last);
      down(at[last], last);
    }
  }

  private void up(int from, int entry) {
    int hole = from;
    long key = overrunAt(entry);
    while (hole > 0) {
      int parent = (hole - 1) >>> 1;
      if (overrunAt(heap[parent]) <= key) {
        break;
      }
      put(hole, heap[parent]);
      hole = parent;
    }
    put(hole, entry);
  }

  private void down(int from, int entry) {
    int hole = from;
    long key = overrunAt(entry);
    for (int child = 2 * hole + 1; child < heapSize; child = 2 * hole + 1) {
      if (child + 1 < heapSize && overrunAt(heap[child + 1]) < overrunAt(heap[child])) {
        child++;
      }
      if (overrunAt(heap[child]) >= key) {
        break;
      }
      put(hole, heap[child]);
      hole = child;
    }
    put(hole, entry);
  }

  private void put(int place, int entry) {
    heap[place] = entry;
    at[entry] = place;
  }
}
