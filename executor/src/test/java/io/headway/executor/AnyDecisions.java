package io.headway.executor;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import java.util.Random;

/**
 * A policy that decides at random: any order, any chunk, drafts, preemptions of either kind with
 * and without need. Whenever it has done nothing, it does the first thing that is possible.
 */
final class AnyDecisions implements BatchingPolicy<Stateless> {
  private final Random random;

  AnyDecisions(long seed) {
    random = new Random(seed);
  }

  @Override
  public String id() {
    return "any-decisions";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    for (int i = view.runningCount() - 1; i >= 0; i--) {
      int s = view.running(i);
      if (view.state(s) != SequenceState.RUNNING || chance(20)) {
        continue;
      }
      if (chance(6)) {
        PreemptionMode mode = chance(60) ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE;
        draft.preempt(s, s, mode, chance(50) ? QueueEnd.HEAD : QueueEnd.TAIL);
      } else {
        run(view, draft, s);
      }
    }
    admit(view, draft, 70);
    if (draft.batchSequences() > 0 || draft.preemptions() > 0) {
      return;
    }
    for (int i = 0; i < view.runningCount() && draft.batchSequences() == 0; i++) {
      int s = view.running(i);
      if (view.needTokens(s) > 0) {
        int tokens = Math.min(view.needTokens(s), draft.tokensLeft());
        int last = view.running(view.runningCount() - 1);
        if (!draft.schedule(s, tokens).done() && last != s) {
          draft.preempt(last, s, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
          return;
        }
      }
    }
    if (draft.batchSequences() == 0) {
      admit(view, draft, 100);
    }
  }

  private void run(BatchView view, BatchDraft draft, int s) {
    int need = view.needTokens(s);
    if (need == 0) {
      return;
    }
    int room = view.maxNewTokens(s) - view.generatedTokens(s) - 1;
    if (view.decoding(s) && room > 0 && chance(40)) {
      draft.verify(s, 1 + random.nextInt(Math.min(room, 6)));
      return;
    }
    draft.schedule(s, chance(40) ? need : 1 + random.nextInt(need));
  }

  private void admit(BatchView view, BatchDraft draft, int percent) {
    int s = view.firstWaiting();
    while (s != BatchView.NONE) {
      int behind = view.nextWaiting(s);
      if (chance(percent) && draft.tokensLeft() > 0) {
        int most = Math.min(draft.tokensLeft(), Integer.MAX_VALUE - 1);
        draft.admit(s, chance(50) ? most : Math.min(most, 1 + random.nextInt(8)), 0, 0);
      }
      s = behind;
    }
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }
}
