package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.Lane;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * When requests of the batch lane expire: at the time they carry, else {@code defaultNanos} after
 * their arrival; and when waiting ones become urgent, if at all. Immutable and thread-safe.
 *
 * <p>A waiting request is urgent as soon as {@code expiry - now - estimated run time < margin},
 * with {@code prefill(prompt) + (output - 1) * decode} for the run time and the predicted output,
 * else the declared cap. It then stands at the tail of the interactive queue, by the time at which
 * it became urgent, and is interactive until it ends. Once urgent it stays so: the estimate does
 * not change.
 *
 * @param defaultNanos at least 0; 24 hours in the documentation of the product it models
 * @param marginNanos slack below which a waiting request is urgent, at least 0; {@link #NEVER}
 * @param times iteration times for the estimate
 */
public record LaneExpiry(long defaultNanos, long marginNanos, TokenTimes times) {
  /** Stands for a margin that nothing falls below. */
  public static final long NEVER = -1;

  /** 24 hours. */
  public static final LaneExpiry DEFAULT = new LaneExpiry(24L * 3600 * 1_000_000_000);

  public LaneExpiry {
    Arguments.atLeast("defaultNanos", defaultNanos, 0, "ns");
    Arguments.atLeast("marginNanos", marginNanos, NEVER, "ns");
    requireNonNull(times, "times");
  }

  /**
   * Makes an expiry without urgency.
   *
   * @param defaultNanos at least 0
   */
  public LaneExpiry(long defaultNanos) {
    this(defaultNanos, NEVER, TokenTimes.DEFAULT);
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
   * Returns whether waiting requests of the lane can become urgent.
   *
   * @return false without margin
   */
  public boolean promotes() {
    return marginNanos >= 0;
  }

  /**
   * Returns from when on a waiting request of the batch lane is urgent.
   *
   * @param view the instance
   * @param sequence a live sequence of the batch lane
   * @return nanoseconds on the caller's clock; {@link Long#MAX_VALUE} for never
   */
  public long urgentNanos(BatchView view, int sequence) {
    long expires = nanos(view, sequence);
    if (!promotes() || expires == Long.MAX_VALUE) {
      return Long.MAX_VALUE;
    }
    Request request = view.request(sequence);
    int output =
        request.hasPredictedOutput() ? request.predictedOutputTokens() : request.maxNewTokens();
    double run = times.prefillNanos(request.promptTokens()) + (output - 1.0) * times.decodeNanos();
    return (long) Math.max(Long.MIN_VALUE, Math.floor(expires - run - marginNanos) + 1);
  }

  /**
   * Returns whether a waiting sequence belongs to the batch lane and is not urgent yet.
   *
   * @param view the instance
   * @param sequence a queued sequence
   * @return false for interactive and for urgent requests
   */
  public boolean isBackfill(BatchView view, int sequence) {
    return isBatch(view, sequence) && view.nowNanos() < urgentNanos(view, sequence);
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
