package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Plans the queued requests as static batches by {@link SloOdbs}: sorted by (SLO, predicted output,
 * arrival, id), cut where the weighted sum passes the threshold.
 *
 * <p>The SLO of a request is its deadline less its arrival, else its TTFT target, else {@code
 * sloSeconds}; without a prediction its declared cap counts. Planned anew when everybody of the
 * last plan has started. Under lasting overload long objectives may starve, as in the paper. O(n
 * log n) per plan. Thread-safe; the state is single-threaded.
 *
 * <p>Source: UELLM, arXiv 2409.14961.
 */
public final class SloOdbsPlanner implements BatchPlanner<SloOdbsPlanner.State> {
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  private final SloOdbs batching;
  private final double sloSeconds;

  /**
   * Makes the planner.
   *
   * @param batching where batches are cut
   * @param sloSeconds objective of a request without its own, above 0
   */
  public SloOdbsPlanner(SloOdbs batching, double sloSeconds) {
    this.batching = requireNonNull(batching, "batching");
    this.sloSeconds = Arguments.positive("sloSeconds", sloSeconds, "s");
  }

  /** Who of the plan has not started. Single-threaded. */
  public static final class State {
    private final PlannedMembers planned = new PlannedMembers();

    private State() {}
  }

  @Override
  public String id() {
    return "slo-odbs";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public void plan(State state, BatchView view, PlannedOrder order) {
    List<Integer> queue = new ArrayList<>(Backlog.of(view));
    queue.sort(
        Comparator.comparingDouble((Integer s) -> slo(view, s))
            .thenComparingInt(s -> Backlog.remainingTokens(view, s))
            .thenComparing(view::compareArrival));
    SloOdbs.Step[] steps =
        batching.steps(
            queue.stream().mapToDouble(s -> slo(view, s)).toArray(),
            queue.stream().mapToInt(s -> Backlog.remainingTokens(view, s)).toArray());
    state.planned.clear();
    for (int i = 0; i < steps.length; i++) {
      if (steps[i].newBatch()) {
        order.endBatch();
      }
      order.append(queue.get(i));
      state.planned.add(queue.get(i));
    }
    order.endBatch();
  }

  private double slo(BatchView view, int sequence) {
    Request request = view.request(sequence);
    if (request.hasDeadline()) {
      return (request.deadlineNanos() - view.arrivalNanos(sequence)) / 1e9;
    }
    return request.hasTtftTarget() ? request.ttftTargetNanos() / 1e9 : sloSeconds;
  }

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.planned.isEmpty() ? view.nowNanos() : Long.MAX_VALUE;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.planned.remove(sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.planned.remove(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
