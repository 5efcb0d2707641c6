package io.headway.routing.instance;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Sends a request to the instance that received the fewest requests a second in the router's
 * sliding window; an instance without statistics wins at once, the first in order of id before
 * others (vLLM production-stack router).
 *
 * <p>Blind to the size of requests. Ties: lowest id. Cost O(M), no allocation; keeps nothing.
 */
public final class LeastQpsRouting implements RoutingPolicy<Stateless> {
  /** Makes the policy. */
  public LeastQpsRouting() {}

  @Override
  public String id() {
    return "least-qps";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
    draft.accept(least(view));
    if (draft.explaining()) {
      explain(view, draft);
    }
  }

  /** Returns the position of the choice in a view with at least one instance. */
  static int least(ClusterView view) {
    int best = -1;
    double bestRate = 0;
    for (int i = 0; i < view.size(); i++) {
      Instance instance = view.instance(i);
      if (!instance.hasRequestRate()) {
        return i;
      }
      double rate = instance.requestsPerSecond();
      if (best < 0 || rate < bestRate) {
        best = i;
        bestRate = rate;
      }
    }
    return best;
  }

  /** Records the rates. */
  static void explain(ClusterView view, RouteDraft draft) {
    for (int i = 0; i < view.size(); i++) {
      if (view.instance(i).hasRequestRate()) {
        draft.score(i, "requestsPerSecond", view.instance(i).requestsPerSecond());
      }
    }
  }
}
