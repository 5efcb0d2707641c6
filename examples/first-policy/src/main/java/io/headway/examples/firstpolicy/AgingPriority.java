package io.headway.examples.firstpolicy;

import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import java.util.Arrays;

/**
 * Decides the whole batch: everybody who runs goes on; of those who wait, the most urgent starts
 * first, where each second of waiting is worth one step of priority. The least urgent running
 * sequence yields when blocks are short.
 *
 * <p>Key {@code priority - waited seconds}, smaller first, ties by (arrival, id). Cost O(running +
 * waiting) per decision and admission. Thread-safe; the state is single-threaded.
 */
public final class AgingPriority implements BatchingPolicy<AgingPriority.State> {
  private static final double NANOS_PER_SECOND = 1e9;

  /** Makes the policy. */
  public AgingPriority() {}

  /** When each sequence entered the queue last. Single-threaded. */
  public static final class State {
    private long[] queuedNanos = new long[16];

    private State() {}
  }

  @Override
  public String id() {
    return "aging-priority";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    if (sequence >= state.queuedNanos.length) {
      state.queuedNanos = Arrays.copyOf(state.queuedNanos, 2 * sequence);
    }
    state.queuedNanos[sequence] = view.nowNanos();
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.queuedNanos[sequence] = 0;
  }

  @Override
  public void plan(State state, BatchView view, BatchDraft draft) {
    for (int i = 0; i < view.runningCount(); i++) {
      int sequence = view.running(i);
      int tokens = Math.min(view.needTokens(sequence), draft.tokensLeft());
      while (tokens > 0
          && view.state(sequence) == SequenceState.RUNNING
          && draft.schedule(sequence, tokens) == DraftOutcome.NO_BLOCKS) {
        int victim = leastUrgent(state, view);
        if (victim == BatchView.NONE
            || !draft.preempt(victim, sequence, PreemptionMode.RECOMPUTE, QueueEnd.HEAD).done()) {
          break;
        }
      }
    }
    if (draft.preemptions() > 0) {
      return;
    }
    int next = mostUrgent(state, view);
    while (next != BatchView.NONE && draft.tokensLeft() > 0) {
      if (!draft.admit(next, draft.tokensLeft(), 0, 0).done()) {
        return;
      }
      next = mostUrgent(state, view);
    }
  }

  private static int mostUrgent(State state, BatchView view) {
    int best = BatchView.NONE;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      if (best == BatchView.NONE || compare(state, view, s, best) < 0) {
        best = s;
      }
    }
    return best;
  }

  private static int leastUrgent(State state, BatchView view) {
    int worst = BatchView.NONE;
    for (int i = 0; i < view.runningCount(); i++) {
      int s = view.running(i);
      if (view.state(s) == SequenceState.RUNNING
          && !view.inFlight(s)
          && (worst == BatchView.NONE || compare(state, view, s, worst) > 0)) {
        worst = s;
      }
    }
    return worst;
  }

  private static int compare(State state, BatchView view, int a, int b) {
    int byKey = Double.compare(key(state, view, a), key(state, view, b));
    return byKey != 0 ? byKey : view.compareArrival(a, b);
  }

  private static double key(State state, BatchView view, int sequence) {
    long waited = view.nowNanos() - state.queuedNanos[sequence];
    return view.priority(sequence) - waited / NANOS_PER_SECOND;
  }
}
