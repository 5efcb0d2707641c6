package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Sends a request to an instance drawn uniformly. One draw, none with a single candidate. Cost
 * O(1), no allocation; keeps nothing.
 */
public final class RandomRouting implements RoutingPolicy<Stateless> {
  /** Makes the policy. */
  public RandomRouting() {}

  @Override
  public String id() {
    return "random";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
    draft.accept(view.size() == 1 ? 0 : view.random().nextInt(view.size()));
  }
}
