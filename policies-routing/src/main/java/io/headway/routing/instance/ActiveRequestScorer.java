package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores by the requests this router has in flight there: up to {@code idleThreshold} scores 1,
 * more scores {@code (most - count) / most * maxBusyScore} with the largest count among the
 * candidates (llm-d's {@code active-request} scorer). Cost O(M), no allocation.
 */
public final class ActiveRequestScorer implements InstanceScorer<Stateless> {
  /** Default for {@code idleThreshold}, in requests. */
  public static final int DEFAULT_IDLE_THRESHOLD = 0;

  /** Default for {@code maxBusyScore}. */
  public static final double DEFAULT_MAX_BUSY_SCORE = 1;

  private final int idleThreshold;
  private final double maxBusyScore;

  /**
   * Makes the scorer.
   *
   * @param idleThreshold requests that still count as idle, at least 0
   * @param maxBusyScore most that a busy instance scores, 0 to 1
   * @throws IllegalArgumentException if a number is out of range
   */
  public ActiveRequestScorer(int idleThreshold, double maxBusyScore) {
    this.idleThreshold = Check.atLeast("idleThreshold", idleThreshold, 0, "requests");
    this.maxBusyScore = Check.range("maxBusyScore", maxBusyScore, 0, 1, "");
  }

  @Override
  public String id() {
    return "active-request";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    int most = 0;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        most = Math.max(most, view.inFlight(i));
      }
    }
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        int count = view.inFlight(i);
        score[i] = count <= idleThreshold ? 1 : (double) (most - count) / most * maxBusyScore;
      }
    }
  }
}
