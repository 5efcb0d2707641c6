package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which candidates a composed routing policy goes on with. Filters run in order; each sees
 * every instance of the view and may only take candidates away.
 *
 * @param <S> the filter's state
 */
@ImplementedByUsers
public interface InstanceFilter<S> extends SchedulingPolicy<S> {
  /**
   * Takes candidates away. A filter that leaves none ends the decision: the request is turned away
   * with {@link RejectCode#NO_CANDIDATE}, so a filter that only prefers must keep somebody.
   *
   * @param state the filter's state
   * @param request who wants to be served
   * @param view the instances
   * @param candidate true at the positions still in the race; set to false what is filtered out
   */
  void filter(S state, Request request, ClusterView view, boolean[] candidate);

  /**
   * Returns a copy of the state, as {@link RoutingPolicy#copyOf} does.
   *
   * @param state the filter's state
   * @return a state that shares nothing mutable with {@code state}; by default {@link
   *     io.headway.api.Stateless#STATE}
   * @throws UnsupportedOperationException by default, if there is another state
   */
  default S copyOf(S state) {
    return Copies.ofStateless(id(), state);
  }
}
