package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Draws d distinct candidates and sends the request to the least loaded of them.
 *
 * <p>Equal loads: the one drawn first. With d at least the number of candidates nothing is drawn
 * and the rule is that of {@link LeastLoadRouting}. Cost O(d²) for d draws without replacement, d
 * being small; no allocation.
 */
public final class PowerOfDRouting implements RoutingPolicy<PowerOfDRouting.Draws> {
  /** Default for {@code d}. */
  public static final int DEFAULT_D = 2;

  /** Largest accepted {@code d}. */
  public static final int MAX_D = 64;

  private final int d;
  private final LoadMetric metric;
  private final TieBreak ties;

  /**
   * Makes the policy.
   *
   * @param d draws, 1 to {@value #MAX_D}
   * @param metric what load means
   * @param ties who wins among equals when all candidates are compared
   * @throws IllegalArgumentException if {@code d} is out of range
   */
  public PowerOfDRouting(int d, LoadMetric metric, TieBreak ties) {
    this.d = (int) Check.range("d", d, 1, MAX_D, "draws");
    this.metric = requireNonNull(metric, "metric");
    this.ties = requireNonNull(ties, "ties");
  }

  @Override
  public String id() {
    return "power-of-d";
  }

  @Override
  public Draws newState() {
    return new Draws(d);
  }

  @Override
  public Draws copyOf(Draws state) {
    return new Draws(d);
  }

  @Override
  public void route(Draws state, Request request, ClusterView view, RouteDraft draft) {
    if (d >= view.size()) {
      draft.accept(LeastLoadRouting.least(view, metric, ties));
      if (draft.explaining()) {
        LeastLoadRouting.explain(view, metric, draft);
      }
      return;
    }
    int best = -1;
    double bestLoad = 0;
    for (int i = 0; i < d; i++) {
      int drawn = state.draw(i, view.random().nextInt(view.size() - i));
      double load = metric.of(view.instance(drawn));
      if (best < 0 || load < bestLoad) {
        best = drawn;
        bestLoad = load;
      }
      if (draft.explaining()) {
        draft.score(drawn, "drawn", i + 1);
        draft.score(drawn, "load", load);
      }
    }
    draft.accept(best);
  }

  /** Scratch space of one decision: the positions drawn so far, ascending. Not thread-safe. */
  public static final class Draws {
    private final int[] ascending;

    private Draws(int d) {
      ascending = new int[d];
    }

    /** Turns an index among the positions not drawn yet into a position and remembers it. */
    private int draw(int drawnBefore, int indexAmongRest) {
      int position = indexAmongRest;
      int at = 0;
      while (at < drawnBefore && ascending[at] <= position) {
        position++;
        at++;
      }
      System.arraycopy(ascending, at, ascending, at + 1, drawnBefore - at);
      ascending[at] = position;
      return position;
    }
  }
}
