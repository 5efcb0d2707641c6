package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Draws two distinct candidates and sends the request to the less loaded one.
 *
 * <p>With n balls in n bins the fullest bin holds Θ(log log n) instead of the Θ(log n / log log n)
 * of one draw (Azar, Broder, Karlin, Upfal, STOC 1994; Mitzenmacher, TPDS 2001). Drawing with
 * replacement would degrade to random with probability 1/M, so the second draw is among the rest.
 * Equal loads: the first one drawn. Two draws, also between two candidates; none with one. Cost
 * O(1), no allocation; keeps nothing.
 */
public final class PowerOfTwoRouting implements RoutingPolicy<Stateless> {
  private final LoadMetric metric;

  /**
   * Makes the policy.
   *
   * @param metric what load means
   */
  public PowerOfTwoRouting(LoadMetric metric) {
    this.metric = requireNonNull(metric, "metric");
  }

  @Override
  public String id() {
    return "power-of-two";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
    int size = view.size();
    if (size == 1) {
      draft.accept(0);
      return;
    }
    RandomSource random = view.random();
    int first = random.nextInt(size);
    int rest = random.nextInt(size - 1);
    int second = rest < first ? rest : rest + 1;
    double firstLoad = metric.of(view.instance(first));
    double secondLoad = metric.of(view.instance(second));
    draft.accept(secondLoad < firstLoad ? second : first);
    if (draft.explaining()) {
      draft.score(first, "drawn", 1);
      draft.score(second, "drawn", 2);
      draft.score(first, "load", firstLoad);
      draft.score(second, "load", secondLoad);
    }
  }
}
