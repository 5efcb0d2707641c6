package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RebalancingPolicy;
import io.headway.api.routing.RouteOutcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Moves a few waiting requests from overloaded instances to where they should end sooner (GAPS,
 * AAMAS 2026, doi 10.65109/YPTR3460, section on rebalancing).
 *
 * <p>One round, with the utilisations u of its start, Q the remaining work of an instance and Q̄
 * its mean over all instances at the start:
 *
 * <ol>
 *   <li>Sources: {@code u >= overloadUtilization} or {@code Q > overloadBacklogFactor Q̄}, in
 *       descending (Q), then id.
 *   <li>Per source at most {@code maxPerSource} moves. Its candidates are the waiting requests
 *       never moved before, with the predicted completion ĉ as the prefix sum of remaining work in
 *       queue order; urgent ones ({@code now + ĉ > deadline}) first, then larger ĉ, then id.
 *   <li>Targets: other instances with {@code u < targetUtilization} and {@code Q < Q̄}; the best
 *       has the least Q + r. Moving gains {@code ĉ - (Q + r)} and is done iff that exceeds {@code
 *       kappa} times its cost, strictly. The first success ends the scan; candidates and ĉ are
 *       computed anew before another move from the same source. A moved request counts at its
 *       target and stays there for the round.
 * </ol>
 *
 * <p>Cost of a move: what the executor says, else {@code fixedMigrationNanos} plus KV bytes over
 * the link. It is compared once and not added to the completion at the target.
 *
 * <p>A round is due every period, or, at most every 0.2 s, when an instance's violation rate over
 * its last 100 completions exceeds {@code max(0.2, twice its long average)}.
 *
 * <p>The paper gives none of these numbers; all are ours and options. For batching engines Q, ĉ of
 * what is ahead and r are divided by the effective concurrency as {@link GapsRouting} does; with
 * one server per instance that is the plain sum. Cost O(N M) for N requests; allocates.
 */
public final class GapsRebalancing implements RebalancingPolicy<GapsRebalancing.State> {
  /** Default for {@code periodNanos}: 1 s. */
  public static final long DEFAULT_PERIOD_NANOS = 1_000_000_000L;

  /** Least time between two rounds: 0.2 s. */
  public static final long MINIMUM_GAP_NANOS = 200_000_000L;

  private static final double SPIKE_RATE = 0.2;
  private static final double SPIKE_FACTOR = 2;
  private static final double LONG_AVERAGE_WEIGHT = 0.01;

  /**
   * The numbers of a round.
   *
   * @param overloadUtilization a source at or above it, 0 to 1
   * @param overloadBacklogFactor a source with more than this many mean backlogs, at least 0
   * @param targetUtilization a target below it, 0 to 1
   * @param kappa how many times its cost a move must gain, at least 0
   * @param maxPerSource moves per source and round, at least 1
   * @param fixedMigrationNanos fixed part of a move's cost, at least 0 ns
   * @param linkBytesPerSecond link speed where the cluster knows none, above 0
   * @param includeRunning whether running requests may move too
   * @param periodNanos time between rounds, at least 1 ns
   */
  public record Parameters(
      double overloadUtilization,
      double overloadBacklogFactor,
      double targetUtilization,
      double kappa,
      int maxPerSource,
      long fixedMigrationNanos,
      double linkBytesPerSecond,
      boolean includeRunning,
      long periodNanos) {
    /** The values used where nothing else is said. */
    public static final Parameters DEFAULT =
        new Parameters(0.9, 1.25, 0.7, 1, 1, 5_000_000L, 25e9, false, DEFAULT_PERIOD_NANOS);

    public Parameters {
      Check.range("overloadUtilization", overloadUtilization, 0, 1, "");
      Check.atLeast("overloadBacklogFactor", overloadBacklogFactor, 0, "");
      Check.range("targetUtilization", targetUtilization, 0, 1, "");
      Check.atLeast("kappa", kappa, 0, "");
      Check.atLeast("maxPerSource", maxPerSource, 1, "move");
      Check.atLeast("fixedMigrationNanos", fixedMigrationNanos, 0L, "ns");
      Check.atLeast("linkBytesPerSecond", linkBytesPerSecond, Double.MIN_NORMAL, "bytes/s");
      Check.atLeast("periodNanos", periodNanos, 1L, "ns");
    }
  }

  private final Parameters parameters;

  /**
   * Makes the policy.
   *
   * @param parameters the numbers of a round
   */
  public GapsRebalancing(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  @Override
  public String id() {
    return "gaps";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.SERVICE_TIME).build();
  }

  @Override
  public long periodNanos() {
    return parameters.periodNanos();
  }

  @Override
  public long minimumGapNanos() {
    return Math.min(MINIMUM_GAP_NANOS, parameters.periodNanos());
  }

  @Override
  public void onFinished(State state, Request request, RouteOutcome outcome) {
    if (outcome.completed()) {
      double sample = outcome.deadlineMissed() ? 1 : 0;
      state.longRates.merge(
          outcome.instanceId(), sample, (old, now) -> old + LONG_AVERAGE_WEIGHT * (now - old));
    }
  }

  @Override
  public void onInstance(State state, String instanceId, int incarnation, boolean up) {
    if (!up) {
      state.longRates.remove(instanceId);
    }
  }

  @Override
  public boolean urgent(State state, ClusterView view) {
    for (int i = 0; i < view.size(); i++) {
      Instance instance = view.instance(i);
      double usual = state.longRates.getOrDefault(instance.id(), 0.0);
      if (instance.violationRate() > Math.max(SPIKE_RATE, SPIKE_FACTOR * usual)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void rebalance(State state, RebalancingView view, RebalancingDraft draft) {
    if (view.size() > 0) {
      new Round(parameters, view, draft).run();
    }
  }

  /** Long averages of the violation rate by instance. Not thread-safe. */
  public static final class State {
    private final Map<String, Double> longRates = new LinkedHashMap<>();

    private State() {}
  }

  /** A request at its place in a queue. */
  private static final class Item {
    private final int request;
    private final String id;
    private final boolean running;
    private final boolean movable;
    private final long deadlineNanos;
    private final double remainingNanos;
    private double completionNanos;
    private boolean urgent;

    Item(Parameters parameters, RebalancingView view, int request) {
      this.request = request;
      id = view.requestId(request);
      running = view.isRunning(request);
      movable = view.migrations(request) == 0 && (!running || parameters.includeRunning());
      deadlineNanos = view.deadlineNanos(request);
      remainingNanos = view.remainingNanos(request);
    }

    /** A moved request on its new instance: it stays there. */
    Item(Item moved, double remainingNanos) {
      request = moved.request;
      id = moved.id;
      running = false;
      movable = false;
      deadlineNanos = moved.deadlineNanos;
      this.remainingNanos = remainingNanos;
    }
  }

  /** One round over one view. */
  private static final class Round {
    private static final Comparator<Item> MOST_NEEDY =
        Comparator.comparing((Item item) -> !item.urgent)
            .thenComparing(item -> -item.completionNanos)
            .thenComparing(item -> item.id);

    private final Parameters parameters;
    private final RebalancingView view;
    private final RebalancingDraft draft;
    private final List<List<Item>> queues = new ArrayList<>();
    private final double[] backlogNanos;
    private final double meanNanos;

    Round(Parameters parameters, RebalancingView view, RebalancingDraft draft) {
      this.parameters = parameters;
      this.view = view;
      this.draft = draft;
      backlogNanos = new double[view.size()];
      for (int j = 0; j < view.size(); j++) {
        List<Item> queue = new ArrayList<>();
        for (int rank = 0; rank < view.requestCount(j); rank++) {
          queue.add(new Item(parameters, view, view.request(j, rank)));
        }
        queues.add(queue);
        for (Item item : queue) {
          backlogNanos[j] += item.remainingNanos / concurrency(j);
        }
      }
      meanNanos = Arrays.stream(backlogNanos).sum() / view.size();
    }

    void run() {
      List<Integer> sources = sources();
      if (draft.explaining()) {
        draft.detail("meanBacklogSeconds", meanNanos / 1e9);
        for (int rank = 0; rank < sources.size(); rank++) {
          draft.score(sources.get(rank), "source", rank);
        }
      }
      for (int source : sources) {
        int moves = 0;
        while (moves < parameters.maxPerSource() && moveOne(source)) {
          moves++;
        }
      }
      if (draft.explaining()) {
        for (int j = 0; j < backlogNanos.length; j++) {
          draft.score(j, "backlogSeconds", backlogNanos[j] / 1e9);
        }
      }
    }

    private List<Integer> sources() {
      List<Integer> sources = new ArrayList<>();
      for (int j = 0; j < view.size(); j++) {
        if (view.instance(j).utilization() >= parameters.overloadUtilization()
            || backlogNanos[j] > parameters.overloadBacklogFactor() * meanNanos) {
          sources.add(j);
        }
      }
      sources.sort(Comparator.comparingDouble(j -> -backlogNanos[j]));
      return sources;
    }

    /** Moves the neediest request that gains from it; false if none does. */
    private boolean moveOne(int source) {
      for (Item item : candidates(source)) {
        int target = target(source, item);
        if (target < 0) {
          return false;
        }
        double there = item.remainingNanos * speed(source) / speed(target);
        double gain = item.completionNanos - (backlogNanos[target] + there);
        double cost = cost(item, source, target);
        boolean worth = gain > parameters.kappa() * cost;
        boolean moved = worth && draft.migrate(item.request, target);
        if (draft.explaining()) {
          draft.weighed(item.request, target, gain, cost, moved);
        }
        if (moved) {
          queues.get(source).remove(item);
          queues.get(target).add(new Item(item, there));
          backlogNanos[source] -= item.remainingNanos / concurrency(source);
          backlogNanos[target] += there / concurrency(target);
          return true;
        }
      }
      return false;
    }

    private List<Item> candidates(int source) {
      double ahead = 0;
      List<Item> movable = new ArrayList<>();
      for (Item item : queues.get(source)) {
        item.completionNanos = ahead / concurrency(source) + item.remainingNanos;
        ahead += item.remainingNanos;
        if (item.movable) {
          item.urgent = view.nowNanos() + item.completionNanos > item.deadlineNanos;
          movable.add(item);
        }
      }
      movable.sort(MOST_NEEDY);
      return movable;
    }

    private int target(int source, Item item) {
      int best = -1;
      double bestNanos = 0;
      for (int k = 0; k < view.size(); k++) {
        if (k == source
            || view.instance(k).utilization() >= parameters.targetUtilization()
            || backlogNanos[k] >= meanNanos) {
          continue;
        }
        double nanos = backlogNanos[k] + item.remainingNanos * speed(source) / speed(k);
        if (best < 0 || nanos < bestNanos) {
          best = k;
          bestNanos = nanos;
        }
      }
      return best;
    }

    private double cost(Item item, int source, int target) {
      long known = view.migrationNanos(item.request, target);
      if (known >= 0) {
        return known;
      }
      long bytes = view.kvBytes(item.request);
      long link = view.transferNanos(source, target, bytes);
      double transfer =
          link == Long.MAX_VALUE ? bytes * 1e9 / parameters.linkBytesPerSecond() : link;
      return parameters.fixedMigrationNanos() + (bytes == 0 ? 0 : transfer);
    }

    private double concurrency(int position) {
      return view.instance(position).effectiveConcurrency();
    }

    private double speed(int position) {
      return view.instance(position).speedFactor();
    }
  }
}
