package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import java.util.Arrays;

/**
 * Orders interactive requests before the batch lane: interactive ones first come, first served, a
 * preempted one before all others, the last preempted first; batch work by (expiry, arrival, id).
 *
 * <p>O(log waiting) per change. Thread-safe; the state is single-threaded. The rule of the lane is
 * ours; the product it models describes none.
 */
public final class LaneOrder implements QueueOrder<LaneOrder.State> {
  private final LaneExpiry expiry;

  /**
   * Makes the order.
   *
   * @param expiry when batch work expires
   */
  public LaneOrder(LaneExpiry expiry) {
    this.expiry = requireNonNull(expiry, "expiry");
  }

  /** When each live sequence was last preempted. Single-threaded. */
  public static final class State {
    private long[] preemptedAt = new long[16];
    private long preemptions;

    private State() {}
  }

  @Override
  public String id() {
    return "lane";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public int compare(State state, BatchView view, int a, int b) {
    boolean batchA = LaneExpiry.isBatch(view, a);
    boolean batchB = LaneExpiry.isBatch(view, b);
    if (batchA != batchB) {
      return batchA ? 1 : -1;
    }
    if (batchA) {
      return expiry.compare(view, a, b);
    }
    int lastPreemptedFirst = Long.compare(state.preemptedAt[b], state.preemptedAt[a]);
    return lastPreemptedFirst != 0 ? lastPreemptedFirst : view.compareArrival(a, b);
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    if (sequence >= state.preemptedAt.length) {
      state.preemptedAt =
          Arrays.copyOf(state.preemptedAt, Math.max(sequence + 1, state.preemptedAt.length * 2));
    }
    state.preemptedAt[sequence] = view.preemptions(sequence) == 0 ? 0 : ++state.preemptions;
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.preemptedAt[sequence] = 0;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
