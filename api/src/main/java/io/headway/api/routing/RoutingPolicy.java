package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which instance serves a request. The view holds at least one candidate: with none the
 * runtime answers NO_CANDIDATE itself, and a request larger than every candidate NEVER_FITS.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface RoutingPolicy<S> extends SchedulingPolicy<S> {
  /**
   * Decides.
   *
   * @param state the policy's state
   * @param request who wants to be served
   * @param view the candidates
   * @param draft where the decision is written
   */
  void route(S state, Request request, ClusterView view, RouteDraft draft);

  /**
   * Returns whether this policy may send prompt and decodes to different instances. It then sees
   * instances of every role; otherwise only those of role {@link io.headway.api.Role#MIXED}.
   *
   * @return false by default
   */
  default boolean splitsRoles() {
    return false;
  }

  /**
   * Returns a copy of the state, so that a decision can be explained without taking it. A policy
   * with a state of its own must have one; a cluster scheduler refuses it otherwise.
   *
   * @param state the policy's state
   * @return a state that {@link #route} may change without changing {@code state}; by default
   *     {@link io.headway.api.Stateless#STATE}
   * @throws UnsupportedOperationException by default, if there is another state
   */
  default S copyOf(S state) {
    return Copies.ofStateless(id(), state);
  }

  /**
   * A routed request ended.
   *
   * @param state the policy's state
   * @param request which request
   * @param outcome where it ran and what was measured
   */
  default void onFinished(S state, Request request, RouteOutcome outcome) {}

  /**
   * An instance appeared, changed its state or went away.
   *
   * @param state the policy's state
   * @param instanceId which one
   * @param incarnation which life
   * @param up true if it takes requests now
   */
  default void onInstance(S state, String instanceId, int incarnation, boolean up) {}
}
