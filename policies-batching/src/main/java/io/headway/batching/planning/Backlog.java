package io.headway.batching.planning;

import io.headway.api.batching.BatchView;
import java.util.ArrayList;
import java.util.List;

/** Copies of the queue for planners, which work outside the fast path. */
final class Backlog {
  private Backlog() {}

  /** The queued sequences in the queue's own order. */
  static List<Integer> of(BatchView view) {
    return of(view, Integer.MAX_VALUE);
  }

  /** The first queued sequences in the queue's own order. */
  static List<Integer> of(BatchView view, int most) {
    List<Integer> queued = new ArrayList<>(Math.min(most, view.waitingCount()));
    for (int s = view.firstWaiting();
        s != BatchView.NONE && queued.size() < most;
        s = view.nextWaiting(s)) {
      queued.add(s);
    }
    return queued;
  }

  /** Prompt and output tokens so far. */
  static int knownTokens(BatchView view, int sequence) {
    return view.promptTokens(sequence) + view.generatedTokens(sequence);
  }

  /** The predicted remaining output, or the declared one where nobody predicts. */
  static int remainingTokens(BatchView view, int sequence) {
    int declared = view.maxNewTokens(sequence) - view.generatedTokens(sequence);
    return Math.max(
        1,
        view.hasPrediction(sequence)
            ? Math.min(view.predictedRemainingTokens(sequence), declared)
            : declared);
  }
}
