package io.headway.batching.composition;

import io.headway.batching.internal.Arguments;

/**
 * Returns the largest batch of requests that all meet their deadlines, as Shepherd's FLEX forms it:
 * the largest n for which at least n requests have {@code deadline >= now + fixed + n *
 * perRequest}, and of those the n with the earliest deadlines.
 *
 * <p>Reusable; allocates only to grow. O(n log n) per {@link #form}. Not thread-safe.
 *
 * <p>Source: Zhang et al., SHEPHERD: Serving DNNs in the Wild, NSDI 2023.
 */
public final class FlexBatch {
  // Products of decimals miss the whole nanosecond they stand for by far less than this.
  private static final double ROUNDING_NANOS = 1e-3;

  private final double fixedNanos;
  private final double nanosPerRequest;
  private final DeadlineList queue = new DeadlineList();
  private int from;
  private int size;

  /**
   * Makes an empty queue.
   *
   * @param fixedNanos time of a batch without requests, at least 0
   * @param nanosPerRequest time that each request adds, at least 0
   * @throws IllegalArgumentException if a number is out of range
   */
  public FlexBatch(double fixedNanos, double nanosPerRequest) {
    this.fixedNanos = Arguments.notNegative("fixedNanos", fixedNanos, "ns");
    this.nanosPerRequest =
        Arguments.notNegative("nanosPerRequest", nanosPerRequest, "ns per request");
  }

  /** Empties the queue. */
  public void clear() {
    queue.clear();
    from = 0;
    size = 0;
  }

  /**
   * Adds a request. Of equal deadlines the one added first goes first.
   *
   * @param sequence a number of the caller's
   * @param deadlineNanos when it must have ended
   */
  public void add(int sequence, long deadlineNanos) {
    queue.add(sequence, deadlineNanos);
  }

  /**
   * Forms the batch.
   *
   * @param nowNanos when it would start
   * @param most greatest size allowed
   * @return its size; 0 if nobody can meet a deadline any more
   */
  public int form(long nowNanos, int most) {
    queue.sort();
    for (int n = Math.min(most, queue.size()); n > 0; n--) {
      double end = nowNanos + fixedNanos + n * nanosPerRequest;
      from = queue.firstFrom((long) Math.ceil(end - ROUNDING_NANOS));
      if (queue.size() - from >= n) {
        size = n;
        return n;
      }
    }
    from = 0;
    size = 0;
    return 0;
  }

  /**
   * Returns the size of the batch formed.
   *
   * @return a count
   */
  public int size() {
    return size;
  }

  /**
   * Returns a member of the batch formed.
   *
   * @param position 0 to {@code size - 1}, the earliest deadline first
   * @return its sequence
   */
  public int sequence(int position) {
    return queue.sequence(from + position);
  }

  /**
   * Returns whether a batch is worth so much more than a running one that it takes its place.
   *
   * @param newSize requests of the new batch
   * @param runningSize requests of the running one
   * @param valueRatio lambda
   * @return true if the new one has any and at least {@code valueRatio} times as many
   */
  public static boolean preempts(int newSize, int runningSize, double valueRatio) {
    return newSize > 0 && newSize >= valueRatio * runningSize;
  }
}
