package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Plans static batches of one slice each out of everybody who waits: {@link SliceBatches} over the
 * current lengths, batches with the longest time first. Batches planned earlier and not yet started
 * stay as they were, in front of new ones.
 *
 * <p>A new plan is made when no batch is left, and otherwise {@code max(loadFactor * load,
 * minimumSeconds)} after the last one, {@code load} the estimated time of the batches not yet
 * started. A batch never holds more than {@code view.totalBlocks()} with each member grown by a
 * slice, nor more members than the engine has slots (the latter ours).
 *
 * <p>Departure: the paper's scheduler stands before several instances and offloads batches to the
 * least loaded; here every instance plans for itself, and {@link SliceBatches#offload} is there for
 * a router. O(n * batch) per plan. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Cheng et al., arXiv 2406.13511. {@code loadFactor} 0.5 and the fitted surfaces are
 * options, not the paper's figures.
 */
public final class SlicePlanner implements BatchPlanner<SlicePlanner.State> {
  /** Share of the estimated load after which a new plan is made. */
  public static final double DEFAULT_LOAD_FACTOR = 0.5;

  private final SliceBatches slices;
  private final double loadFactor;
  private final double minimumSeconds;

  /**
   * Makes the planner.
   *
   * @param slices how batches are cut
   * @param loadFactor lambda, at least 0
   * @param minimumSeconds Gamma, least time between two plans while batches are left, at least 0
   */
  public SlicePlanner(SliceBatches slices, double loadFactor, double minimumSeconds) {
    this.slices = requireNonNull(slices, "slices");
    this.loadFactor = Arguments.notNegative("loadFactor", loadFactor, "");
    this.minimumSeconds = Arguments.notNegative("minimumSeconds", minimumSeconds, "s");
  }

  private record Batch(List<Integer> members, double seconds) {}

  /** The batches planned and not yet started. Single-threaded. */
  public static final class State {
    private final PlannedMembers planned = new PlannedMembers();
    private List<Batch> batches = new ArrayList<>();
    private long nextNanos = Long.MIN_VALUE;
    private double loadSeconds;

    private State() {}

    /**
     * Returns the estimated time of the batches that had not started when the last plan was made.
     *
     * @return seconds
     */
    public double loadSeconds() {
      return loadSeconds;
    }
  }

  @Override
  public String id() {
    return "slices";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public void plan(State state, BatchView view, PlannedOrder order) {
    List<Batch> batches = new ArrayList<>();
    double load = 0;
    for (Batch batch : state.batches) {
      List<Integer> left = batch.members().stream().filter(state.planned::contains).toList();
      if (!left.isEmpty()) {
        batches.add(new Batch(left, batch.seconds()));
        load += batch.seconds();
      }
    }
    for (Batch batch : newBatches(state, view)) {
      batches.add(batch);
      load += batch.seconds();
    }
    for (Batch batch : batches) {
      for (int sequence : batch.members()) {
        state.planned.add(sequence);
        order.append(sequence);
      }
      order.endBatch();
    }
    state.batches = batches;
    state.loadSeconds = load;
    double seconds = SliceBatches.intervalSeconds(loadFactor, minimumSeconds, new double[] {load});
    state.nextNanos = view.nowNanos() + Math.round(seconds * 1e9);
  }

  private List<Batch> newBatches(State state, BatchView view) {
    List<Integer> pool =
        new ArrayList<>(Backlog.of(view).stream().filter(s -> !state.planned.contains(s)).toList());
    pool.sort(
        Comparator.comparingInt((Integer s) -> Backlog.knownTokens(view, s))
            .thenComparing(view::compareArrival));
    int[] lengths = pool.stream().mapToInt(s -> Backlog.knownTokens(view, s)).toArray();
    int blocks = view.totalBlocks();
    int[] ends =
        slices.cut(
            lengths,
            (n, length) ->
                n == 1
                    || (n <= view.maxSequences()
                        && (long) n * view.blocksFor(length + slices.sliceTokens()) <= blocks));
    double[] seconds = new double[ends.length];
    for (int i = 0, begin = 0; i < ends.length; begin = ends[i++]) {
      seconds[i] = slices.seconds(ends[i] - begin, lengths[ends[i] - 1]);
    }
    List<Batch> batches = new ArrayList<>();
    for (int i : SliceBatches.longestFirst(seconds)) {
      int begin = i == 0 ? 0 : ends[i - 1];
      batches.add(new Batch(List.copyOf(pool.subList(begin, ends[i])), seconds[i]));
    }
    return batches;
  }

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.planned.isEmpty() ? view.nowNanos() : state.nextNanos;
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
