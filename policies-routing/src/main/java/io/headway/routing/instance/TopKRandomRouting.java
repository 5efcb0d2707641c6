package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Sends a request to one of the k least loaded instances, drawn uniformly, so that several routers
 * with the same stale view do not all take the same one (Llumnix's {@code topk_random_dispatch}).
 *
 * <p>Order: (load, id). One draw, none if {@code min(k, M) = 1}. Cost O(M log k), no allocation
 * once the cluster has been seen.
 */
public final class TopKRandomRouting implements RoutingPolicy<TopKRandomRouting.Ranking> {
  /** Default for {@code k}: plain argmin. */
  public static final int DEFAULT_K = 1;

  private final int k;
  private final LoadMetric metric;

  /**
   * Makes the policy.
   *
   * @param k size of the set drawn from, at least 1
   * @param metric what load means
   * @throws IllegalArgumentException if {@code k} is below 1
   */
  public TopKRandomRouting(int k, LoadMetric metric) {
    this.k = Check.atLeast("k", k, 1, "instance");
    this.metric = requireNonNull(metric, "metric");
  }

  @Override
  public String id() {
    return "top-k-random";
  }

  @Override
  public Ranking newState() {
    return new Ranking();
  }

  @Override
  public Ranking copyOf(Ranking state) {
    return new Ranking();
  }

  @Override
  public void route(Ranking state, Request request, ClusterView view, RouteDraft draft) {
    boolean explaining = draft.explaining();
    int among = Math.min(k, view.size());
    state.rank(view, metric, explaining ? view.size() : among);
    draft.accept(state.position[among == 1 ? 0 : view.random().nextInt(among)]);
    if (explaining) {
      for (int rank = 0; rank < view.size(); rank++) {
        draft.score(state.position[rank], "rank", rank);
        draft.score(state.position[rank], "load", state.load[rank]);
      }
    }
  }

  /** Scratch space of one decision. Not thread-safe. */
  public static final class Ranking {
    private int[] position = {};
    private double[] load = {};

    private Ranking() {}

    /**
     * Leaves the {@code count} least loaded positions in order at the front of {@code position}.
     */
    private void rank(ClusterView view, LoadMetric metric, int count) {
      if (position.length < count) {
        position = new int[Math.max(count, 2 * position.length)];
        load = new double[position.length];
      }
      int size = 0;
      for (int i = 0; i < view.size(); i++) {
        double value = metric.of(view.instance(i));
        if (size < count) {
          push(size++, i, value);
        } else if (value < load[0]) {
          sink(0, size, i, value);
        }
      }
      for (int end = size - 1; end > 0; end--) {
        int worst = position[0];
        double worstLoad = load[0];
        sink(0, end, position[end], load[end]);
        position[end] = worst;
        load[end] = worstLoad;
      }
    }

    /** The heap's root is the worst: the highest load, among equals the highest position. */
    private boolean worse(int a, double loadOfA, int b, double loadOfB) {
      return loadOfA > loadOfB || (loadOfA == loadOfB && a > b);
    }

    private void push(int at, int candidate, double value) {
      int hole = at;
      while (hole > 0) {
        int parent = (hole - 1) >>> 1;
        if (!worse(candidate, value, position[parent], load[parent])) {
          break;
        }
        position[hole] = position[parent];
        load[hole] = load[parent];
        hole = parent;
      }
      position[hole] = candidate;
      load[hole] = value;
    }

    private void sink(int from, int size, int candidate, double value) {
      int hole = from;
      for (int child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
        if (child + 1 < size
            && worse(position[child + 1], load[child + 1], position[child], load[child])) {
          child++;
        }
        if (!worse(position[child], load[child], candidate, value)) {
          break;
        }
        position[hole] = position[child];
        load[hole] = load[child];
        hole = child;
      }
      position[hole] = candidate;
      load[hole] = value;
    }
  }
}
