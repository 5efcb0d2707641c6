package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.ServedSequences;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.internal.Arguments;

/**
 * Orders sequences by FastServe's skip-join multi-level feedback queue, and, as victim selector,
 * swaps out whoever will run last.
 *
 * <ol>
 *   <li><b>Join:</b> the first level whose quantum holds the first iteration, {@code q_l >=
 *       tInit(p)}; the last level if none does. Without {@code skipJoin}, level 1.
 *   <li><b>Demotion:</b> after each iteration every member is charged its duration; one that has
 *       used {@code q_l} goes to the tail of the first lower level whose quantum holds its next
 *       iteration. Otherwise it keeps its place. Nobody is demoted from the last level.
 *   <li><b>Promotion:</b> who has not run for {@code promotionNanos} (counted from arrival before
 *       the first run) goes to the tail of level 1 with its whole quantum. Level 1 is not touched.
 *   <li>Changes of one boundary take effect in this order: demotions of the iteration that ended,
 *       as its members stood; arrivals by (arrival, id); promotions, from level 2 downwards.
 *   <li><b>Victims:</b> the greatest {@linkplain NextScheduling estimated next scheduling time};
 *       ties: the greater id. Back first comes the smallest; ties: the smaller id.
 * </ol>
 *
 * <p>With one object as order and victim selector of a policy, both read one state. O(1) per event;
 * O(candidates * levels) per victim. With several plans in flight an iteration is charged from the
 * completion of the one before. Thread-safe; the state is single-threaded.
 *
 * <p>Properties: a first iteration never uses up the quantum of its level, unless it is the last;
 * whoever has not run for {@code promotionNanos} is in level 1 at the next selection; one level is
 * first come, first served.
 *
 * <p>Source: Wu et al., Fast Distributed Inference Serving for Large Language Models, arXiv
 * 2305.05920 (NSDI 2026), and its code, github.com/LLMServe/FastServe. Options of the code that
 * differ from the paper: strict demotion to the next level, a check for promotions every so many
 * iterations, promotion to the head.
 */
public final class SkipJoinMlfqOrder
    implements QueueOrder<SkipJoinMlfqOrder.State>, VictimSelector<SkipJoinMlfqOrder.State> {
  /** When a quantum is used up. */
  public enum Demotion {
    /** The paper: {@code used >= q}. */
    INCLUSIVE,
    /** The code: {@code used > q}. */
    STRICT
  }

  /** Which level a sequence is demoted to. */
  public enum Target {
    /** The paper: the first lower level whose quantum holds the next iteration. */
    FITTING,
    /** The code: the next lower level. */
    NEXT
  }

  /**
   * Configuration of a {@link SkipJoinMlfqOrder}.
   *
   * @param quanta time to use at each level
   * @param times how long first and later iterations take
   * @param skipJoin whether new sequences skip levels; false is a plain MLFQ
   * @param promotionNanos waiting after which a sequence goes to level 1, at least 0; 0 for never
   * @param promotionPlace where in level 1
   * @param promotionCheckIterations iterations between two checks for promotions, at least 1
   * @param demotion when a quantum is used up
   * @param target which level follows
   * @param mode how victims yield
   */
  public record Parameters(
      Quanta quanta,
      TokenTimes times,
      boolean skipJoin,
      long promotionNanos,
      QueueEnd promotionPlace,
      int promotionCheckIterations,
      Demotion demotion,
      Target target,
      PreemptionMode mode) {
    /** First quantum of the published code: 10 ms. */
    public static final long FIRST_QUANTUM_NANOS = 10_000_000;

    /** Each quantum is twice the one before. */
    public static final int QUANTUM_RATIO = 2;

    /** Enough levels never to run out: the code has no limit. */
    public static final int LEVELS = 32;

    /** Promotion after 300 ms, as in the paper's evaluation; its code has 3 s. */
    public static final long PROMOTION_NANOS = 300_000_000;

    /** The paper. */
    public static final Parameters DEFAULT =
        new Parameters(
            Quanta.geometric(FIRST_QUANTUM_NANOS, QUANTUM_RATIO, LEVELS),
            TokenTimes.DEFAULT,
            true,
            PROMOTION_NANOS,
            QueueEnd.TAIL,
            1,
            Demotion.INCLUSIVE,
            Target.FITTING,
            PreemptionMode.SWAP);

    public Parameters {
      requireNonNull(quanta, "quanta");
      requireNonNull(times, "times");
      Arguments.atLeast("promotionNanos", promotionNanos, 0L, "ns");
      requireNonNull(promotionPlace, "promotionPlace");
      Arguments.atLeast("promotionCheckIterations", promotionCheckIterations, 1, "iterations");
      requireNonNull(demotion, "demotion");
      requireNonNull(target, "target");
      requireNonNull(mode, "mode");
    }
  }

  /** The queues. Single-threaded. */
  public static final class State {
    private final MultilevelQueues queues;
    private boolean ordering;
    private long nextCheck;

    private State(Parameters parameters) {
      queues = new MultilevelQueues(parameters.quanta, parameters.demotion == Demotion.INCLUSIVE);
    }

    /**
     * Returns the level of a sequence.
     *
     * @param sequence a live sequence
     * @return 1 for the highest
     */
    public int level(int sequence) {
      return queues.level(sequence);
    }

    /**
     * Returns the level in which a sequence stands at the next selection, promotions aside.
     *
     * @param sequence a live sequence
     * @return its level, or the lower one that it is demoted to
     */
    public int nextLevel(int sequence) {
      return queues.nextLevel(sequence);
    }

    /**
     * Returns what a sequence has used of its level's quantum.
     *
     * @param sequence a live sequence
     * @return nanoseconds
     */
    public long usedNanos(int sequence) {
      return queues.usedNanos(sequence);
    }

    /**
     * Returns when a sequence ran last; its arrival before the first run, its promotion after that.
     *
     * @param sequence a live sequence
     * @return nanoseconds on the caller's clock
     */
    public long lastRunNanos(int sequence) {
      return queues.lastRunNanos(sequence);
    }
  }

  private final Parameters parameters;
  private final int batchSequences;
  private final long decodeNanos;

  /**
   * Makes the order for batches of as many sequences as the engine takes.
   *
   * @param parameters its configuration
   */
  public SkipJoinMlfqOrder(Parameters parameters) {
    this(parameters, 0);
  }

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   * @param batchSequences B of the estimated next scheduling time: most sequences in one batch, at
   *     least 0; 0 for the engine's limit
   */
  public SkipJoinMlfqOrder(Parameters parameters, int batchSequences) {
    this.parameters = requireNonNull(parameters, "parameters");
    this.batchSequences = Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    decodeNanos = parameters.times.decodeNanos();
  }

  /**
   * Returns the configuration.
   *
   * @return the parameters
   */
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public String id() {
    return "skip-join-mlfq";
  }

  @Override
  public State newState() {
    return new State(parameters);
  }

  @Override
  public int compare(State state, BatchView view, int a, int b) {
    return state.queues.compare(a, b);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    state.ordering = true;
    update(state, view, changes);
  }

  private void update(State state, BatchView view, RankChanges changes) {
    // Without a period every selection checks, also one that follows an iteration without work.
    boolean check = parameters.promotionCheckIterations == 1 || view.iteration() >= state.nextCheck;
    state.queues.refresh(
        view, changes, check ? parameters.promotionNanos : 0, parameters.promotionPlace);
    if (check) {
      state.nextCheck = view.iteration() + parameters.promotionCheckIterations;
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.queues.demote();
    if (!state.queues.knows(sequence)) {
      int tokens = view.needTokens(sequence) - view.cachedTokens(sequence);
      long first = parameters.times.prefillNanos(Math.max(1, tokens));
      int level = parameters.skipJoin ? parameters.quanta.joinLevel(first) : 1;
      state.queues.join(sequence, level, view.arrivalNanos(sequence));
    }
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    long iterationNanos = view.iterationNanos();
    long nowNanos = view.nowNanos();
    for (int k = 0, count = served.count(); k < count; k++) {
      if (state.queues.served(served.sequence(k), iterationNanos, nowNanos)) {
        demote(state, view, served.sequence(k));
      }
    }
  }

  private void demote(State state, BatchView view, int sequence) {
    if (parameters.target == Target.NEXT) {
      state.queues.leave(sequence);
    } else {
      int need = view.needTokens(sequence);
      state.queues.leave(sequence, need > 1 ? parameters.times.prefillNanos(need) : decodeNanos);
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.queues.ended(sequence);
  }

  @Override
  public int select(
      State state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    updateIfVictimsOnly(state, view);
    int victim = BatchView.NONE;
    for (int i = from; i < to; i++) {
      if (victim == BatchView.NONE || runsLater(state, view, candidates[i], victim)) {
        victim = candidates[i];
      }
    }
    return victim;
  }

  @Override
  public int selectReturning(State state, BatchView view, int[] candidates, int from, int to) {
    updateIfVictimsOnly(state, view);
    int first = BatchView.NONE;
    for (int i = from; i < to; i++) {
      if (first == BatchView.NONE || runsLater(state, view, first, candidates[i])) {
        first = candidates[i];
      }
    }
    return first;
  }

  /** Where another order decides, nobody else has this state promote anybody. */
  private void updateIfVictimsOnly(State state, BatchView view) {
    if (!state.ordering) {
      update(state, view, sequence -> {});
    }
  }

  private boolean runsLater(State state, BatchView view, int a, int b) {
    int byTime =
        Double.compare(
            nextSchedulingSeconds(state, view, a), nextSchedulingSeconds(state, view, b));
    return byTime != 0 ? byTime > 0 : view.request(a).id().compareTo(view.request(b).id()) > 0;
  }

  /**
   * Returns the estimated next scheduling time of a sequence, see {@link NextScheduling}.
   *
   * @param state the order's state
   * @param view the instance
   * @param sequence a live sequence
   * @return seconds from now
   */
  public double nextSchedulingSeconds(State state, BatchView view, int sequence) {
    MultilevelQueues queues = state.queues;
    int slots =
        batchSequences == 0 ? view.maxSequences() : Math.min(batchSequences, view.maxSequences());
    double execute =
        NextScheduling.executeSeconds(
            parameters.quanta, queues.count(), queues.level(sequence), slots);
    if (parameters.promotionNanos == 0) {
      return execute;
    }
    double since = (view.nowNanos() - queues.lastRunNanos(sequence)) / 1e9;
    return Math.min(execute, NextScheduling.promoteSeconds(parameters.promotionNanos / 1e9, since));
  }

  @Override
  public PreemptionMode mode(State state, BatchView view, int victim) {
    return parameters.mode;
  }
}
