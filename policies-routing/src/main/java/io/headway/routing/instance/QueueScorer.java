package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;
import java.util.Arrays;

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
        int length = running ? view.running(i) : view.waiting(i);
        score[i] = length;
        least = Math.min(least, length);
        most = Math.max(most, length);
      }
    }
    double span = most - least;
    int size = view.size();
    if (span == 0) {
      Arrays.fill(score, 0, size, 1);
      return;
    }
    // Others' scores are not read: without a branch the compiler can divide several at a time.
    for (int i = 0; i < size; i++) {
      score[i] = (most - score[i]) / span;
    }
  }
}
