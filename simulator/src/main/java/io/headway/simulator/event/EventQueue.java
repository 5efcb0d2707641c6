package io.headway.simulator.event;

import java.util.Arrays;

/**
 * The future events of a simulation: a 4-ary heap over primitive keys that yields events in the
 * order (time, kind, insertion).
 *
 * <p>The order is total, so that the outcome of a simulation never depends on how a heap happens to
 * place equal keys: of two events at the same instant the one of the smaller kind comes first, and
 * of two of the same kind the one that was added first. An event carries one {@code long} for its
 * owner to interpret (an instance with its incarnation, a request). Nothing is allocated but to
 * grow.
 *
 * <p>{@code add} costs O(log4 n) comparisons and {@code next} O(4 log4 n); four children share a
 * cache line of keys. Not thread-safe.
 */
public final class EventQueue {
  /** The number of kinds: a kind is in 0 .. {@value} - 1. */
  public static final int KINDS = 128;

  private static final int SEQUENCE_BITS = 56;
  private static final long MAX_SEQUENCE = (1L << SEQUENCE_BITS) - 1;
  private static final int INITIAL_CAPACITY = 16;

  private long[] times = new long[INITIAL_CAPACITY];
  // kind in the upper 7 bits, insertion number below: one comparison breaks both ties.
  private long[] ties = new long[INITIAL_CAPACITY];
  private long[] payloads = new long[INITIAL_CAPACITY];
  private int size;
  private long sequence;

  private long currentTime = Long.MIN_VALUE;
  private long currentTie;
  private long currentPayload;

  /** Creates an empty queue. */
  public EventQueue() {}

  /**
   * Adds an event.
   *
   * @param timeNanos when it happens, nanoseconds of virtual time; not before the last event taken
   * @param kind rank among events of the same instant, 0 .. {@value #KINDS} - 1, smaller first
   * @param payload what the owner of the event needs to know
   * @throws IllegalArgumentException if the time lies in the past or the kind is out of range
   */
  public void add(long timeNanos, int kind, long payload) {
    if (kind < 0 || kind >= KINDS) {
      throw new IllegalArgumentException("kind must be in 0.." + (KINDS - 1) + ", but was " + kind);
    }
    if (timeNanos < currentTime) {
      throw new IllegalArgumentException(
          "timeNanos must not be before the event being handled ("
              + currentTime
              + " ns), but was "
              + timeNanos
              + " ns");
    }
    if (sequence > MAX_SEQUENCE) {
      throw new IllegalStateException("the queue has numbered all of its 2^56 events");
    }
    if (size == times.length) {
      grow();
    }
    long tie = ((long) kind << SEQUENCE_BITS) | sequence++;
    int hole = size++;
    while (hole > 0) {
      int parent = (hole - 1) >>> 2;
      if (!before(timeNanos, tie, times[parent], ties[parent])) {
        break;
      }
      move(parent, hole);
      hole = parent;
    }
    times[hole] = timeNanos;
    ties[hole] = tie;
    payloads[hole] = payload;
  }

  /**
   * Takes the first event out and makes it the current one.
   *
   * @return whether there was an event
   */
  public boolean next() {
    if (size == 0) {
      return false;
    }
    currentTime = times[0];
    currentTie = ties[0];
    currentPayload = payloads[0];
    size--;
    if (size > 0) {
      sink(times[size], ties[size], payloads[size]);
    }
    return true;
  }

  /**
   * Returns the time of the current event.
   *
   * @return nanoseconds of virtual time; {@link Long#MIN_VALUE} before the first {@link #next}
   */
  public long timeNanos() {
    return currentTime;
  }

  /**
   * Returns the kind of the current event.
   *
   * @return the kind given to {@link #add}
   */
  public int kind() {
    return (int) (currentTie >>> SEQUENCE_BITS);
  }

  /**
   * Returns what the owner attached to the current event.
   *
   * @return the payload given to {@link #add}
   */
  public long payload() {
    return currentPayload;
  }

  /**
   * Returns when the earliest waiting event happens.
   *
   * @return nanoseconds of virtual time; {@link Long#MAX_VALUE} if the queue is empty
   */
  public long peekTimeNanos() {
    return size == 0 ? Long.MAX_VALUE : times[0];
  }

  /**
   * Returns whether no event waits.
   *
   * @return true if {@link #next} would return false
   */
  public boolean isEmpty() {
    return size == 0;
  }

  /**
   * Returns how many events wait.
   *
   * @return the number of events added and not yet taken
   */
  public int size() {
    return size;
  }

  private void sink(long time, long tie, long payload) {
    int hole = 0;
    while (true) {
      int first = (hole << 2) + 1;
      if (first >= size) {
        break;
      }
      int end = Math.min(first + 4, size);
      int least = first;
      for (int child = first + 1; child < end; child++) {
        if (before(times[child], ties[child], times[least], ties[least])) {
          least = child;
        }
      }
      if (!before(times[least], ties[least], time, tie)) {
        break;
      }
      move(least, hole);
      hole = least;
    }
    times[hole] = time;
    ties[hole] = tie;
    payloads[hole] = payload;
  }

  private void move(int from, int to) {
    times[to] = times[from];
    ties[to] = ties[from];
    payloads[to] = payloads[from];
  }

  private static boolean before(long timeA, long tieA, long timeB, long tieB) {
    return timeA < timeB || (timeA == timeB && tieA < tieB);
  }

  private void grow() {
    int capacity = times.length + (times.length >> 1);
    times = Arrays.copyOf(times, capacity);
    ties = Arrays.copyOf(ties, capacity);
    payloads = Arrays.copyOf(payloads, capacity);
  }
}
