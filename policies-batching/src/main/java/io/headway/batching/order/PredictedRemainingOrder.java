package io.headway.batching.order;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Orders sequences by their predicted remaining output, the shortest first, predicted anew from the
 * text generated so far each time a sequence has emitted another {@code refreshTokens} tokens, and
 * when it is preempted in between: iterative shortest remaining time first.
 *
 * <p>{@code key = max(1, predicted remaining tokens) + agingTokensPerSecond * arrival in seconds};
 * ties end in (arrival, id). A sequence nobody predicts counts with its declared remainder {@code
 * maxNewTokens - generated}. Ageing by waiting time is a constant offset between any two sequences,
 * which is why a key stays fixed while its sequence waits; it is off by default, as in the paper,
 * which has no starvation control.
 *
 * <p>Cost: one prediction at arrival and one per {@code refreshTokens} tokens, O(log waiting) per
 * change. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Choi et al., ELIS: Efficient LLM Iterative Scheduling System with Response Length
 * Predictor, arXiv 2505.09142. Departure: ageing is added as an option.
 */
public final class PredictedRemainingOrder implements QueueOrder<PredictedRemainingOrder.State> {
  private final int refreshTokens;
  private final double agingTokensPerNano;

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

    private State() {
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
    return new State();
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
  public void onServed(
      State state, BatchView view, int sequence, int prefillTokens, int outputTokens) {
    if (outputTokens > 0
        && view.generatedTokens(sequence) - state.predictedAt[sequence] >= refreshTokens) {
      predict(state, view, sequence);
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
  }

  private void predict(State state, BatchView view, int sequence) {
    int generated = view.generatedTokens(sequence);
    int remaining =
        view.hasPrediction(sequence)
            ? view.predictedRemainingTokens(sequence)
            : view.maxNewTokens(sequence) - generated;
    state.remainingTokens[sequence] = Math.max(1, remaining);
    state.keys[sequence] =
        state.remainingTokens[sequence] + agingTokensPerNano * view.arrivalNanos(sequence);
    state.predictedAt[sequence] = generated;
  }
}
