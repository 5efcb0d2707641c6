package io.headway.batching.composition;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.batching.internal.Arguments;

/**
 * Decides the batch as QLM's engine does: running sequences, then the queue, up to a token budget;
 * and the head of the queue may take the place of a running sequence that the victim selector puts
 * behind it.
 *
 * <ol>
 *   <li>Running, in order of admission: {@code n = min(need, budget left)}; when blocks are short,
 *       victims yield until {@code n} fits, as in {@link TokenBudgetComposer}.
 *   <li>Waiting: the head gets {@code min(known - cached, budget left)} tokens. If it is refused
 *       for want of a slot, of tokens, of blocks or by the admission test, as few victims yield as
 *       let it start, and nobody if the selector finds too few behind it. The first that does not
 *       start ends the pass.
 * </ol>
 *
 * <p>O(running + admitted + evicted * running). Thread-safe, stateless.
 *
 * <p>Source: QLM, SoCC 2024, arXiv 2407.00047: request pulling and eviction. Departure: the paper
 * evicts all of another group when the head group changes; here as many as the head needs.
 */
public final class EvictingComposer implements BatchComposer<Stateless>, PreemptsForOrder {
  private final int tokenBudget;

  /**
   * Makes the composer.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   */
  public EvictingComposer(int tokenBudget) {
    this.tokenBudget = Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
  }

  @Override
  public String id() {
    return "qlm";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  /** Its budget. */
  @Override
  public Claims claims() {
    return Claims.builder().bound(Claims.Bound.BATCH_TOKENS, tokenBudget).build();
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return true;
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    int budget = Math.min(tokenBudget, view.maxTokens());
    if (RunningFirst.run(context, budget, Integer.MAX_VALUE)) {
      startWaiting(context, budget);
    }
  }

  private static void startWaiting(BatchContext context, int budget) {
    while (true) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      DraftOutcome outcome = context.admitByPreempting(head, budget);
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
