package io.headway.batching.planning;

import io.headway.api.Claims;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans the queue as BatchLLM does offline: requests that share a prefix stand together, so that it
 * is prefilled once and used while it is there, and groups with the most output per prefill token
 * come first, so that decodes are available to mix with the prefills of later groups.
 *
 * <ol>
 *   <li>All waiting prompts make a prefix tree. A dynamic program from the leaves up decides for
 *       each node, and each prefix above that may have a group, whether the node's prefix has one,
 *       so that the prefill tokens saved, the sum of {@code prefix * (members - 1)} over all
 *       groups, are the most possible with groups that share one prefix. Ties keep the longer
 *       prefix.
 *   <li>Groups by output per prefill token, the largest first ({@link PrefixGroup#ORDER}); ties and
 *       members by (arrival, id). Output is the prediction, else the declared cap.
 * </ol>
 *
 * <p>Made for work that is all there at once; for arrivals, the plan is made anew at most once per
 * window, and whoever has arrived since stands behind it. No control of starvation. Needs token ids
 * or block keys in the requests and prefix caching in the pool to save anything. Cost per plan: O(n
 * log n) comparisons of prompts, O(n * depth of the tree) for the groups. Thread-safe; the state is
 * single-threaded.
 *
 * <p>Source: Zheng et al., BatchLLM: Optimizing Large Batched LLM Inference with Global Prefix
 * Sharing and Throughput-oriented Token Batching, arXiv 2412.03594. Departure: whether the prefix
 * of a finished group is dropped is the pool's decision.
 */
public final class PrefixGroupPlanner implements BatchPlanner<PrefixGroupPlanner.State> {
  /** Plans at most once a second; the paper plans once. */
  public static final long DEFAULT_WINDOW_NANOS = 1_000_000_000L;

  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREFIX_KEYS).build();

  private final long windowNanos;

  /**
   * Makes the planner.
   *
   * @param windowNanos least time between two plans, at least 0
   * @throws IllegalArgumentException if it is negative
   */
  public PrefixGroupPlanner(long windowNanos) {
    this.windowNanos = Arguments.atLeast("windowNanos", windowNanos, 0L, "ns");
  }

  /** What the last plan found, and when it was made. Single-threaded. */
  public static final class State {
    private final PlanWindow window;
    private List<PrefixGroup> groups = List.of();

    private State(long windowNanos) {
      window = new PlanWindow(windowNanos);
    }

    /**
     * Returns the groups of the last plan.
     *
     * @return in planned order
     */
    public List<PrefixGroup> groups() {
      return groups;
    }
  }

  private record Members(PrefixGroup group, List<Integer> sequences) {}

  @Override
  public String id() {
    return "batchllm";
  }

  @Override
  public State newState() {
    return new State(windowNanos);
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.window.nextNanos();
  }

  @Override
  public void plan(State state, BatchView view, PlannedOrder order) {
    state.window.planned(view.nowNanos());
    List<Members> groups = groups(view);
    List<PrefixGroup> planned = new ArrayList<>();
    for (Members each : groups) {
      planned.add(each.group);
      for (int sequence : each.sequences) {
        order.append(sequence);
      }
    }
    state.groups = List.copyOf(planned);
  }

  private static List<Members> groups(BatchView view) {
    List<Members> groups = new ArrayList<>();
    for (PrefixTree.Group group : PrefixTree.of(view).groups()) {
      groups.add(members(view, group.prefixTokens(), group.sequences()));
    }
    groups.sort(
        (a, b) -> {
          int byRatio = PrefixGroup.ORDER.compare(a.group, b.group);
          return byRatio != 0
              ? byRatio
              : view.compareArrival(a.sequences.get(0), b.sequences.get(0));
        });
    return groups;
  }

  private static Members members(BatchView view, int prefixTokens, List<Integer> sequences) {
    sequences.sort(view::compareArrival);
    long suffix = 0;
    long output = 0;
    for (int sequence : sequences) {
      suffix += view.promptTokens(sequence) - prefixTokens;
      output += expectedOutput(view, sequence);
    }
    return new Members(new PrefixGroup(prefixTokens, sequences.size(), suffix, output), sequences);
  }

  /** Output tokens still to come. */
  static int expectedOutput(BatchView view, int sequence) {
    return view.hasPrediction(sequence)
        ? view.predictedRemainingTokens(sequence)
        : view.maxNewTokens(sequence) - view.generatedTokens(sequence);
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    if (view.preemptions(sequence) == 0) {
      state.window.arrived();
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
