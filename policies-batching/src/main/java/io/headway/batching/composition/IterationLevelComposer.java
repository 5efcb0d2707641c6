package io.headway.batching.composition;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.batching.internal.Arguments;

/**
 * Decides the batch as ORCA does: every running sequence takes part in every iteration, and waiting
 * ones join, with their whole prompt, in any iteration in which they are admitted. The first one
 * that is refused ends the admissions: it is not skipped.
 *
 * <p>A prompt is never cut and there is no token budget of the composer's own. The engine's token
 * limit still holds: a prompt above it can never be served, and what was preempted late and needs
 * more than the limit is recomputed in pieces. Cost: O(running + admitted). Thread-safe, stateless.
 *
 * <p>Source: Yu et al., Orca: A Distributed Serving System for Transformer-Based Generative Models,
 * OSDI 2022, Algorithm 1. Selective batching is the executor's matter; to a scheduler it means only
 * that prompts and decodes share a batch without padding.
 */
public final class IterationLevelComposer implements BatchComposer<Stateless>, PreemptsOnShortage {
  private final int batchSequences;

  /** Makes the composer without a limit of its own: a batch may hold every running sequence. */
  public IterationLevelComposer() {
    this(0);
  }

  /**
   * Makes the composer.
   *
   * @param batchSequences most sequences in one batch ({@code max_bs} of the paper), at least 0; 0
   *     for the engine's limit. Smaller than that limit only where several batches are in flight at
   *     once
   * @throws IllegalArgumentException if it is negative
   */
  public IterationLevelComposer(int batchSequences) {
    this.batchSequences = Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
  }

  @Override
  public String id() {
    return "orca";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  /** Its cap, if it has one. */
  @Override
  public Claims claims() {
    return batchSequences == 0
        ? Claims.NONE
        : Claims.builder().bound(Claims.Bound.BATCH_SEQUENCES, batchSequences).build();
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return request.promptTokens() <= view.maxTokens();
  }

  @Override
  public boolean keepsOrder() {
    return true;
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    int most = batchSequences == 0 ? Integer.MAX_VALUE : batchSequences;
    if (RunningFirst.run(context, view.maxTokens(), most)) {
      admitWaiting(context, view, draft, most);
    }
  }

  private static void admitWaiting(
      BatchContext context, BatchView view, BatchDraft draft, int most) {
    while (draft.batchSequences() < most && draft.slotsLeft() > 0 && draft.tokensLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      int tokens = Math.min(view.needTokens(head), view.maxTokens());
      DraftOutcome outcome = context.admit(head, tokens);
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
