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
