package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Says how well each candidate suits a request, from 0 to 1. Weights belong to the composition, not
 * to the scorer; values outside the range are clamped by it and NaN counts as 0.
 *
 * @param <S> the scorer's state
 */
@ImplementedByUsers
public interface InstanceScorer<S> extends SchedulingPolicy<S> {
  /**
   * Scores the candidates.
   *
   * @param state the scorer's state
   * @param request who wants to be served
   * @param view the instances
   * @param candidate true at the positions still in the race
   * @param score receives one value per candidate position, larger is better; other positions are
   *     not read
   */
  void score(S state, Request request, ClusterView view, boolean[] candidate, double[] score);

  /**
   * Returns a copy of the state, as {@link RoutingPolicy#copyOf} does.
   *
   * @param state the scorer's state
   * @return a state that shares nothing mutable with {@code state}; by default {@link
   *     io.headway.api.Stateless#STATE}
   * @throws UnsupportedOperationException by default, if there is another state
   */
  default S copyOf(S state) {
    return Copies.ofStateless(id(), state);
  }

  /**
   * The composition chose an instance.
   *
   * @param state the scorer's state
   * @param request who is served
   * @param view the instances
   * @param position the choice
   */
  default void onPicked(S state, Request request, ClusterView view, int position) {}
}
