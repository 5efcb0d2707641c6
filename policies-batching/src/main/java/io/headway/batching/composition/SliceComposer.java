package io.headway.batching.composition;

import io.headway.api.Request;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Decides the batch as slice-level scheduling does: a static batch that nobody joins runs until
 * each member has emitted {@code sliceTokens} more tokens or ended; then all of them go back to the
 * queue, and the next batch starts.
 *
 * <p>The victim selector says how members go back: by recomputation, the paper's basic form, or by
 * swap, which keeps their KV. What is computed in vain is declared as padding, as in {@link
 * RunToCompletionComposer}: prompts up to the longest, and one position per ended row. Prompts are
 * not cut, except one that has grown beyond the engine's token limit. A slice of the model's
 * greatest length is static batching. O(batch). Thread-safe; the state is single-threaded.
 *
 * <p>Source: Cheng et al., Slice-Level Scheduling for High Throughput and Load Balanced LLM
 * Serving, arXiv 2406.13511.
 */
public final class SliceComposer implements BatchComposer<SliceComposer.State>, PreemptsForOrder {
  private final int sliceTokens;

  /**
   * Makes the composer.
   *
   * @param sliceTokens output tokens of a member in one slice, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public SliceComposer(int sliceTokens) {
    this.sliceTokens = Arguments.atLeast("sliceTokens", sliceTokens, 1, "token");
  }

  /** The batch that runs. Single-threaded. */
  public static final class State {
    private int[] generatedBefore = new int[16];
    private final int[] one = new int[1];
    private int rows;
    private int iterationsLeft;

    private State() {}

    /**
     * Returns the rows of the running batch.
     *
     * @return members it started with; 0 if none runs
     */
    public int rows() {
      return rows;
    }
  }

  @Override
  public String id() {
    return "scls";
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
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    state.iterationsLeft = Integer.MAX_VALUE;
    if (view.runningCount() == 0) {
      startBatch(state, context, view, draft);
    } else if (sliceOver(state, view)) {
      endBatch(state, context, view);
    } else {
      runBatch(state, context, view, draft);
      draft.pad(Math.max(0, state.rows - draft.batchSequences()));
    }
  }

  private boolean sliceOver(State state, BatchView view) {
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      if (left(state, view, view.running(i)) > 0) {
        return false;
      }
    }
    return true;
  }

  private int left(State state, BatchView view, int sequence) {
    int before = sequence < state.generatedBefore.length ? state.generatedBefore[sequence] : 0;
    return sliceTokens - (view.generatedTokens(sequence) - before);
  }

  private static void endBatch(State state, BatchContext context, BatchView view) {
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int sequence = view.running(i);
      if (!view.inFlight(sequence)) {
        state.one[0] = sequence;
        context.makeRoom(sequence, state.one, 0, 1);
      }
    }
  }

  private void runBatch(State state, BatchContext context, BatchView view, BatchDraft draft) {
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int sequence = view.running(i);
      int left = left(state, view, sequence);
      int tokens = Math.min(view.needTokens(sequence), draft.tokensLeft());
      if (left <= 0 || tokens == 0 || view.state(sequence) != SequenceState.RUNNING) {
        continue;
      }
      DraftOutcome outcome = draft.schedule(sequence, tokens);
      while (outcome == DraftOutcome.NO_BLOCKS) {
        int victim = context.makeRoom(sequence);
        if (victim == sequence || victim == BatchView.NONE) {
          break;
        }
        outcome = draft.schedule(sequence, tokens);
      }
      state.iterationsLeft = Math.min(state.iterationsLeft, left - 1);
    }
  }

  private static void startBatch(
      State state, BatchContext context, BatchView view, BatchDraft draft) {
    int longest = 0;
    state.rows = 0;
    while (draft.slotsLeft() > 0 && draft.tokensLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        break;
      }
      int generated = view.generatedTokens(head);
      DraftOutcome outcome = context.admit(head, Math.min(view.needTokens(head), view.maxTokens()));
      if (outcome.done()) {
        state.rows++;
        longest = Math.max(longest, draft.scheduledTokens(head));
        remember(state, head, generated);
      } else if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (outcome != DraftOutcome.NEVER_FITS) {
        break;
      }
    }
    draft.pad(state.rows * longest - draft.batchTokens());
  }

  private static void remember(State state, int sequence, int generated) {
    if (sequence >= state.generatedBefore.length) {
      state.generatedBefore =
          Arrays.copyOf(
              state.generatedBefore, Math.max(sequence + 1, state.generatedBefore.length * 2));
    }
    state.generatedBefore[sequence] = generated;
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.iterationsLeft;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
