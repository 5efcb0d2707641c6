package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores the free share of the KV pool, {@code 1 - kvUsage} (Gateway API Inference Extension's
 * {@code kv-cache-utilization} scorer). Cost O(M), no allocation.
 */
public final class KvUtilizationScorer implements InstanceScorer<Stateless> {
  /** Makes the scorer. */
  public KvUtilizationScorer() {}

  @Override
  public String id() {
    return "kv-cache-utilization";
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
        score[i] = 1 - view.kvUsage(i);
      }
    }
  }
}
