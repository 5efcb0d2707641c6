package io.headway.examples.brokenpolicy;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;

/**
 * Serves whoever runs, then admits from the head of the queue. Broken on purpose: when memory runs
 * out it waits until somebody gives some back, and never takes any.
 */
public final class PatientPolicy implements BatchingPolicy<Stateless> {
  /** Makes the policy. */
  public PatientPolicy() {}

  @Override
  public String id() {
    return "patient";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    for (int i = 0; i < view.runningCount(); i++) {
      int sequence = view.running(i);
      int need = Math.min(view.needTokens(sequence), draft.tokensLeft());
      if (need > 0) {
        draft.schedule(sequence, need); // Without room for it: maybe next time.
      }
    }
    int next = view.firstWaiting();
    while (next != BatchView.NONE && draft.tokensLeft() > 0) {
      int behind = view.nextWaiting(next);
      if (!draft.admit(next, draft.tokensLeft(), 0, 0).done()) {
        return;
      }
      next = behind;
    }
  }
}
