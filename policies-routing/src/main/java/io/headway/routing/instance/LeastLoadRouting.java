package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Sends a request to the instance with the least load. With {@link LoadMetric#REQUESTS} this is
 * join-the-shortest-queue.
 *
 * <p>Ties: for {@link LoadMetric#KV} fewer waiting requests first; then the {@link TieBreak}.
 * Published routers (Vidur's least-outstanding-requests, Splitwise's simulator) always take the
 * first minimum, which is {@link TieBreak#LOWEST_ID}; that sends every request to one instance
 * while the cluster is idle. Cost O(M), no allocation. Thread-safe: keeps nothing.
 */
public final class LeastLoadRouting implements RoutingPolicy<Stateless> {
  private final LoadMetric metric;
  private final TieBreak ties;

  /**
   * Makes the policy.
   *
   * @param metric what load means
   * @param ties who wins among equals
   */
  public LeastLoadRouting(LoadMetric metric, TieBreak ties) {
    this.metric = requireNonNull(metric, "metric");
    this.ties = requireNonNull(ties, "ties");
  }

  @Override
  public String id() {
    return switch (metric) {
      case REQUESTS -> "least-requests";
      case WAITING -> "least-waiting";
      case TOKENS -> "least-tokens";
      case KV -> "least-kv";
    };
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  /** By {@link LoadMetric#REQUESTS} nobody is less loaded than whoever is chosen. */
  @Override
  public Claims claims() {
    return metric == LoadMetric.REQUESTS
        ? Claims.builder().bound(Claims.Bound.LOAD_GAP_REQUESTS, 0).build()
        : Claims.NONE;
  }

  @Override
  public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
    draft.accept(least(view, metric, ties));
    if (draft.explaining()) {
      explain(view, metric, draft);
    }
  }

  /** Returns the position of the least loaded instance of a view with at least one. */
  static int least(ClusterView view, LoadMetric metric, TieBreak ties) {
    int best = 0;
    Instance bestInstance = view.instance(0);
    double bestLoad = metric.of(bestInstance);
    for (int i = 1; i < view.size(); i++) {
      Instance instance = view.instance(i);
      double load = metric.of(instance);
      if (load < bestLoad || (load == bestLoad && winsTie(metric, ties, instance, bestInstance))) {
        best = i;
        bestInstance = instance;
        bestLoad = load;
      }
    }
    return best;
  }

  private static boolean winsTie(LoadMetric metric, TieBreak ties, Instance later, Instance best) {
    if (metric == LoadMetric.KV && later.waiting() != best.waiting()) {
      return later.waiting() < best.waiting();
    }
    return ties.replaces(later, best);
  }

  /** Records the load of every instance. */
  static void explain(ClusterView view, LoadMetric metric, RouteDraft draft) {
    for (int i = 0; i < view.size(); i++) {
      draft.score(i, "load", metric.of(view.instance(i)));
    }
  }
}
