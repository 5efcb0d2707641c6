package io.headway.batching.preemption;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.order.LaneExpiry;
import java.util.BitSet;

/**
 * Preempts batch work before interactive work: the candidate of the batch lane with the greatest
 * (expiry, arrival, id), and only if there is none the last candidate in the composer's order. By
 * recomputation; interactive victims go to the head of the queue, batch work to its tail. Batch
 * work that was {@linkplain LaneExpiry urgent} when it started is interactive. O(candidates).
 * Thread-safe; the state is single-threaded.
 */
public final class LaneFirst implements VictimSelector<LaneFirst.State> {
  private final LaneExpiry expiry;

  /**
   * Makes the selector.
   *
   * @param expiry when batch work expires
   */
  public LaneFirst(LaneExpiry expiry) {
    this.expiry = requireNonNull(expiry, "expiry");
  }

  /** Which running sequences may be backfill. Single-threaded. */
  public static final class State {
    private final BitSet backfill = new BitSet();

    private State() {}
  }

  @Override
  public String id() {
    return "lane-first";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.backfill.set(sequence, expiry.isBackfill(view, sequence));
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.backfill.clear(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public int select(
      State state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    int last = BatchView.NONE;
    for (int i = from; i < to; i++) {
      if (state.backfill.get(candidates[i])
          && (last == BatchView.NONE || expiry.compare(view, candidates[i], last) > 0)) {
        last = candidates[i];
      }
    }
    return last != BatchView.NONE || from == to ? last : candidates[to - 1];
  }

  @Override
  public QueueEnd place(State state, BatchView view, int victim) {
    return state.backfill.get(victim) ? QueueEnd.TAIL : QueueEnd.HEAD;
  }
}
