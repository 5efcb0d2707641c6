package io.headway.executor.gpu.check;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;

/**
 * First come, first served, with drafts verified wherever a request may still emit more, and the
 * youngest swapped out when memory is short: exercises verify rows and swaps together.
 */
final class SpeculativeFcfs implements BatchingPolicy<Stateless> {
  private static final int DRAFT_TOKENS = 3;

  @Override
  public String id() {
    return "speculative-fcfs";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    for (int i = 0; i < view.runningCount(); i++) {
      int s = view.running(i);
      if (view.state(s) != SequenceState.RUNNING || view.needTokens(s) == 0) {
        continue;
      }
      int youngest = view.runningCount() - 1;
      while (!run(view, draft, s) && youngest > i) {
        int victim = view.running(youngest--);
        if (view.state(victim) == SequenceState.RUNNING
            && draft.preempt(victim, s, PreemptionMode.SWAP, QueueEnd.HEAD)
                == DraftOutcome.NO_HOST_BLOCKS) {
          draft.preempt(victim, s, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
        }
      }
    }
    if (draft.preemptions() > 0) {
      return;
    }
    int s = view.firstWaiting();
    while (s != BatchView.NONE && draft.tokensLeft() > 0) {
      int behind = view.nextWaiting(s);
      if (!draft.admit(s, draft.tokensLeft(), 0, 1).done()) {
        return;
      }
      s = behind;
    }
  }

  private static boolean run(BatchView view, BatchDraft draft, int s) {
    int room = view.maxNewTokens(s) - view.generatedTokens(s) - 1;
    if (view.decoding(s)
        && room > 0
        && draft.tokensLeft() > DRAFT_TOKENS
        && draft.verify(s, Math.min(room, DRAFT_TOKENS)).done()) {
      return true;
    }
    return draft.tokensLeft() == 0
        || draft.schedule(s, Math.min(view.needTokens(s), draft.tokensLeft())).done();
  }
}
