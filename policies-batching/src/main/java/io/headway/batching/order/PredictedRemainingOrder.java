package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.ServedSequences;
import io.headway.api.prediction.OutputHistory;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Orders sequences by their predicted remaining output, the shortest first, predicted anew from the
 * text generated so far each time a sequence has emitted another {@code refreshTokens} tokens, and
 * when it is preempted in between: iterative shortest remaining time first.
 *
 * <p>{@code key = max(1, predicted remaining tokens) + agingTokensPerSecond * arrival in seconds};
 * ties end in (arrival, id). A sequence nobody predicts counts with its declared remainder {@code
 * maxNewTokens - generated}, or with the median of the last {@value #HISTORY} finished outputs.
 * Ageing by waiting time is a constant offset between any two sequences, which is why a key stays
 * fixed while its sequence waits; it is off by default, as in the paper, which has no starvation
 * control.
 *
 * <p>Cost: one prediction at arrival and one per {@code refreshTokens} tokens, O(log waiting) per
 * change. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Choi et al., ELIS: Efficient LLM Iterative Scheduling System with Response Length
 * Predictor, arXiv 2505.09142; predicted at arrival only, Qiu et al., Efficient Interactive LLM
 * Serving with Proxy Model-based Sequence Length Prediction, arXiv 2404.08509 (SSJF). Departure:
 * ageing is added as an option.
 */
public final class PredictedRemainingOrder implements QueueOrder<PredictedRemainingOrder.State> {
  /** What a sequence counts with that nobody predicts. */
  public enum Missing {
    /** What it may still declare: {@code maxNewTokens - generated}. */
    DECLARED,
    /** The median of finished outputs, less what is generated; as declared while there is none. */
    MEDIAN
  }

  /** Finished outputs that the median is taken of. */
  public static final int HISTORY = 1000;

  private final int refreshTokens;
  private final double agingTokensPerNano;
  private final Missing missing;

  /**
   * Makes the order.
   *
   * @param refreshTokens output tokens after which a sequence is predicted anew, at least 1; {@link
   *     Integer#MAX_VALUE} to predict at arrival only
   * @param agingTokensPerSecond how many predicted tokens one second of waiting is worth, at least
   *     0; 0 for no ageing
   * @throws IllegalArgumentException if a number is out of range
   */
  public PredictedRemainingOrder(int refreshTokens, double agingTokensPerSecond) {
    this(refreshTokens, agingTokensPerSecond, Missing.DECLARED);
  }

  /**
   * Makes the order.
   *
   * @param refreshTokens output tokens after which a sequence is predicted anew, at least 1; {@link
   *     Integer#MAX_VALUE} to predict at arrival only
   * @param agingTokensPerSecond how many predicted tokens one second of waiting is worth, at least
   *     0; 0 for no ageing
   * @param missing what a sequence counts with that nobody predicts
   * @throws IllegalArgumentException if a number is out of range
   */
  public PredictedRemainingOrder(int refreshTokens, double agingTokensPerSecond, Missing missing) {
    this.missing = requireNonNull(missing, "missing");
    this.refreshTokens = Arguments.atLeast("refreshTokens", refreshTokens, 1, "token");
    this.agingTokensPerNano =
        Arguments.notNegative("agingTokensPerSecond", agingTokensPerSecond, "tokens") / 1e9;
  }

  /** The last prediction of each live sequence. Single-threaded. */
  public static final class State {
    private static final int UNKNOWN = -1;

    private int[] remainingTokens = new int[16];
    private double[] keys = new double[16];
    private int[] predictedAt = new int[16];
    private final @Nullable OutputHistory history;

    private State(Missing missing) {
      history = missing == Missing.MEDIAN ? new OutputHistory(HISTORY, 0, 1) : null;
      Arrays.fill(predictedAt, UNKNOWN);
    }

    /**
     * Returns the last prediction.
     *
     * @param sequence a live sequence
     * @return remaining output tokens, at least 1
     */
    public int remainingTokens(int sequence) {
      return remainingTokens[sequence];
    }

    private void ensure(int sequence) {
      int known = keys.length;
      if (sequence >= known) {
        int length = Math.max(sequence + 1, known * 2);
        remainingTokens = Arrays.copyOf(remainingTokens, length);
        keys = Arrays.copyOf(keys, length);
        predictedAt = Arrays.copyOf(predictedAt, length);
        Arrays.fill(predictedAt, known, length, UNKNOWN);
      }
    }
  }

  @Override
  public String id() {
    return "predicted-remaining";
  }

  @Override
  public State newState() {
    return new State(missing);
  }

  @Override
  public int compare(State state, BatchView view, int a, int b) {
    int byKey = Double.compare(state.keys[a], state.keys[b]);
    return byKey != 0 ? byKey : view.compareArrival(a, b);
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.ensure(sequence);
    int predictedAt = state.predictedAt[sequence];
    boolean stale =
        refreshTokens != Integer.MAX_VALUE && predictedAt != view.generatedTokens(sequence);
    if (predictedAt == State.UNKNOWN || stale) {
      predict(state, view, sequence);
    }
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      int outputTokens = served.outputTokens(k);
      if (outputTokens > 0
          && view.generatedTokens(sequence) - state.predictedAt[sequence] >= refreshTokens) {
        predict(state, view, sequence);
      }
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    int iterations = Integer.MAX_VALUE;
    if (refreshTokens != Integer.MAX_VALUE) {
      for (int i = 0, count = view.runningCount(); i < count; i++) {
        int sequence = view.running(i);
        int since = view.generatedTokens(sequence) - state.predictedAt[sequence];
        iterations = Math.min(iterations, refreshTokens - since);
      }
    }
    return Math.max(0, iterations);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence < state.predictedAt.length) {
      state.predictedAt[sequence] = State.UNKNOWN;
    }
    if (state.history != null && (end == End.STOPPED || end == End.LENGTH)) {
      state.history.observe(view.generatedTokens(sequence));
    }
  }

  private void predict(State state, BatchView view, int sequence) {
    int generated = view.generatedTokens(sequence);
    double remaining = view.maxNewTokens(sequence) - generated;
    if (view.hasPrediction(sequence)) {
      remaining = view.predictedRemainingTokens(sequence);
    } else if (state.history != null && state.history.size() > 0) {
      remaining = state.history.median() - generated;
    }
    remaining = Math.max(1, remaining);
    state.remainingTokens[sequence] = (int) remaining;
    state.keys[sequence] = remaining + agingTokensPerNano * view.arrivalNanos(sequence);
    state.predictedAt[sequence] = generated;
  }
}
