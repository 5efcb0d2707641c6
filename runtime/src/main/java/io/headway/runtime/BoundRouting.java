package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;

/** A routing policy together with its state. */
final class BoundRouting<S> {
  private final RoutingPolicy<S> policy;
  private final String id;
  private final boolean splitsRoles;
  private S state;

  BoundRouting(RoutingPolicy<S> policy) {
    this.policy = policy;
    id = policy.id();
    splitsRoles = policy.splitsRoles();
    state = policy.newState();
    requireCopy();
  }

  /** Finds out at once whether explaining would change decisions. */
  private void requireCopy() {
    S copy;
    try {
      copy = policy.copyOf(state);
    } catch (UnsupportedOperationException e) {
      throw new IllegalArgumentException(
          "policy '" + id + "' cannot be explained: " + e.getMessage(), e);
    }
    if (copy == state && state != Stateless.STATE) {
      throw new IllegalArgumentException(
          "policy '"
              + id
              + "' cannot be explained: copyOf must return a new object, but returned the state"
              + " itself");
    }
  }

  String id() {
    return id;
  }

  boolean splitsRoles() {
    return splitsRoles;
  }

  void reset() {
    state = policy.newState();
  }

  void route(Request request, ClusterView view, RouteDraft draft) {
    policy.route(state, request, view, draft);
  }

  /** Decides on a copy of the state. */
  void rehearse(Request request, ClusterView view, RouteDraft draft) {
    policy.route(policy.copyOf(state), request, view, draft);
  }

  void onFinished(Request request, RouteOutcome outcome) {
    policy.onFinished(state, request, outcome);
  }

  void onInstance(Member member, boolean up) {
    policy.onInstance(state, member.id(), member.incarnation(), up);
  }
}
