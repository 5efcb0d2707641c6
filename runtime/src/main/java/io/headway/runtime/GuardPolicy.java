package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;

/**
 * Decides when a custom policy has failed: first come, first served, decodes before prefills, the
 * youngest yields. Keeps nothing, so it can take over at any moment.
 */
final class GuardPolicy implements BatchingPolicy<Stateless> {
  @Override
  public String id() {
    return "guard";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int incomingTokens(Stateless state, BatchView view, Request request) {
    return request.promptTokens();
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    int count = view.runningCount();
    for (int i = draft.scheduleDecodes(0, count); i < count; i++) {
      int sequence = view.running(i);
      if (view.state(sequence) == SequenceState.RUNNING
          && view.decoding(sequence)
          && draft.scheduledTokens(sequence) == 0) {
        run(view, draft, sequence, 1);
      }
    }
    for (int i = 0; i < count && draft.tokensLeft() > 0; i++) {
      int sequence = view.running(i);
      if (view.state(sequence) == SequenceState.RUNNING && !view.decoding(sequence)) {
        run(view, draft, sequence, Math.min(view.needTokens(sequence), draft.tokensLeft()));
      }
    }
    if (draft.preemptions() > 0) {
      return;
    }
    int waiting = view.firstWaiting();
    while (waiting != BatchView.NONE && draft.tokensLeft() > 0) {
      int behind = view.nextWaiting(waiting);
      DraftOutcome outcome = draft.admit(waiting, draft.tokensLeft(), 0, 0);
      if (outcome == DraftOutcome.NEVER_FITS) {
        draft.refuse(waiting);
      } else if (!outcome.done()) {
        return;
      }
      waiting = behind;
    }
  }

  /** Runs a sequence, if need be in place of younger ones, or of itself if it is the youngest. */
  private static void run(BatchView view, BatchDraft draft, int sequence, int tokens) {
    if (tokens == 0) {
      return;
    }
    while (draft.schedule(sequence, tokens) == DraftOutcome.NO_BLOCKS) {
      int victim = youngest(view);
      if (victim == BatchView.NONE
          || !draft.preempt(victim, sequence, PreemptionMode.RECOMPUTE, QueueEnd.HEAD).done()
          || victim == sequence) {
        return;
      }
    }
  }

  /** Returns the last admitted sequence that runs and is not in flight. */
  private static int youngest(BatchView view) {
    for (int i = view.runningCount() - 1; i >= 0; i--) {
      int candidate = view.running(i);
      if (view.state(candidate) == SequenceState.RUNNING && !view.inFlight(candidate)) {
        return candidate;
      }
    }
    return BatchView.NONE;
  }
}
