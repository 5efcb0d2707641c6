package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Plans the virtual queue of one instance as QLM does, and says who yields to its head: requests
 * are served group by group, first come first served inside a group.
 *
 * <ol>
 *   <li>A request joins the last group of its model whose objective lies in the same granule of
 *       {@code sloGranularitySeconds} and that has fewer than {@code maxGroupRequests} queued
 *       requests; otherwise it opens a group at the tail.
 *   <li>When somebody has come, and every {@code checkSeconds}, the times of the groups are added
 *       up in order, with {@code swapSeconds} where the model changes. Only if a group would miss
 *       its objective a new order is made: with {@link Replanning#EXACT}, for at most {@code
 *       exactGroups} groups, the best one if it has no violation; otherwise earliest deadline
 *       first. While no violation is predicted the order stays.
 *   <li>A running sequence whose group stands behind that of a queued head yields to it; on
 *       shortage the last of the queue does. State goes to the host where there is room.
 * </ol>
 *
 * <p>The objective of a request is arrival + TTFT target, else its deadline, else arrival + {@code
 * sloSeconds}. Group time is the artifact's {@code requests * tokensPerRequest / tokensPerSecond}.
 * Departures: one instance has one queue, so that load balancing over queues is a router's ({@link
 * VirtualQueues#best} finds it for small cases); the mixed-integer program is solved by
 * enumeration. O(queue log queue) per plan. Play both roles with one object. Thread-safe; the state
 * is single-threaded.
 *
 * <p>Source: QLM, SoCC 2024, arXiv 2407.00047.
 */
public final class VirtualQueuePlanner
    implements BatchPlanner<VirtualQueuePlanner.State>, VictimSelector<VirtualQueuePlanner.State> {
  /** How a new order is made. */
  public enum Replanning {
    /** Always earliest deadline first. */
    EDF,
    /** The best order where it has no violation and can be found, else earliest deadline first. */
    EXACT
  }

  /**
   * What is configured.
   *
   * @param tokensPerRequest output tokens assumed for a request, above 0
   * @param tokensPerSecond throughput of the instance, above 0; profile it
   * @param sloSeconds objective of a request without its own, above 0
   * @param sloGranularitySeconds objectives within one such granule form one group, above 0
   * @param swapSeconds time of a model swap, at least 0
   * @param maxGroupRequests most queued requests of a group, at least 1
   * @param replanning how a new order is made
   * @param exactGroups most groups for an exact order, 1 to {@value
   *     VirtualQueues#MAX_EXHAUSTIVE_GROUPS}
   * @param checkSeconds time between two checks without arrivals, above 0
   */
  public record Parameters(
      double tokensPerRequest,
      double tokensPerSecond,
      double sloSeconds,
      double sloGranularitySeconds,
      double swapSeconds,
      int maxGroupRequests,
      Replanning replanning,
      int exactGroups,
      double checkSeconds) {
    /**
     * The artifact's 100 tokens, granularity 100 and swap time 100; groups of 40, four batches of
     * ten; 1,000 tokens/s, 20 s, 6 groups and a second between checks are ours.
     */
    public static final Parameters DEFAULT =
        new Parameters(100, 1000, 20, 100, 100, 40, Replanning.EXACT, 6, 1);

    public Parameters {
      Arguments.positive("tokensPerRequest", tokensPerRequest, "tokens");
      Arguments.positive("tokensPerSecond", tokensPerSecond, "tokens/s");
      Arguments.positive("sloSeconds", sloSeconds, "s");
      Arguments.positive("sloGranularitySeconds", sloGranularitySeconds, "s");
      Arguments.notNegative("swapSeconds", swapSeconds, "s");
      Arguments.atLeast("maxGroupRequests", maxGroupRequests, 1, "request");
      requireNonNull(replanning, "replanning");
      Arguments.within(
          "exactGroups", exactGroups, 1, VirtualQueues.MAX_EXHAUSTIVE_GROUPS, "groups");
      Arguments.positive("checkSeconds", checkSeconds, "s");
    }
  }

  private final Parameters parameters;

  /**
   * Makes the planner.
   *
   * @param parameters what is configured
   */
  public VirtualQueuePlanner(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /** A group of the queue. */
  private static final class Group {
    private final String model;
    private final long granule;
    private final long deadlineNanos;
    private int queued;
    private int live;
    private int rank;

    private Group(String model, long granule, long deadlineNanos) {
      this.model = model;
      this.granule = granule;
      this.deadlineNanos = deadlineNanos;
    }
  }

  /** The groups in queue order, and who belongs to which. Single-threaded. */
  public static final class State {
    private final List<Group> groups = new ArrayList<>();
    private @Nullable Group[] groupOf = new Group[16];
    private final BitSet queued = new BitSet();
    private @Nullable String heldModel;
    private boolean joined;
    private long checkNanos = Long.MIN_VALUE;
    private long replans;

    private State() {}

    /**
     * Returns how often a predicted violation made a new order.
     *
     * @return a count
     */
    public long replans() {
      return replans;
    }

    private Group group(int sequence) {
      return requireNonNull(groupOf[sequence]);
    }

    private void rank() {
      for (int i = 0; i < groups.size(); i++) {
        groups.get(i).rank = i;
      }
    }
  }

  @Override
  public String id() {
    return "virtual-queue";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return Claims.NONE;
  }

  // ---- groups

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    int known = state.groupOf.length;
    if (sequence >= known) {
      state.groupOf = Arrays.copyOf(state.groupOf, Math.max(sequence + 1, known * 2));
    }
    Group group = state.groupOf[sequence];
    if (group == null) {
      group = join(state, view, sequence);
      state.groupOf[sequence] = group;
      group.live++;
    }
    group.queued++;
    state.queued.set(sequence);
    state.joined = true;
  }

  private Group join(State state, BatchView view, int sequence) {
    Request request = view.request(sequence);
    long deadline = deadlineNanos(view, sequence);
    long granule = (long) Math.floor(deadline / (parameters.sloGranularitySeconds * 1e9));
    for (int i = state.groups.size() - 1; i >= 0; i--) {
      Group group = state.groups.get(i);
      if (group.granule == granule
          && group.model.equals(request.model())
          && group.queued < parameters.maxGroupRequests) {
        return group;
      }
    }
    Group group = new Group(request.model(), granule, deadline);
    state.groups.add(group);
    state.rank();
    return group;
  }

  private long deadlineNanos(BatchView view, int sequence) {
    Request request = view.request(sequence);
    long arrival = view.arrivalNanos(sequence);
    if (request.hasTtftTarget()) {
      return saturating(arrival, request.ttftTargetNanos());
    }
    return request.hasDeadline()
        ? request.deadlineNanos()
        : saturating(arrival, Math.round(parameters.sloSeconds * 1e9));
  }

  private static long saturating(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    Group group = state.group(sequence);
    group.queued--;
    state.queued.clear(sequence);
    state.heldModel = group.model;
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    Group group = state.group(sequence);
    state.groupOf[sequence] = null;
    if (state.queued.get(sequence)) {
      state.queued.clear(sequence);
      group.queued--;
    }
    if (--group.live == 0) {
      state.groups.remove(group);
      state.rank();
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  // ---- the plan

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.joined ? view.nowNanos() : state.checkNanos;
  }

  @Override
  public void plan(State state, BatchView view, PlannedOrder order) {
    reorderIfLate(state, view);
    List<Integer> queued = new ArrayList<>(Backlog.of(view));
    queued.sort(
        Comparator.comparingInt((Integer s) -> state.group(s).rank)
            .thenComparing(view::compareArrival));
    for (int sequence : queued) {
      order.append(sequence);
    }
    state.joined = false;
    state.checkNanos =
        saturating(view.nowNanos(), Math.max(1, Math.round(parameters.checkSeconds * 1e9)));
  }

  /** Makes a new order of the groups that wait if one of them would be late in the present one. */
  private void reorderIfLate(State state, BatchView view) {
    List<Integer> places = new ArrayList<>();
    List<RequestGroup> waiting = new ArrayList<>();
    for (int i = 0; i < state.groups.size(); i++) {
      Group group = state.groups.get(i);
      if (group.queued > 0) {
        places.add(i);
        waiting.add(
            new RequestGroup(
                group.model,
                group.queued,
                parameters.tokensPerRequest,
                ((double) group.deadlineNanos - view.nowNanos()) / 1e9,
                parameters.tokensPerSecond));
      }
    }
    if (waiting.isEmpty()) {
      return;
    }
    // Before anything has run, the first model is taken for the one that is loaded.
    String held = state.heldModel == null ? waiting.get(0).model() : state.heldModel;
    VirtualQueues queue = new VirtualQueues(waiting, List.of(held), parameters.swapSeconds);
    int[][] asIs = {new int[waiting.size()]};
    for (int i = 0; i < waiting.size(); i++) {
      asIs[0][i] = i;
    }
    if (queue.worth(asIs).violations() == 0) {
      return;
    }
    int[] next = queue.earliestDeadline(asIs)[0];
    if (parameters.replanning == Replanning.EXACT && waiting.size() <= parameters.exactGroups) {
      VirtualQueues.Best best = queue.best();
      next = best.worth().violations() == 0 ? best.queues()[0] : next;
    }
    List<Group> before = List.copyOf(state.groups);
    for (int i = 0; i < next.length; i++) {
      state.groups.set(places.get(i), before.get(places.get(next[i])));
    }
    state.rank();
    state.replans++;
  }

  // ---- who yields

  @Override
  public int select(
      State state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    boolean shortage = view.state(beneficiary) == SequenceState.RUNNING;
    if (!shortage && !runsBehind(state, state.group(beneficiary).rank)) {
      return BatchView.NONE;
    }
    int last = BatchView.NONE;
    for (int i = from; i < to; i++) {
      if (last == BatchView.NONE || behind(state, view, candidates[i], last)) {
        last = candidates[i];
      }
    }
    boolean yields =
        last != BatchView.NONE
            && (shortage || state.group(last).rank > state.group(beneficiary).rank);
    return yields ? last : BatchView.NONE;
  }

  /** Whether a group behind a rank has anybody who is not queued, which is quick to see. */
  private static boolean runsBehind(State state, int rank) {
    for (int i = state.groups.size() - 1; i > rank; i--) {
      Group group = state.groups.get(i);
      if (group.live > group.queued) {
        return true;
      }
    }
    return false;
  }

  private static boolean behind(State state, BatchView view, int a, int b) {
    int byRank = Integer.compare(state.group(a).rank, state.group(b).rank);
    return (byRank != 0 ? byRank : view.compareArrival(a, b)) > 0;
  }

  @Override
  public PreemptionMode mode(State state, BatchView view, int victim) {
    return PreemptionMode.SWAP;
  }
}
