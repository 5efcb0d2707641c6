package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.ServedSequences;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Orders sequences by what serving them now adds to their reader's experience, per KV entry they
 * hold: the priority of Andes. With a composition that skips what does not fit, the batch is its
 * greedy knapsack.
 *
 * <ol>
 *   <li>Priority: {@code (Q_serve - Q_wait) / l}, with l the context length and Q the {@linkplain
 *       QualityOfExperience quality} at the horizon if the sequence is served, or waits, until
 *       then.
 *   <li>{@code Q = min(1, A / E)} at {@code t = now + horizon}: A sums {@code t - d_i} over
 *       digested tokens, E sums {@code t - e_i} over those expected by then, of the predicted
 *       output. Served, a token comes every iteration as long as the last one took.
 *   <li>TTFT* and reading speed are the request's targets ({@code ttftTargetNanos}, {@code 1 /
 *       tpotTargetNanos}), else the defaults given.
 *   <li>Priorities are computed at arrival and anew every {@code intervalIterations}. Ties end in
 *       (arrival, id).
 *   <li>As victim selector: the last candidate that was preempted fewer than {@code maxPreemptions}
 *       times; if there is none and the beneficiary runs already, the last candidate.
 * </ol>
 *
 * <p>O(1) per event, O(live) per interval. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Liu et al., Andes, arXiv 2404.16283. Departures: the iteration time is the measured
 * one of the present batch instead of trying several batch sizes; the cap of preemptions holds for
 * each request, not on average.
 */
public final class ExperienceOrder
    implements QueueOrder<ExperienceOrder.State>, VictimSelector<ExperienceOrder.State> {
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.LATENCY_TARGET).build();

  /**
   * Configuration of an {@link ExperienceOrder}.
   *
   * @param expectedFirstTokenSeconds TTFT* of requests without TTFT target, at least 0
   * @param tokensPerSecond reading speed of requests without TPOT target, above 0
   * @param horizonSeconds how far ahead quality is predicted, above 0
   * @param intervalIterations iterations after which priorities are computed anew, at least 1
   * @param maxPreemptions preemptions of one request before others are chosen, at least 0
   * @param iterationSeconds assumed duration of an iteration until one was measured, above 0
   * @param mode how victims yield
   */
  public record Parameters(
      double expectedFirstTokenSeconds,
      double tokensPerSecond,
      double horizonSeconds,
      int intervalIterations,
      int maxPreemptions,
      double iterationSeconds,
      PreemptionMode mode) {
    /** TTFT* 1 s, 5 tokens/s, horizon 10 s, every 10 iterations, one preemption. */
    public static final Parameters DEFAULT =
        new Parameters(1, 5, 10, 10, 1, 0.05, PreemptionMode.SWAP);

    public Parameters {
      Arguments.notNegative("expectedFirstTokenSeconds", expectedFirstTokenSeconds, "s");
      Arguments.positive("tokensPerSecond", tokensPerSecond, "tokens per second");
      Arguments.positive("horizonSeconds", horizonSeconds, "s");
      Arguments.atLeast("intervalIterations", intervalIterations, 1, "iterations");
      Arguments.atLeast("maxPreemptions", maxPreemptions, 0, "preemptions");
      Arguments.positive("iterationSeconds", iterationSeconds, "s");
      requireNonNull(mode, "mode");
    }
  }

  /** Deliveries and priorities. Single-threaded. */
  public static final class State {
    private boolean[] known = new boolean[16];
    private double[] priorities = new double[16];
    private double[] firstTokenSeconds = new double[16];
    private double[] gapSeconds = new double[16];
    private int[] delivered = new int[16];
    private double[] lastDigest = new double[16];
    private double[] digestSum = new double[16];
    private long nextPlan;

    private State() {}

    /**
     * Returns the priority of a sequence as it was computed last.
     *
     * @param sequence a live sequence
     * @return quality per KV entry; greater goes first
     */
    public double priority(int sequence) {
      return priorities[sequence];
    }

    private void ensure(int sequence) {
      if (sequence >= known.length) {
        int length = Math.max(sequence + 1, known.length * 2);
        known = Arrays.copyOf(known, length);
        priorities = Arrays.copyOf(priorities, length);
        firstTokenSeconds = Arrays.copyOf(firstTokenSeconds, length);
        gapSeconds = Arrays.copyOf(gapSeconds, length);
        delivered = Arrays.copyOf(delivered, length);
        lastDigest = Arrays.copyOf(lastDigest, length);
        digestSum = Arrays.copyOf(digestSum, length);
      }
    }
  }

  private final Parameters parameters;

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   */
  public ExperienceOrder(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Returns the priority of a sequence.
   *
   * @param served quality if it is served
   * @param waiting quality if it waits
   * @param contextTokens KV entries it needs, at least 1
   * @return quality per KV entry
   */
  public static double priority(double served, double waiting, int contextTokens) {
    return (served - waiting) / contextTokens;
  }

  @Override
  public String id() {
    return "experience";
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
    int byPriority = Double.compare(state.priorities[b], state.priorities[a]);
    return byPriority != 0 ? byPriority : view.compareArrival(a, b);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    if (view.iteration() < state.nextPlan) {
      return;
    }
    state.nextPlan = view.iteration() + parameters.intervalIterations;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      estimate(state, view, s);
      changes.changed(s);
    }
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      estimate(state, view, view.running(i));
    }
  }

  private void estimate(State state, BatchView view, int sequence) {
    double now = (view.nowNanos() - view.arrivalNanos(sequence)) / 1e9;
    double end = now + parameters.horizonSeconds;
    double gap = state.gapSeconds[sequence];
    double delivered = state.delivered[sequence];
    double remaining =
        view.hasPrediction(sequence)
            ? view.predictedRemainingTokens(sequence)
            : view.maxNewTokens(sequence) - view.generatedTokens(sequence);
    double waiting = delivered * end - state.digestSum[sequence];
    // What is buffered beyond the horizon has not been digested by then.
    double beyond = state.lastDigest[sequence] - end;
    if (beyond > 0) {
      double tokens = Math.min(delivered, Math.floor(beyond / gap) + 1);
      waiting += tokens * beyond - gap * tokens * (tokens - 1) / 2;
    }
    double iteration =
        view.iterationNanos() > 0 ? view.iterationNanos() / 1e9 : parameters.iterationSeconds;
    double next = Math.max(now + iteration, delivered > 0 ? state.lastDigest[sequence] + gap : 0);
    double served =
        waiting + QualityOfExperience.areaOfStream(end, next, Math.max(iteration, gap), remaining);
    double expected =
        QualityOfExperience.areaOfStream(
            end, state.firstTokenSeconds[sequence], gap, delivered + remaining);
    int context = view.promptTokens(sequence) + view.generatedTokens(sequence);
    state.priorities[sequence] =
        priority(quality(served, expected), quality(waiting, expected), context);
  }

  private static double quality(double actual, double expected) {
    return expected <= 0 ? 1 : Math.min(1, actual / expected);
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.ensure(sequence);
    if (!state.known[sequence]) {
      Request request = view.request(sequence);
      state.known[sequence] = true;
      state.delivered[sequence] = 0;
      state.lastDigest[sequence] = 0;
      state.digestSum[sequence] = 0;
      state.firstTokenSeconds[sequence] =
          request.hasTtftTarget()
              ? request.ttftTargetNanos() / 1e9
              : parameters.expectedFirstTokenSeconds;
      boolean paced = request.hasTpotTarget() && request.tpotTargetNanos() > 0;
      state.gapSeconds[sequence] =
          paced ? request.tpotTargetNanos() / 1e9 : 1 / parameters.tokensPerSecond;
    }
    estimate(state, view, sequence);
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      double now = (view.nowNanos() - view.arrivalNanos(sequence)) / 1e9;
      for (int i = served.outputTokens(k); i > 0; i--) {
        double digest =
            state.delivered[sequence] == 0
                ? now
                : Math.max(now, state.lastDigest[sequence] + state.gapSeconds[sequence]);
        state.delivered[sequence]++;
        state.lastDigest[sequence] = digest;
        state.digestSum[sequence] += digest;
      }
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence < state.known.length) {
      state.known[sequence] = false;
    }
  }

  @Override
  public int select(
      State state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    for (int i = to - 1; i >= from; i--) {
      if (view.preemptions(candidates[i]) < parameters.maxPreemptions) {
        return candidates[i];
      }
    }
    boolean cannotWait = view.state(beneficiary) == SequenceState.RUNNING && from < to;
    return cannotWait ? candidates[to - 1] : BatchView.NONE;
  }

  @Override
  public PreemptionMode mode(State state, BatchView view, int victim) {
    return parameters.mode;
  }
}
