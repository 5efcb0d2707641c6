package io.headway.examples.firstpolicy;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;

/** Starts the request with the shortest prompt first; ties go to the earlier arrival. */
public final class ShortestPromptFirst implements QueueOrder<Stateless> {
  /** Makes the order. */
  public ShortestPromptFirst() {}

  @Override
  public String id() {
    return "shortest-prompt-first";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int compare(Stateless state, BatchView view, int a, int b) {
    int byPrompt = Integer.compare(view.promptTokens(a), view.promptTokens(b));
    return byPrompt != 0 ? byPrompt : view.compareArrival(a, b);
  }
}
