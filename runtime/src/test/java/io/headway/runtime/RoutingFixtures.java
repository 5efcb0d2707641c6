package io.headway.runtime;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.Stateless;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;
import java.util.ArrayList;
import java.util.List;

/** Small policies, predictors and clusters for tests of the cluster scheduler. */
final class RoutingFixtures {
  static final InstanceProfile MIXED = InstanceProfile.of(Role.MIXED, 64, 1000, 16);

  private RoutingFixtures() {}

  /** What a lambda can decide. */
  interface Rule {
    void route(Request request, ClusterView view, RouteDraft draft);
  }

  /** A policy of one rule that remembers what it was told. */
  static final class RulePolicy implements RoutingPolicy<Stateless> {
    final List<RouteOutcome> outcomes = new ArrayList<>();
    final List<String> instances = new ArrayList<>();
    private final Rule rule;
    private final boolean split;

    RulePolicy(Rule rule, boolean split) {
      this.rule = rule;
      this.split = split;
    }

    @Override
    public String id() {
      return "test";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public boolean splitsRoles() {
      return split;
    }

    @Override
    public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
      rule.route(request, view, draft);
    }

    @Override
    public void onFinished(Stateless state, Request request, RouteOutcome outcome) {
      outcomes.add(outcome);
    }

    @Override
    public void onInstance(Stateless state, String instanceId, int incarnation, boolean up) {
      instances.add(instanceId + "#" + incarnation + (up ? " up" : " not up"));
    }
  }

  static RulePolicy policy(Rule rule) {
    return new RulePolicy(rule, false);
  }

  static RulePolicy splitPolicy(Rule rule) {
    return new RulePolicy(rule, true);
  }

  /** Fewest requests, lowest id: herds if the view does not count what was just sent. */
  static RulePolicy leastRequests() {
    return policy((request, view, draft) -> draft.accept(least(view)));
  }

  static int least(ClusterView view) {
    int best = 0;
    for (int i = 1; i < view.size(); i++) {
      if (view.instance(i).requests() < view.instance(best).requests()) {
        best = i;
      }
    }
    return best;
  }

  static int positionOf(ClusterView view, String id) {
    for (int i = 0; i < view.size(); i++) {
      Instance instance = view.instance(i);
      if (instance.id().equals(id)) {
        return i;
      }
    }
    return -1;
  }

  /** Predicts one second per hundred prompt tokens and counts what it is told. */
  static final class HundredTokensASecond implements ServiceTimePredictor<List<Double>> {
    final List<Double> observed = new ArrayList<>();

    @Override
    public String id() {
      return "hundred-tokens-a-second";
    }

    @Override
    public List<Double> newState() {
      return observed;
    }

    @Override
    public void estimateSeconds(
        List<Double> state, Request request, int cachedTokens, Estimate into) {
      into.point(request.promptTokens() / 100.0);
    }

    @Override
    public void observe(
        List<Double> state,
        Request request,
        int cachedTokens,
        int outputTokens,
        double serviceSeconds) {
      state.add(serviceSeconds);
    }
  }

  static ClusterScheduler cluster(RoutingPolicy<?> policy, String... ids) {
    ClusterScheduler cluster = ClusterScheduler.builder().policy(policy).strict().build();
    for (String id : ids) {
      cluster.up(id, 0, MIXED, 0);
    }
    return cluster;
  }

  static InstanceLoad load(ClusterScheduler cluster, String id, long now) {
    return cluster.load(id, now).orElseThrow();
  }

  static InstanceStats stats(int waiting, int running) {
    return InstanceStats.of(waiting, running, -1, -1, -1);
  }
}
