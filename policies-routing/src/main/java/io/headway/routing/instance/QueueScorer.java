package io.headway.routing.instance;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores the shortest queue 1 and the longest 0, linearly in between; all equal score 1. Adding a
 * constant to every queue changes nothing, but a difference of a single request spans the whole
 * range (Gateway API Inference Extension's {@code queue} and {@code running-requests} scorers).
 * Cost O(M), no allocation.
 */
public final class QueueScorer implements InstanceScorer<Stateless> {
  private final boolean running;

  /**
   * Makes the scorer.
   *
   * @param running true to compare running requests, false to compare waiting ones
   */
  public QueueScorer(boolean running) {
    this.running = running;
  }

  @Override
  public String id() {
    return running ? "running-requests" : "queue";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    int least = Integer.MAX_VALUE;
    int most = Integer.MIN_VALUE;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        int length = length(view.instance(i));
        score[i] = length;
        least = Math.min(least, length);
        most = Math.max(most, length);
      }
    }
    double span = most - least;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        score[i] = span == 0 ? 1 : (most - score[i]) / span;
      }
    }
  }

  private int length(Instance instance) {
    return running ? instance.running() : instance.waiting();
  }
}
