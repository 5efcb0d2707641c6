package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Turns scored candidates into one choice.
 *
 * @param <S> the picker's state
 */
@ImplementedByUsers
public interface InstancePicker<S> extends SchedulingPolicy<S> {
  /**
   * Picks.
   *
   * @param state the picker's state
   * @param view the instances
   * @param candidate true at the positions in the race, at least one
   * @param score the weighted sum at those positions
   * @return a candidate position
   */
  int pick(S state, ClusterView view, boolean[] candidate, double[] score);

  /**
   * Returns a copy of the state, as {@link RoutingPolicy#copyOf} does.
   *
   * @param state the picker's state
   * @return a state that shares nothing mutable with {@code state}; by default {@link
   *     io.headway.api.Stateless#STATE}
   * @throws UnsupportedOperationException by default, if there is another state
   */
  default S copyOf(S state) {
    return Copies.ofStateless(id(), state);
  }
}
