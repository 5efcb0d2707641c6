package io.headway.runtime;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import java.util.Arrays;
import java.util.Random;

/**
 * Does at random whatever a policy may do: any order, any chunk, skips, reservations, head room,
 * drafts, preemptions of either kind with and without need, resumptions ahead of time, refusals.
 * Plans at least something when it could.
 */
final class ChaosPolicy implements BatchingPolicy<Stateless> {
  private final Random random;
  private final GuardPolicy greedy = new GuardPolicy();
  private boolean calm;

  ChaosPolicy(long seed) {
    random = new Random(seed);
  }

  /** From now on decides as the built-in policy, so that everything comes to an end. */
  void calm() {
    calm = true;
  }

  @Override
  public String id() {
    return "chaos";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    if (!calm) {
      runSome(view, draft);
      admitSome(view, draft);
      if (chance(3)) {
        draft.pad(random.nextInt(5));
      }
    }
    if (draft.batchSequences() == 0 && draft.preemptions() == 0) {
      greedy.plan(state, view, draft);
    }
  }

  private void runSome(BatchView view, BatchDraft draft) {
    int count = view.runningCount();
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = view.running(i);
    }
    int at = chance(30) ? draft.scheduleDecodes(order, 0, count) : 0;
    for (int s : Arrays.copyOfRange(order, at, count)) {
      if (chance(15) || view.state(s) != SequenceState.RUNNING || view.needTokens(s) == 0) {
        continue;
      }
      DraftOutcome outcome = run(view, draft, s);
      if (outcome == DraftOutcome.NO_BLOCKS && chance(70)) {
        if (preempt(view, draft, s, order[random.nextInt(count)])
            && view.state(s) == SequenceState.RUNNING) {
          run(view, draft, s);
        }
      } else if (chance(4)) {
        preempt(view, draft, s, order[random.nextInt(count)]);
      }
    }
  }

  private DraftOutcome run(BatchView view, BatchDraft draft, int s) {
    int room = view.maxNewTokens(s) - view.generatedTokens(s) - 1;
    if (view.decoding(s) && room > 0 && chance(30)) {
      return draft.verify(s, 1 + random.nextInt(Math.min(room, 4)));
    }
    int need = view.needTokens(s);
    return draft.schedule(s, chance(50) ? need : 1 + random.nextInt(need));
  }

  private boolean preempt(BatchView view, BatchDraft draft, int beneficiary, int victim) {
    if (view.state(victim) != SequenceState.RUNNING) {
      return false;
    }
    PreemptionMode mode = chance(50) ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE;
    QueueEnd place = chance(70) ? QueueEnd.HEAD : QueueEnd.TAIL;
    return draft.preempt(victim, beneficiary, mode, place).done();
  }

  private void admitSome(BatchView view, BatchDraft draft) {
    int s = view.firstWaiting();
    while (s != BatchView.NONE) {
      int behind = view.nextWaiting(s);
      if (chance(2)) {
        if (chance(50)) {
          draft.refuse(s);
        } else {
          draft.expire(s);
        }
      } else if (view.state(s) == SequenceState.SWAPPED && chance(30)) {
        draft.resume(s, random.nextInt(3));
      } else if (chance(70)) {
        int tokens = chance(50) ? Integer.MAX_VALUE : 1 + random.nextInt(8);
        int reserve = chance(60) ? 0 : random.nextInt(view.request(s).maxKvTokens() + 1);
        draft.admit(
            s, Math.min(tokens, Math.max(1, draft.tokensLeft())), reserve, random.nextInt(3));
      }
      s = chance(10) ? BatchView.NONE : behind;
    }
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }
}
