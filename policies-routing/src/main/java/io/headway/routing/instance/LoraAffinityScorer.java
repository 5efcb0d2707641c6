package io.headway.routing.instance;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores where the request's adapter is: resident 1, room for one more 0.8, waiting to be loaded
 * 0.6, otherwise 0 (Gateway API Inference Extension's {@code lora-affinity} scorer). A request for
 * the base model scores 0 everywhere: it has no preference. Cost O(M), no allocation.
 */
public final class LoraAffinityScorer implements InstanceScorer<Stateless> {
  /** Makes the scorer. */
  public LoraAffinityScorer() {}

  @Override
  public String id() {
    return "lora-affinity";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    String adapter = request.adapter();
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        score[i] = adapter.isEmpty() ? 0 : score(view.instance(i), adapter);
      }
    }
  }

  private static double score(Instance instance, String adapter) {
    if (instance.hasAdapter(adapter)) {
      return 1;
    }
    if (instance.hasAdapterRoom()) {
      return 0.8;
    }
    return instance.awaitsAdapter(adapter) ? 0.6 : 0;
  }
}
