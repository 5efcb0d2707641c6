package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores an empty queue 0.5, a queue of {@code threshold} or more 0, linearly in between: {@code
 * 0.5 (1 - min(q, threshold) / threshold)} (llm-d's {@code load-aware} scorer). Cost O(M), no
 * allocation.
 */
public final class LoadAwareScorer implements InstanceScorer<Stateless> {
  /** Default for {@code threshold}, in waiting requests. */
  public static final int DEFAULT_THRESHOLD = 128;

  private final int threshold;

  /**
   * Makes the scorer.
   *
   * @param threshold waiting requests that score 0, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public LoadAwareScorer(int threshold) {
    this.threshold = Check.atLeast("threshold", threshold, 1, "request");
  }

  @Override
  public String id() {
    return "load-aware";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        double queue = Math.min(view.waiting(i), threshold);
        score[i] = 0.5 * (1 - queue / threshold);
      }
    }
  }
}
