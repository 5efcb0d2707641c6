package io.headway.batching.preemption;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.order.LaneExpiry;

/**
 * Preempts batch work before interactive work: the candidate of the batch lane with the greatest
 * (expiry, arrival, id), and only if there is none the last candidate in the composer's order. By
 * recomputation; interactive victims go to the head of the queue, batch work to its tail.
 * O(candidates). Thread-safe, stateless.
 */
public final class LaneFirst implements VictimSelector<Stateless> {
  private final LaneExpiry expiry;

  /**
   * Makes the selector.
   *
   * @param expiry when batch work expires
   */
  public LaneFirst(LaneExpiry expiry) {
    this.expiry = requireNonNull(expiry, "expiry");
  }

  @Override
  public String id() {
    return "lane-first";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int select(
      Stateless state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    int last = BatchView.NONE;
    for (int i = from; i < to; i++) {
      if (LaneExpiry.isBatch(view, candidates[i])
          && (last == BatchView.NONE || expiry.compare(view, candidates[i], last) > 0)) {
        last = candidates[i];
      }
    }
    return last != BatchView.NONE || from == to ? last : candidates[to - 1];
  }

  @Override
  public QueueEnd place(Stateless state, BatchView view, int victim) {
    return LaneExpiry.isBatch(view, victim) ? QueueEnd.TAIL : QueueEnd.HEAD;
  }
}
