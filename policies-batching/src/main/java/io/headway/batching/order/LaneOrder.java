package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Orders interactive requests before the batch lane: interactive ones first come, first served, a
 * preempted one before all others, the last preempted first; batch work by (expiry, arrival, id).
 * Batch work that has become {@linkplain LaneExpiry urgent} stands among interactive requests as if
 * it had arrived then.
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
    private final LazyTimers waiting = new LazyTimers();
    private final BitSet promoted = new BitSet();

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
    boolean batchA = LaneExpiry.isBatch(view, a) && !state.promoted.get(a);
    boolean batchB = LaneExpiry.isBatch(view, b) && !state.promoted.get(b);
    if (batchA != batchB) {
      return batchA ? 1 : -1;
    }
    if (batchA) {
      return expiry.compare(view, a, b);
    }
    int lastPreemptedFirst = Long.compare(state.preemptedAt[b], state.preemptedAt[a]);
    if (lastPreemptedFirst != 0 || state.promoted.isEmpty()) {
      return lastPreemptedFirst != 0 ? lastPreemptedFirst : view.compareArrival(a, b);
    }
    int byTime = Long.compare(since(state, view, a), since(state, view, b));
    return byTime != 0 ? byTime : view.compareArrival(a, b);
  }

  /** When a sequence joined the interactive queue. */
  private long since(State state, BatchView view, int sequence) {
    return state.promoted.get(sequence)
        ? expiry.urgentNanos(view, sequence)
        : view.arrivalNanos(sequence);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    LazyTimers waiting = state.waiting;
    for (int s = waiting.first();
        s != BatchView.NONE && waiting.time(s) <= view.nowNanos();
        s = waiting.first()) {
      waiting.remove(s);
      state.promoted.set(s);
      changes.changed(s);
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    if (sequence >= state.preemptedAt.length) {
      state.preemptedAt =
          Arrays.copyOf(state.preemptedAt, Math.max(sequence + 1, state.preemptedAt.length * 2));
    }
    state.preemptedAt[sequence] = view.preemptions(sequence) == 0 ? 0 : ++state.preemptions;
    if (expiry.promotes() && LaneExpiry.isBatch(view, sequence) && !state.promoted.get(sequence)) {
      state.waiting.add(sequence, expiry.urgentNanos(view, sequence));
    }
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.waiting.remove(sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.preemptedAt[sequence] = 0;
    state.waiting.remove(sequence);
    state.promoted.clear(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
