package io.headway.batching.composition;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;

/**
 * Decides the batch as BucketServe does on one engine: every running sequence takes part in every
 * iteration, and those whom the plan lets start together join with whole prompts, padded to the
 * longest of them.
 *
 * <p>Padding is declared as such: {@code rows * longest - tokens} of the prompts. Without a planner
 * everybody who fits joins one padded batch. Under disaggregation the same composition serves a
 * prefill instance, where nobody decodes. A prompt is never cut, except one that has grown beyond
 * the engine's token limit. O(running + admitted). Thread-safe, stateless.
 *
 * <p>Source: BucketServe, arXiv 2507.17120.
 */
public final class PaddedPrefillComposer implements BatchComposer<Stateless>, PreemptsOnShortage {
  /** Makes the composer. */
  public PaddedPrefillComposer() {}

  @Override
  public String id() {
    return "bucketserve";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return request.promptTokens() <= view.maxTokens();
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    if (RunningFirst.run(context, view.maxTokens(), Integer.MAX_VALUE)) {
      startTogether(context, view, draft);
    }
  }

  private static void startTogether(BatchContext context, BatchView view, BatchDraft draft) {
    int before = draft.batchTokens();
    int rows = 0;
    int longest = 0;
    while (draft.slotsLeft() > 0 && draft.tokensLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        break;
      }
      DraftOutcome outcome = context.admit(head, Math.min(view.needTokens(head), view.maxTokens()));
      if (outcome.done()) {
        rows++;
        longest = Math.max(longest, draft.scheduledTokens(head));
      } else if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (outcome != DraftOutcome.NEVER_FITS) {
        break;
      }
    }
    draft.pad(Math.max(0, rows * longest - (draft.batchTokens() - before)));
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
