package io.headway.batching.composition;

import io.headway.api.Request;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;

/**
 * Decides the batch as request-level schedulers do: when nothing runs, waiting sequences form a
 * batch in the queue's order until one is refused; nobody joins it, and it runs until its last
 * member ends.
 *
 * <p>What is computed in vain is declared as padding of the batch: in the iteration of the prompts
 * {@code sum(longest - tokens)}, afterwards one position for each row whose member has ended.
 * Prompts are not cut; the engine's token limit still holds and closes a batch early. A member that
 * is preempted loses its place in the batch and waits for the next one.
 *
 * <p>Cost: O(batch). Thread-safe; the state is single-threaded. Source: the baseline of Yu et al.,
 * Orca, OSDI 2022 (FasterTransformer), called SLS in Cheng et al., Slice-Level Scheduling for High
 * Throughput and Load Balanced LLM Serving, arXiv 2406.13511.
 */
public final class RunToCompletionComposer
    implements BatchComposer<RunToCompletionComposer.State>, PreemptsOnShortage {
  /** Makes the composer. */
  public RunToCompletionComposer() {}

  /** The rows of the batch that runs. Single-threaded. */
  public static final class State {
    private int rows;
    private int paddedPromptTokens;

    private State() {}

    /**
     * Returns the rows of the running batch.
     *
     * @return members it started with; 0 if none runs
     */
    public int rows() {
      return rows;
    }

    /**
     * Returns the length that the prompts of the running batch were padded to.
     *
     * @return tokens; 0 if no batch runs
     */
    public int paddedPromptTokens() {
      return paddedPromptTokens;
    }
  }

  @Override
  public String id() {
    return "run-to-completion";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return request.promptTokens() <= view.maxTokens();
  }

  @Override
  public boolean keepsOrder() {
    return true;
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    if (view.runningCount() > 0) {
      RunningFirst.run(context, view.maxTokens(), Integer.MAX_VALUE);
      draft.pad(Math.max(0, state.rows - draft.batchSequences()));
    } else {
      state.rows = 0;
      state.paddedPromptTokens = 0;
      startBatch(state, context, view, draft);
      draft.pad(state.rows * state.paddedPromptTokens - draft.batchTokens());
    }
  }

  private static void startBatch(
      State state, BatchContext context, BatchView view, BatchDraft draft) {
    while (draft.slotsLeft() > 0 && draft.tokensLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      DraftOutcome outcome = context.admit(head, Math.min(view.needTokens(head), view.maxTokens()));
      if (outcome.done()) {
        state.rows++;
        state.paddedPromptTokens = Math.max(state.paddedPromptTokens, draft.scheduledTokens(head));
      } else if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
