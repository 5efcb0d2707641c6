package io.headway.executor.profile;

import io.headway.api.RandomSource;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.SequenceState;

/**
 * A policy whose steps are spread over what an executor may be asked: some of the decodes, between
 * none and all of them, now and then with drafts, and prefill chunks of sizes from 1 token to a
 * bound, small ones as often as large ones on a logarithmic scale.
 *
 * @param maxChunkTokens largest chunk
 * @param maxDraftTokens most drafted tokens of a row; 0 for none
 */
record RandomSteps(int maxChunkTokens, int maxDraftTokens) implements BatchingPolicy<Stateless> {
  @Override
  public String id() {
    return "random-steps";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, BatchView view, BatchDraft draft) {
    RandomSource random = view.random();
    int kind = random.nextInt(4); // 0: prefill alone, 1: decodes alone, else both
    int keepPercent = random.nextInt(101);
    boolean drafts = maxDraftTokens > 0 && random.nextInt(5) == 0;
    for (int i = 0; i < view.runningCount() && kind != 0; i++) {
      int s = view.running(i);
      if (view.decoding(s)
          && view.state(s) == SequenceState.RUNNING
          && random.nextInt(100) < keepPercent) {
        int room = view.maxNewTokens(s) - view.generatedTokens(s) - 1;
        if (!drafts
            || room < 1
            || !draft.verify(s, 1 + random.nextInt(Math.min(room, maxDraftTokens))).done()) {
          draft.schedule(s, 1);
        }
      }
    }
    if (kind != 1) {
      prefill(view, draft, chunk(random));
    }
    if (draft.batchSequences() == 0) {
      any(view, draft);
    }
  }

  /** Spends tokens on prompts: those begun first, then waiting ones. */
  private static void prefill(BatchView view, BatchDraft draft, int tokens) {
    int left = tokens;
    for (int i = 0; i < view.runningCount() && left > 0; i++) {
      int s = view.running(i);
      int need = view.needTokens(s);
      if (need > 0 && !view.decoding(s) && draft.scheduledTokens(s) == 0) {
        int count = Math.min(left, need);
        if (draft.schedule(s, count).done()) {
          left -= count;
        }
      }
    }
    int waiting = view.firstWaiting();
    while (waiting != BatchView.NONE && left > 0) {
      int next = view.nextWaiting(waiting);
      int count = Math.min(left, view.needTokens(waiting));
      // Room for the whole sequence, so that nobody has to be preempted.
      if (!draft.admit(waiting, count, view.request(waiting).maxKvTokens(), 0).done()) {
        return;
      }
      left -= count;
      waiting = next;
    }
  }

  private static void any(BatchView view, BatchDraft draft) {
    for (int i = 0; i < view.runningCount(); i++) {
      int s = view.running(i);
      if (view.decoding(s)) {
        draft.schedule(s, 1);
      }
    }
    if (draft.batchSequences() == 0) {
      prefill(view, draft, 1);
    }
  }

  private int chunk(RandomSource random) {
    double exponent = random.nextDouble() * Math.log(maxChunkTokens);
    return Math.max(1, (int) Math.round(Math.exp(exponent)));
  }
}
