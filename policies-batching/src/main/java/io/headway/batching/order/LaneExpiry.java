package io.headway.batching.order;

import io.headway.api.Lane;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * When requests of the batch lane expire: at the time they carry, else {@code defaultNanos} after
 * their arrival. Immutable and thread-safe.
 *
 * @param defaultNanos at least 0; 24 hours in the documentation of the product it models
 */
public record LaneExpiry(long defaultNanos) {
  /** 24 hours. */
  public static final LaneExpiry DEFAULT = new LaneExpiry(24L * 3600 * 1_000_000_000);

  public LaneExpiry {
    Arguments.atLeast("defaultNanos", defaultNanos, 0, "ns");
  }

  /**
   * Returns whether a sequence belongs to the batch lane.
   *
   * @param view the instance
   * @param sequence a live sequence
   * @return true for batch work
   */
  public static boolean isBatch(BatchView view, int sequence) {
    return view.request(sequence).lane() == Lane.BATCH;
  }

  /**
   * Returns when a request of the batch lane expires.
   *
   * @param view the instance
   * @param sequence a live sequence of the batch lane
   * @return nanoseconds on the caller's clock
   */
  public long nanos(BatchView view, int sequence) {
    Request request = view.request(sequence);
    if (request.hasExpiry()) {
      return request.expiresNanos();
    }
    long arrival = view.arrivalNanos(sequence);
    return arrival > Long.MAX_VALUE - defaultNanos ? Long.MAX_VALUE : arrival + defaultNanos;
  }

  /**
   * Compares two sequences of the batch lane by (expiry, arrival, id).
   *
   * @param view the instance
   * @param a a live sequence of the batch lane
   * @param b a live sequence of the batch lane
   * @return negative if {@code a} goes first
   */
  public int compare(BatchView view, int a, int b) {
    int byExpiry = Long.compare(nanos(view, a), nanos(view, b));
    return byExpiry != 0 ? byExpiry : view.compareArrival(a, b);
  }
}
