package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.routing.RouteOutcome;
import org.jspecify.annotations.Nullable;

/**
 * The routing policy in force: the custom one, or the built-in one when that has thrown, broken a
 * rule, or done so too often. A policy that failed gets fresh state and is told of the instances
 * that are up. Guarded by the cluster's lock.
 */
final class RoutingPolicyGuard {
  private final BoundRouting<?> policy;
  private final Fleet fleet;
  private final ClusterFaults faults;
  private final int maxFaults;
  private boolean off;

  RoutingPolicyGuard(BoundRouting<?> policy, Fleet fleet, ClusterFaults faults, int maxFaults) {
    this.policy = policy;
    this.fleet = fleet;
    this.faults = faults;
    this.maxFaults = maxFaults;
  }

  /** Returns the id of the custom policy, in use or not. */
  String id() {
    return policy.id();
  }

  /** Returns the id of the policy that decides. */
  String decider() {
    return off ? RoutingGuard.ID : policy.id();
  }

  boolean splitsRoles() {
    return policy.splitsRoles();
  }

  /**
   * Fills the answer: by the custom policy, or by the built-in one if that one fails.
   *
   * @throws PolicyViolationException in strict mode, if the policy failed
   */
  void route(
      Request request,
      Candidates candidates,
      RouteBuffer answer,
      RouteExplanation.@Nullable Collector seen) {
    if (!off) {
      try {
        policy.route(request, candidates, answer);
        if (answer.kind == null) {
          throw new PolicyViolationException(
              policy.id(), Invariant.INV_02, request.id(), "it decided nothing");
        }
        return;
      } catch (RuntimeException e) {
        PolicyViolationException fault = fault(e, request.id());
        if (faults.strict()) {
          throw fault;
        }
      }
    }
    fallBack(request, candidates, answer, seen);
  }

  /** As {@link #route}, on a copy of the policy's state; returns who decided. */
  String rehearse(
      Request request, Candidates candidates, RouteBuffer answer, RouteExplanation.Collector seen) {
    if (!off) {
      try {
        policy.rehearse(request, candidates, answer);
        if (answer.kind != null) {
          return policy.id();
        }
      } catch (RuntimeException e) {
        if (faults.strict()) {
          throw e;
        }
      }
    }
    fallBack(request, candidates, answer, seen);
    return RoutingGuard.ID;
  }

  private static void fallBack(
      Request request,
      Candidates candidates,
      RouteBuffer answer,
      RouteExplanation.@Nullable Collector seen) {
    answer.reset(RoutingGuard.ID, request.id(), seen);
    RoutingGuard.route(candidates, answer);
  }

  void onFinished(Request request, RouteOutcome outcome) {
    if (!off) {
      try {
        policy.onFinished(request, outcome);
      } catch (RuntimeException e) {
        faults.keep(fault(e, request.id()));
      }
    }
  }

  void onInstance(Member member, boolean up) {
    if (!off) {
      try {
        policy.onInstance(member, up);
      } catch (RuntimeException e) {
        faults.keep(fault(e, ""));
      }
    }
  }

  private PolicyViolationException fault(RuntimeException cause, String requestId) {
    PolicyViolationException fault =
        faults.count(policy.id(), requestId, "the policy threw ", cause);
    if (!faults.strict()) {
      off = faults.violations() >= maxFaults;
      faults.warn(
          fault.getMessage()
              + (off ? "; the policy stays off" : "; the built-in policy decides this once"));
    }
    restart();
    return fault;
  }

  /** Gives the policy fresh state and tells it of the instances that are up. */
  private void restart() {
    policy.reset();
    try {
      for (int rank = 0; rank < fleet.size(); rank++) {
        Member member = fleet.member(rank);
        policy.onInstance(member, member.state() == InstanceState.READY);
      }
    } catch (RuntimeException e) {
      off = !faults.strict();
      faults.warn("policy '" + policy.id() + "' cannot be restarted and stays off: " + e);
    }
  }

  /** Puts the custom policy back into use, with fresh state. */
  void enable() {
    faults.forgive();
    off = false;
    restart();
  }
}
