package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceFilter;
import io.headway.api.routing.InstancePicker;
import io.headway.api.routing.InstanceScorer;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Filters candidates, scores the rest and picks one: the form of the Kubernetes scheduler and of
 * the Gateway API Inference Extension.
 *
 * <p>Filters run in order and only narrow. Each scorer's value is clamped to [0, 1], NaN counting
 * as 0; the sum over scorers of weight times value goes to the picker. Multiplying all weights by
 * one positive number changes no maximum. No candidate left: REJECT with NO_CANDIDATE, naming the
 * filter. The explanation holds, per candidate, each scorer's value under its id, the {@code
 * total}, and for the others the rank of the filter that removed them as {@code filteredBy} (from
 * 0).
 *
 * <p>Cost O(M) per filter and scorer; no allocation once the largest view has been seen.
 */
public final class ComposedRouting implements RoutingPolicy<ComposedRouting.State> {
  /** Largest accepted weight. */
  public static final double MAX_WEIGHT = 1e6;

  private final String id;
  private final List<InstanceFilter<?>> filters;
  private final List<InstanceScorer<?>> scorers;
  private final double[] weights;
  private final InstancePicker<?> picker;

  private ComposedRouting(Builder builder, InstancePicker<?> picker) {
    id = builder.id;
    filters = List.copyOf(builder.filters);
    scorers = List.copyOf(builder.scorers);
    weights = builder.weights.stream().mapToDouble(Double::doubleValue).toArray();
    this.picker = picker;
  }

  /**
   * Starts a composition without filters and scorers.
   *
   * @param id the policy's id
   * @return a new builder
   */
  public static Builder builder(String id) {
    return new Builder(id);
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public State newState() {
    State state = new State(filters.size(), scorers.size(), picker.newState());
    for (int i = 0; i < filters.size(); i++) {
      state.filters[i] = filters.get(i).newState();
    }
    for (int i = 0; i < scorers.size(); i++) {
      state.scorers[i] = scorers.get(i).newState();
    }
    return state;
  }

  @Override
  public State copyOf(State state) {
    State copy = new State(filters.size(), scorers.size(), copy(picker, state.picker));
    for (int i = 0; i < filters.size(); i++) {
      copy.filters[i] = copy(filters.get(i), state.filters[i]);
    }
    for (int i = 0; i < scorers.size(); i++) {
      copy.scorers[i] = copy(scorers.get(i), state.scorers[i]);
    }
    return copy;
  }

  @Override
  public Claims claims() {
    Claims claims = picker.claims();
    for (InstanceFilter<?> filter : filters) {
      claims = claims.and(filter.claims());
    }
    for (InstanceScorer<?> scorer : scorers) {
      claims = claims.and(scorer.claims());
    }
    return claims;
  }

  @Override
  public void route(State state, Request request, ClusterView view, RouteDraft draft) {
    int size = view.size();
    state.reset(size);
    boolean[] candidate = state.candidate;
    for (int i = 0; i < filters.size(); i++) {
      filter(filters.get(i), state.filters[i], request, view, state);
      if (draft.explaining()) {
        explainFilter(i, size, state, draft);
      }
      if (!any(candidate, size)) {
        draft.reject(
            RejectCode.NO_CANDIDATE, "filter " + filters.get(i).id() + " left no candidate", 0);
        return;
      }
    }
    double[] total = state.total;
    double[] value = state.value;
    for (int i = 0; i < scorers.size(); i++) {
      score(scorers.get(i), state.scorers[i], request, view, candidate, value);
      double weight = weights[i];
      for (int j = 0; j < size; j++) {
        // Mostly in range, the ends included, where clamping would branch now here, now there.
        double each = value[j];
        total[j] += weight * (each >= 0 && each <= 1 ? each : clamped(each));
      }
      if (draft.explaining()) {
        explainScores(scorers.get(i).id(), size, state, draft);
      }
    }
    int chosen = pick(picker, state.picker, view, candidate, total);
    draft.accept(chosen);
    for (int i = 0; i < scorers.size(); i++) {
      picked(scorers.get(i), state.scorers[i], request, view, chosen);
    }
    if (draft.explaining()) {
      for (int j = 0; j < size; j++) {
        if (candidate[j]) {
          draft.score(j, "total", total[j]);
        }
      }
    }
  }

  private static void explainFilter(int rank, int size, State state, RouteDraft draft) {
    for (int j = 0; j < size; j++) {
      if (!state.candidate[j] && !state.reported[j]) {
        state.reported[j] = true;
        draft.score(j, "filteredBy", rank);
      }
    }
  }

  private static void explainScores(String scorer, int size, State state, RouteDraft draft) {
    for (int j = 0; j < size; j++) {
      if (state.candidate[j]) {
        draft.score(j, scorer, clamped(state.value[j]));
      }
    }
  }

  private static double clamped(double value) {
    // NaN counts as 0.
    return value > 0 ? (value < 1 ? value : 1) : 0;
  }

  private static boolean any(boolean[] candidate, int size) {
    for (int j = 0; j < size; j++) {
      if (candidate[j]) {
        return true;
      }
    }
    return false;
  }

  // Each part gets back the state that it made itself: the casts below cannot fail.

  @SuppressWarnings("unchecked")
  private static <S> void filter(
      InstanceFilter<S> filter, Object own, Request request, ClusterView view, State state) {
    filter.filter((S) own, request, view, state.candidate);
  }

  @SuppressWarnings("unchecked")
  private static <S> void score(
      InstanceScorer<S> scorer,
      Object own,
      Request request,
      ClusterView view,
      boolean[] candidate,
      double[] value) {
    scorer.score((S) own, request, view, candidate, value);
  }

  @SuppressWarnings("unchecked")
  private static <S> int pick(
      InstancePicker<S> picker, Object own, ClusterView view, boolean[] candidate, double[] total) {
    return picker.pick((S) own, view, candidate, total);
  }

  @SuppressWarnings("unchecked")
  private static <S> void picked(
      InstanceScorer<S> scorer, Object own, Request request, ClusterView view, int chosen) {
    scorer.onPicked((S) own, request, view, chosen);
  }

  @SuppressWarnings("unchecked")
  private static <S> Object copy(InstanceFilter<S> filter, Object own) {
    return requireNonNull(filter.copyOf((S) own));
  }

  @SuppressWarnings("unchecked")
  private static <S> Object copy(InstanceScorer<S> scorer, Object own) {
    return requireNonNull(scorer.copyOf((S) own));
  }

  @SuppressWarnings("unchecked")
  private static <S> Object copy(InstancePicker<S> picker, Object own) {
    return requireNonNull(picker.copyOf((S) own));
  }

  /** The states of the parts and scratch space. Not thread-safe. */
  public static final class State {
    private final Object[] filters;
    private final Object[] scorers;
    private final Object picker;
    private boolean[] candidate = {};
    private boolean[] reported = {};
    private double[] value = {};
    private double[] total = {};

    private State(int filters, int scorers, Object picker) {
      this.filters = new Object[filters];
      this.scorers = new Object[scorers];
      this.picker = picker;
    }

    private void reset(int size) {
      if (candidate.length < size) {
        candidate = new boolean[size];
        reported = new boolean[size];
        value = new double[size];
        total = new double[size];
      }
      Arrays.fill(candidate, 0, size, true);
      Arrays.fill(reported, 0, size, false);
      Arrays.fill(total, 0, size, 0);
    }
  }

  /** Collects the parts. Not thread-safe. */
  public static final class Builder {
    private final String id;
    private final List<InstanceFilter<?>> filters = new ArrayList<>();
    private final List<InstanceScorer<?>> scorers = new ArrayList<>();
    private final List<Double> weights = new ArrayList<>();

    private Builder(String id) {
      this.id = requireNonNull(id, "id");
    }

    /**
     * Adds a filter behind those added before.
     *
     * @param filter the filter
     * @return this builder
     */
    public Builder filter(InstanceFilter<?> filter) {
      filters.add(requireNonNull(filter, "filter"));
      return this;
    }

    /**
     * Adds a scorer.
     *
     * @param scorer the scorer
     * @param weight its weight, 0 to 1,000,000
     * @return this builder
     * @throws IllegalArgumentException if the weight is out of range
     */
    public Builder scorer(InstanceScorer<?> scorer, double weight) {
      scorers.add(requireNonNull(scorer, "scorer"));
      weights.add(Check.range("weight of " + scorer.id(), weight, 0, MAX_WEIGHT, ""));
      return this;
    }

    /**
     * Ends the composition.
     *
     * @param picker who chooses among the scored
     * @return the policy
     */
    public ComposedRouting picker(InstancePicker<?> picker) {
      return new ComposedRouting(this, requireNonNull(picker, "picker"));
    }
  }
}
