package io.headway.batching.composition;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;

/**
 * Decides the batch as vLLM v1 does: every sequence catches up to its known tokens, running ones in
 * order of admission first, then waiting ones, until the token budget is used up. There is no
 * difference between prefill and decode.
 *
 * <ol>
 *   <li>Running: {@code n = min(need, threshold, budget left)}. When blocks are short, victims are
 *       preempted until {@code n} fits; a victim that was in the batch already gives its tokens
 *       back. A sequence that had to preempt itself ends the pass.
 *   <li>Waiting, only if nobody was preempted: the head gets {@code min(known - cached, threshold,
 *       budget left)} tokens; the first that gets no blocks ends the pass. One that lacks an
 *       adapter is set aside. Without chunked prefill a head that exceeds what is left of the
 *       budget ends the pass; a prompt that exceeds the whole budget can never be served.
 *   <li>With {@link #withPartialPrefills} (recalled): a head whose prompt would be left unfinished
 *       while as many are unfinished as may be ends the pass; one that needs more than the
 *       threshold while as many of those are unfinished as may be is set aside, so that shorter
 *       prompts overtake.
 * </ol>
 *
 * <p>The engine's own token limit applies in addition to the budget. Cost: O(running + admitted).
 * Thread-safe, stateless.
 *
 * <p>Source: vLLM v1 scheduler, github.com/vllm-project/vllm, {@code vllm/v1/core/sched}; memory
 * management from Kwon et al., Efficient Memory Management for Large Language Model Serving with
 * PagedAttention, SOSP 2023.
 */
public final class TokenBudgetComposer implements BatchComposer<Stateless>, PreemptsOnShortage {
  private final int tokenBudget;
  private final int longPrefillTokenThreshold;
  private final boolean chunkedPrefill;
  private final int maxPartialPrefills;
  private final int maxLongPartialPrefills;

  /**
   * Makes the composer.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   * @param longPrefillTokenThreshold most tokens of one sequence in one iteration, at least 0; 0
   *     for no such limit
   * @param chunkedPrefill whether a waiting prompt may be cut to what is left of the budget
   * @throws IllegalArgumentException if a number is out of range
   */
  public TokenBudgetComposer(
      int tokenBudget, int longPrefillTokenThreshold, boolean chunkedPrefill) {
    this(tokenBudget, longPrefillTokenThreshold, chunkedPrefill, 0, 0);
  }

  private TokenBudgetComposer(
      int tokenBudget,
      int longPrefillTokenThreshold,
      boolean chunkedPrefill,
      int maxPartialPrefills,
      int maxLongPartialPrefills) {
    this.tokenBudget = Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    this.longPrefillTokenThreshold =
        Arguments.atLeast("longPrefillTokenThreshold", longPrefillTokenThreshold, 0, "tokens");
    this.chunkedPrefill = chunkedPrefill;
    this.maxPartialPrefills =
        Arguments.atLeast("maxPartialPrefills", maxPartialPrefills, 0, "sequences");
    this.maxLongPartialPrefills =
        Arguments.atLeast("maxLongPartialPrefills", maxLongPartialPrefills, 0, "sequences");
    if (maxLongPartialPrefills > 0 && longPrefillTokenThreshold == 0) {
      throw new IllegalArgumentException(
          "maxLongPartialPrefills needs a longPrefillTokenThreshold above 0, which says what is"
              + " long, but that was 0");
    }
    if (maxPartialPrefills > 0 && maxLongPartialPrefills > maxPartialPrefills) {
      throw new IllegalArgumentException(
          "maxLongPartialPrefills must be at most maxPartialPrefills = "
              + maxPartialPrefills
              + ", but was "
              + maxLongPartialPrefills);
    }
  }

  /**
   * Limits the prompts that are computed in part at a time, as vLLM's {@code
   * max_num_partial_prefills} and {@code max_long_partial_prefills} do (recalled): the steps of the
   * v1 scheduler as read apply neither, and what they mean here follows the memory of its
   * predecessor, not a source.
   *
   * @param most prompts that may stay unfinished at the end of an iteration, at least 0; 0 for no
   *     limit
   * @param mostLong of those, the ones that began with more tokens to compute than the long-prefill
   *     threshold, at least 0 and at most {@code most}; 0 for no limit
   * @return changed copy
   * @throws IllegalArgumentException if a number is out of range, or {@code mostLong} is given
   *     without a threshold
   */
  public TokenBudgetComposer withPartialPrefills(int most, int mostLong) {
    return new TokenBudgetComposer(
        tokenBudget, longPrefillTokenThreshold, chunkedPrefill, most, mostLong);
  }

  @Override
  public String id() {
    return "vllm-v1";
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
    return chunkedPrefill
        || Math.min(request.promptTokens(), mostTokens())
            <= Math.min(tokenBudget, view.maxTokens());
  }

  @Override
  public boolean keepsOrder() {
    // Else shorter prompts overtake.
    return maxLongPartialPrefills == 0;
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    int budget = Math.min(tokenBudget, view.maxTokens());
    if (runRunning(context, view, draft, budget, mostTokens())) {
      admitWaiting(context, view, draft, budget, mostTokens());
    }
  }

  private int mostTokens() {
    return longPrefillTokenThreshold == 0 ? Integer.MAX_VALUE : longPrefillTokenThreshold;
  }

  /** Returns whether waiting sequences may be admitted: nobody yielded and nobody went short. */
  private static boolean runRunning(
      BatchContext context, BatchView view, BatchDraft draft, int budget, int mostTokens) {
    boolean short_ = false;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      i = draft.scheduleDecodes(i, i + Math.min(count - i, budget - draft.batchTokens()));
      int left = budget - draft.batchTokens();
      if (left <= 0 || i == count) {
        break;
      }
      int sequence = view.running(i);
      int tokens = Math.min(Math.min(view.needTokens(sequence), mostTokens), left);
      if (tokens == 0 || view.state(sequence) != SequenceState.RUNNING) {
        continue;
      }
      DraftOutcome outcome = draft.schedule(sequence, tokens);
      while (outcome == DraftOutcome.NO_BLOCKS) {
        int victim = context.makeRoom(sequence);
        if (victim == sequence) {
          return false;
        }
        if (victim == BatchView.NONE) {
          short_ = true;
          break;
        }
        outcome = draft.schedule(sequence, tokens);
      }
    }
    return !short_ && draft.preemptions() == 0;
  }

  private void admitWaiting(
      BatchContext context, BatchView view, BatchDraft draft, int budget, int mostTokens) {
    boolean limited = maxPartialPrefills > 0 || maxLongPartialPrefills > 0;
    int partial = 0;
    int longPartial = 0;
    if (limited) {
      for (int i = 0, count = view.runningCount(); i < count; i++) {
        int sequence = view.running(i);
        int rest = view.needTokens(sequence) - draft.scheduledTokens(sequence);
        if (view.state(sequence) == SequenceState.RUNNING && rest > 0 && !view.decoding(sequence)) {
          partial++;
          longPartial += view.promptTokens(sequence) > longPrefillTokenThreshold ? 1 : 0;
        }
      }
    }
    while (draft.slotsLeft() > 0) {
      int left = budget - draft.batchTokens();
      int head = context.head();
      if (left <= 0 || head == BatchView.NONE) {
        return;
      }
      if (!chunkedPrefill) {
        int whole = Math.min(view.needTokens(head) - view.cachedTokens(head), mostTokens);
        // Only a sequence preempted late can need more than the whole budget; it has to be cut.
        if (Math.min(whole, budget) > left) {
          context.defer(head);
          return;
        }
      }
      boolean unfinished = false;
      boolean isLong = false;
      if (limited) {
        int work = view.needTokens(head) - view.cachedTokens(head);
        unfinished = work > Math.min(left, mostTokens);
        isLong = work > mostTokens;
        if (unfinished && isLong && atLimit(longPartial, maxLongPartialPrefills)) {
          context.defer(head);
          context.setAside(head);
          continue;
        }
        if (unfinished && atLimit(partial, maxPartialPrefills)) {
          context.defer(head);
          return;
        }
      }
      DraftOutcome outcome = context.admit(head, Math.min(left, mostTokens));
      if (outcome.done() && unfinished) {
        partial++;
        longPartial += isLong ? 1 : 0;
      }
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  private static boolean atLimit(int count, int most) {
    return most > 0 && count >= most;
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
