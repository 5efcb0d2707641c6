package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Orders sequences by predicted remaining time in levels, first come, first served within a level:
 * the priority queues of ALISE.
 *
 * <ol>
 *   <li>Remaining time: {@code T = [prompt not computed] * tPre * p + max(1, predicted - generated)
 *       * tDec}. A sequence nobody predicts counts with its cap.
 *   <li>Level: the first whose upper bound is above T; one more level lies above the last bound.
 *       Bounds grow geometrically.
 *   <li>A sequence that outlives its prediction has it doubled.
 *   <li>Ageing: who has not run for {@code agingNanos} goes up a level, and again after as long;
 *       once it runs, its level is that of its remaining time again.
 *   <li>Ties end in (arrival, id).
 * </ol>
 *
 * <p>The estimated wait of a sequence is {@code 1/B * sum of T of those ahead of it}, which never
 * falls along the order. So the last of the order is the one that waits longest: {@code preemptive}
 * composition with the victim selector {@code last} in swap mode is ALISE's swapping.
 *
 * <p>O(1) per event. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Zhao and Wang, ALISE: Accelerating Large Language Model Serving with Speculative
 * Scheduling, ICCAD 2024, arXiv 2410.23537. The formulas are this library's reading; departures:
 * the estimated wait is not capped by the time to promotion, and compressing swapped KV is the
 * engine's matter (the host pool is as large as its compressed blocks allow).
 */
public final class PredictedTimeOrder implements QueueOrder<PredictedTimeOrder.State> {
  private static final int NONE = BatchView.NONE;
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  /**
   * Configuration of a {@link PredictedTimeOrder}.
   *
   * @param times how long a prompt token and a decode take; the fixed part is not read
   * @param firstLevelSeconds upper bound of level 1, above 0
   * @param levelRatio each bound over the one before, above 1
   * @param levels bounds, at least 1; one more level lies above the last
   * @param agingNanos waiting after which a sequence goes up a level, at least 0; 0 for never
   */
  public record Parameters(
      TokenTimes times, double firstLevelSeconds, double levelRatio, int levels, long agingNanos) {
    /** Bounds 0.5, 1, 2, .. 64 s, a level up after 3 s. The paper gives no figures. */
    public static final Parameters DEFAULT =
        new Parameters(TokenTimes.DEFAULT, 0.5, 2, 8, 3_000_000_000L);

    public Parameters {
      requireNonNull(times, "times");
      Arguments.positive("firstLevelSeconds", firstLevelSeconds, "s");
      if (!(levelRatio > 1) || Double.isInfinite(levelRatio)) {
        throw new IllegalArgumentException(
            "levelRatio must be finite and above 1, but was " + levelRatio);
      }
      Arguments.atLeast("levels", levels, 1, "level");
      Arguments.atLeast("agingNanos", agingNanos, 0L, "ns");
    }

    /**
     * Returns the upper bounds of the levels.
     *
     * @return seconds, ascending
     */
    public double[] levelUpperSeconds() {
      double[] bounds = new double[levels];
      double bound = firstLevelSeconds;
      for (int i = 0; i < levels; i++) {
        bounds[i] = bound;
        bound *= levelRatio;
      }
      return bounds;
    }
  }

  /** Levels and predictions. Single-threaded. */
  public static final class State {
    private boolean[] known = new boolean[16];
    private double[] predicted = new double[16];
    private double[] remainingSeconds = new double[16];
    private int[] levels = new int[16];
    private int[] aged = new int[16];
    private long[] lastRunNanos = new long[16];
    private final LazyTimers idle = new LazyTimers();

    private State() {}

    /**
     * Returns the level of a sequence.
     *
     * @param sequence a live sequence
     * @return 1 for the highest
     */
    public int level(int sequence) {
      return Math.max(1, levels[sequence] - aged[sequence]);
    }

    /**
     * Returns the remaining time of a sequence as it was estimated last.
     *
     * @param sequence a live sequence
     * @return seconds
     */
    public double remainingSeconds(int sequence) {
      return remainingSeconds[sequence];
    }

    private void ensure(int sequence) {
      if (sequence >= known.length) {
        int length = Math.max(sequence + 1, known.length * 2);
        known = Arrays.copyOf(known, length);
        predicted = Arrays.copyOf(predicted, length);
        remainingSeconds = Arrays.copyOf(remainingSeconds, length);
        levels = Arrays.copyOf(levels, length);
        aged = Arrays.copyOf(aged, length);
        lastRunNanos = Arrays.copyOf(lastRunNanos, length);
      }
    }
  }

  private final Parameters parameters;
  private final double[] bounds;

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   */
  public PredictedTimeOrder(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
    bounds = parameters.levelUpperSeconds();
  }

  /**
   * Returns the remaining time of a sequence.
   *
   * @param times how long a prompt token and a decode take
   * @param promptTokens its prompt
   * @param prefilled whether the prompt is computed
   * @param predictedTokens its predicted output
   * @param generatedTokens its output so far
   * @return seconds
   */
  public static double remainingSeconds(
      TokenTimes times,
      int promptTokens,
      boolean prefilled,
      double predictedTokens,
      int generatedTokens) {
    double prefill = prefilled ? 0 : times.prefillSecondsPerToken() * promptTokens;
    return prefill + Math.max(1, predictedTokens - generatedTokens) * times.decodeSeconds();
  }

  /**
   * Returns the level of a remaining time.
   *
   * @param seconds the time
   * @param levelUpperSeconds bounds, ascending
   * @return 1 for times below the first bound
   */
  public static int levelOf(double seconds, double[] levelUpperSeconds) {
    int level = 1;
    while (level <= levelUpperSeconds.length && seconds >= levelUpperSeconds[level - 1]) {
      level++;
    }
    return level;
  }

  /**
   * Returns how long each of several sequences in order waits for those ahead of it.
   *
   * @param remainingSeconds remaining times in order
   * @param slots B, sequences of one batch, at least 1
   * @return seconds, never falling; a new array
   */
  public static double[] estimatedWaitSeconds(double[] remainingSeconds, int slots) {
    double[] waits = new double[remainingSeconds.length];
    double ahead = 0;
    for (int i = 0; i < waits.length; i++) {
      waits[i] = ahead / slots;
      ahead += remainingSeconds[i];
    }
    return waits;
  }

  @Override
  public String id() {
    return "predicted-time";
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
  public int compare(State state, BatchView view, int a, int b) {
    int byLevel = Integer.compare(state.level(a), state.level(b));
    return byLevel != 0 ? byLevel : view.compareArrival(a, b);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    if (parameters.agingNanos == 0) {
      return;
    }
    LazyTimers idle = state.idle;
    long now = view.nowNanos();
    for (int s = idle.first();
        s != NONE && now - idle.time(s) >= parameters.agingNanos;
        s = idle.first()) {
      idle.remove(s);
      if (state.lastRunNanos[s] > idle.time(s)) {
        idle.add(s, state.lastRunNanos[s]);
        continue;
      }
      if (!view.inFlight(s) && state.level(s) > 1) {
        state.aged[s]++;
        changes.changed(s);
      }
      idle.add(s, now);
      state.lastRunNanos[s] = now;
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.ensure(sequence);
    if (!state.known[sequence]) {
      state.known[sequence] = true;
      state.predicted[sequence] =
          view.hasPrediction(sequence)
              ? view.generatedTokens(sequence) + (double) view.predictedRemainingTokens(sequence)
              : view.maxNewTokens(sequence);
      state.aged[sequence] = 0;
      state.lastRunNanos[sequence] = view.arrivalNanos(sequence);
      if (parameters.agingNanos > 0) {
        state.idle.add(sequence, view.arrivalNanos(sequence));
      }
    }
    estimate(state, view, sequence);
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      state.lastRunNanos[sequence] = view.nowNanos();
      state.aged[sequence] = 0;
      if (view.generatedTokens(sequence) > state.predicted[sequence]) {
        state.predicted[sequence] = Math.max(1, 2 * state.predicted[sequence]);
      }
      estimate(state, view, sequence);
    }
  }

  private void estimate(State state, BatchView view, int sequence) {
    boolean prefilled =
        view.state(sequence) != SequenceState.WAITING
            && view.computedTokens(sequence) >= view.promptTokens(sequence);
    double seconds =
        remainingSeconds(
            parameters.times,
            view.promptTokens(sequence),
            prefilled,
            state.predicted[sequence],
            view.generatedTokens(sequence));
    state.remainingSeconds[sequence] = seconds;
    state.levels[sequence] = levelOf(seconds, bounds);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence < state.known.length) {
      state.known[sequence] = false;
      state.idle.remove(sequence);
    }
  }
}
