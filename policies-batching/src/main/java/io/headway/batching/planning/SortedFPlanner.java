package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;
import java.util.List;

/**
 * Plans an order of the backlog by {@link SortedF}, over prompts and predicted outputs.
 *
 * <p>Planned anew whenever somebody has joined the queue, over its first {@code maxRequests} (ours:
 * the paper has the whole backlog present from the start); the others keep the queue's order
 * behind. Without a prediction the declared cap counts. A backlog within {@code exactRequests} is
 * planned exactly; methods with the linear relaxation look at {@value SortedF#MAX_LP} requests at
 * most. Thread-safe; the state is single-threaded.
 *
 * <p>Source: arXiv 2508.06133.
 */
public final class SortedFPlanner implements BatchPlanner<SortedFPlanner.State> {
  /** Queued requests that a plan looks at. */
  public static final int DEFAULT_MAX_REQUESTS = 256;

  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  private final SortedF sorting;
  private final int maxRequests;

  /**
   * Makes the planner.
   *
   * @param sorting how sets are found
   * @param maxRequests queued requests that a plan looks at, at least 1
   */
  public SortedFPlanner(SortedF sorting, int maxRequests) {
    this.sorting = requireNonNull(sorting, "sorting");
    this.maxRequests = Arguments.atLeast("maxRequests", maxRequests, 1, "request");
  }

  /** Whether somebody has joined the queue since the last plan. Single-threaded. */
  public static final class State {
    private boolean joined;

    private State() {}
  }

  @Override
  public String id() {
    return "sorted-f";
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
    boolean relaxes =
        sorting.method() == SortedF.Method.LP || sorting.method() == SortedF.Method.LP_SWAP;
    int most = relaxes ? Math.min(maxRequests, SortedF.MAX_LP) : maxRequests;
    List<Integer> queue = Backlog.of(view, most);
    int[] prompts = queue.stream().mapToInt(s -> Backlog.knownTokens(view, s)).toArray();
    int[] outputs = queue.stream().mapToInt(s -> Backlog.remainingTokens(view, s)).toArray();
    // The pool may hold a request whose last entry, which is never stored, would be one too many.
    int memory = view.totalBlocks();
    for (int i = 0; i < prompts.length; i++) {
      memory = Math.max(memory, view.blocksFor(prompts[i] + outputs[i]));
    }
    List<SortedF.Group> groups = sorting.groups(prompts, outputs, memory, view::blocksFor);
    for (int member : SortedF.order(groups)) {
      order.append(queue.get(member));
    }
    state.joined = false;
  }

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.joined ? view.nowNanos() : Long.MAX_VALUE;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.joined = true;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
