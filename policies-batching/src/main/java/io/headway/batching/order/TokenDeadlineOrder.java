package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;

/**
 * Orders the queue by when the next token is due, the earliest first: {@code arrival + TTFT +
 * generated * TPOT}, by {@link TokenTargets}. Ties end in (arrival, id). With one TTFT for all and
 * nobody preempted this is first come, first served.
 *
 * <p>O(log waiting) per change. Thread-safe, stateless. Earliest deadline first; the deadlines are
 * those of FairBatching, arXiv 2510.14392.
 */
public final class TokenDeadlineOrder implements QueueOrder<Stateless> {
  private final TokenTargets targets;

  /**
   * Makes the order.
   *
   * @param targets when tokens are due
   */
  public TokenDeadlineOrder(TokenTargets targets) {
    this.targets = requireNonNull(targets, "targets");
  }

  @Override
  public String id() {
    return "token-deadline";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int compare(Stateless state, BatchView view, int a, int b) {
    int byDeadline = Long.compare(targets.dueNanos(view, a), targets.dueNanos(view, b));
    return byDeadline != 0 ? byDeadline : view.compareArrival(a, b);
  }
}
