package io.headway.batching.order;

import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * When each token of a request is due: token i, counted from 0, at {@code arrival + TTFT + i *
 * TPOT}. Targets that a request carries come before these. Immutable.
 *
 * @param ttftNanos target for the first token of requests without one of their own, at least 0
 * @param tpotNanos target per further token of requests without one of their own, at least 0
 */
public record TokenTargets(long ttftNanos, long tpotNanos) {
  /** TTFT 2 s, TPOT 100 ms. Targets belong to a product, not to a paper; these are ours. */
  public static final TokenTargets DEFAULT = new TokenTargets(2_000_000_000L, 100_000_000L);

  public TokenTargets {
    Arguments.atLeast("ttftNanos", ttftNanos, 0L, "ns");
    Arguments.atLeast("tpotNanos", tpotNanos, 0L, "ns");
  }

  /**
   * Returns when the next token of a sequence is due.
   *
   * @param view the instance
   * @param sequence a live sequence
   * @return nanoseconds on the caller's clock
   */
  public long dueNanos(BatchView view, int sequence) {
    return firstDueNanos(view, sequence)
        + view.generatedTokens(sequence) * tpotNanos(view, sequence);
  }

  /**
   * Returns when the first token of a sequence is due.
   *
   * @param view the instance
   * @param sequence a live sequence
   * @return nanoseconds on the caller's clock
   */
  public long firstDueNanos(BatchView view, int sequence) {
    Request request = view.request(sequence);
    return view.arrivalNanos(sequence)
        + (request.hasTtftTarget() ? request.ttftTargetNanos() : ttftNanos);
  }

  /**
   * Returns the target per further token of a sequence.
   *
   * @param view the instance
   * @param sequence a live sequence
   * @return nanoseconds
   */
  public long tpotNanos(BatchView view, int sequence) {
    Request request = view.request(sequence);
    return request.hasTpotTarget() ? request.tpotTargetNanos() : tpotNanos;
  }
}
