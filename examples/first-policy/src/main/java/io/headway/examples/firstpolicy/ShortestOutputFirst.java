package io.headway.examples.firstpolicy;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;

/**
 * Starts the request with the shortest predicted output first. A request without prediction counts
 * with all it may still generate; ties go to the earlier arrival.
 */
public final class ShortestOutputFirst implements QueueOrder<Stateless> {
  /** Makes the order. */
  public ShortestOutputFirst() {}

  @Override
  public String id() {
    return "shortest-output-first";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  /** A predictor that learns changes its mind about those who wait. */
  @Override
  public KeyChange keyChange() {
    return KeyChange.ANY_TIME;
  }

  @Override
  public int compare(Stateless state, BatchView view, int a, int b) {
    int byOutput = Integer.compare(remainingTokens(view, a), remainingTokens(view, b));
    return byOutput != 0 ? byOutput : view.compareArrival(a, b);
  }

  /** Returns the output that a sequence is expected to have ahead of it. */
  static int remainingTokens(BatchView view, int sequence) {
    int most = view.maxNewTokens(sequence) - view.generatedTokens(sequence);
    return view.hasPrediction(sequence)
        ? Math.min(most, view.predictedRemainingTokens(sequence))
        : most;
  }
}
