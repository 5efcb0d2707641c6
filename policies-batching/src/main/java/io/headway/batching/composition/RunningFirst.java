package io.headway.batching.composition;

import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;

/**
 * Runs what runs already before anybody else, in the order of admission, each with all the tokens
 * that it needs; the victim selector makes room for those that lack blocks.
 */
final class RunningFirst {
  private RunningFirst() {}

  /**
   * Schedules the running set.
   *
   * @param budgetTokens tokens of the batch, at most the engine's limit
   * @param mostSequences sequences of the batch
   * @return whether nobody yielded and nobody went short of blocks, so that others may start
   */
  static boolean run(BatchContext context, int budgetTokens, int mostSequences) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    boolean enough = true;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int room =
          Math.min(mostSequences - draft.batchSequences(), budgetTokens - draft.batchTokens());
      i = draft.scheduleDecodes(i, i + Math.min(count - i, room));
      if (i == count || draft.batchSequences() >= mostSequences) {
        break;
      }
      int sequence = view.running(i);
      int tokens = Math.min(view.needTokens(sequence), budgetTokens - draft.batchTokens());
      if (tokens > 0 && view.state(sequence) == SequenceState.RUNNING) {
        enough &= runOne(context, draft, sequence, tokens);
      }
    }
    return enough && draft.preemptions() == 0;
  }

  /** Returns false if there was no room and nobody could yield. */
  private static boolean runOne(BatchContext context, BatchDraft draft, int sequence, int tokens) {
    while (draft.schedule(sequence, tokens) == DraftOutcome.NO_BLOCKS) {
      int victim = context.makeRoom(sequence);
      if (victim == sequence || victim == BatchView.NONE) {
        return victim == sequence;
      }
    }
    return true;
  }
}
