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
 * Orders sequences by how long their readers have enough to read, the shortest first, and preempts
 * only those whose readers will not notice: the buffers of TokenFlow.
 *
 * <ol>
 *   <li>Buffer: {@code b = (generated - consumed) / rate} seconds, {@code consumed = min(generated,
 *       rate (now - first token))}; that is, {@code max(0, first + generated / rate - now)}. 0 for
 *       a sequence without tokens. Ties by (arrival, id).
 *   <li>The rate is the request's TPOT target, {@code 1 / tpotTargetNanos}, else the default given.
 *   <li>As victim selector: the last candidate with {@code b > move time}, the time to move its KV
 *       out and in. If there is none and the beneficiary runs already, the last candidate, since
 *       memory cannot wait; a waiting beneficiary then waits on.
 * </ol>
 *
 * <p>A sequence is kept by the time at which its buffer runs dry, which does not change while it
 * waits, so that nothing is sorted anew; O(1) per event and O(log waiting) when a buffer runs dry.
 * Thread-safe; the state is single-threaded.
 *
 * <p>Properties: nobody is preempted for a waiting sequence whose buffer would run dry before its
 * KV could be back; the order is monotone in the buffer.
 *
 * <p>Source: Chen et al., TokenFlow: Responsive LLM Text Streaming Serving under Request Burst via
 * Preemptive Scheduling, arXiv 2510.02758. Writing KV to the host in the background is what
 * composition {@code preemptive} does with {@code reserveBlocks}.
 */
public final class ClientBufferOrder
    implements QueueOrder<ClientBufferOrder.State>, VictimSelector<ClientBufferOrder.State> {
  private static final int NONE = BatchView.NONE;
  private static final long DRY = Long.MIN_VALUE;
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.LATENCY_TARGET).build();

  /**
   * Configuration of a {@link ClientBufferOrder}.
   *
   * @param tokensPerSecond reading speed of requests without TPOT target, above 0
   * @param moveSecondsPerToken time to move a KV entry to the host and back, at least 0
   * @param mode how victims yield
   */
  public record Parameters(
      double tokensPerSecond, double moveSecondsPerToken, PreemptionMode mode) {
    /** 10 tokens/s, 20 us to move an entry out and in; both are this library's choice. */
    public static final Parameters DEFAULT = new Parameters(10, 2e-5, PreemptionMode.SWAP);

    public Parameters {
      Arguments.positive("tokensPerSecond", tokensPerSecond, "tokens per second");
      Arguments.notNegative("moveSecondsPerToken", moveSecondsPerToken, "s per token");
      requireNonNull(mode, "mode");
    }
  }

  /** When each buffer runs dry. Single-threaded. */
  public static final class State {
    private boolean[] known = new boolean[16];
    private boolean[] started = new boolean[16];
    private long[] firstNanos = new long[16];
    private double[] gapNanos = new double[16];
    // When the buffer runs dry; DRY if it is.
    private long[] dryNanos = new long[16];
    private final LazyTimers filled = new LazyTimers();

    private State() {}

    private void ensure(int sequence) {
      if (sequence >= known.length) {
        int length = Math.max(sequence + 1, known.length * 2);
        known = Arrays.copyOf(known, length);
        started = Arrays.copyOf(started, length);
        firstNanos = Arrays.copyOf(firstNanos, length);
        gapNanos = Arrays.copyOf(gapNanos, length);
        dryNanos = Arrays.copyOf(dryNanos, length);
      }
    }
  }

  private final Parameters parameters;

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   */
  public ClientBufferOrder(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Returns how long a reader has enough to read.
   *
   * @param generatedTokens tokens so far
   * @param sinceFirstTokenSeconds time since the first; without meaning before it
   * @param tokensPerSecond reading speed, above 0
   * @return seconds, at least 0
   */
  public static double bufferSeconds(
      int generatedTokens, double sinceFirstTokenSeconds, double tokensPerSecond) {
    double consumed = Math.min(generatedTokens, tokensPerSecond * sinceFirstTokenSeconds);
    return (generatedTokens - consumed) / tokensPerSecond;
  }

  @Override
  public String id() {
    return "client-buffer";
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
    int byBuffer = Long.compare(state.dryNanos[a], state.dryNanos[b]);
    return byBuffer != 0 ? byBuffer : view.compareArrival(a, b);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    LazyTimers filled = state.filled;
    long now = view.nowNanos();
    for (int s = filled.first(); s != NONE && filled.time(s) <= now; s = filled.first()) {
      filled.remove(s);
      if (state.dryNanos[s] > now) {
        filled.add(s, state.dryNanos[s]);
      } else {
        state.dryNanos[s] = DRY;
        changes.changed(s);
      }
    }
  }

  /**
   * Returns the buffer of a sequence.
   *
   * @param state the order's state
   * @param view the instance
   * @param sequence a live sequence
   * @return nanoseconds, at least 0
   */
  public long bufferNanos(State state, BatchView view, int sequence) {
    long dry = state.dryNanos[sequence];
    return dry == DRY ? 0 : Math.max(0, dry - view.nowNanos());
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.ensure(sequence);
    if (state.known[sequence]) {
      return;
    }
    Request request = view.request(sequence);
    boolean paced = request.hasTpotTarget() && request.tpotTargetNanos() > 0;
    state.known[sequence] = true;
    state.started[sequence] = false;
    state.gapNanos[sequence] = paced ? request.tpotTargetNanos() : 1e9 / parameters.tokensPerSecond;
    state.dryNanos[sequence] = DRY;
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      if (served.outputTokens(k) == 0) {
        continue;
      }
      if (!state.started[sequence]) {
        state.started[sequence] = true;
        state.firstNanos[sequence] = view.nowNanos();
      }
      long dry =
          state.firstNanos[sequence]
              + (long) (view.generatedTokens(sequence) * state.gapNanos[sequence]);
      if (dry > view.nowNanos()) {
        state.dryNanos[sequence] = dry;
        if (!state.filled.contains(sequence)) {
          state.filled.add(sequence, dry);
        }
      }
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence < state.known.length) {
      state.known[sequence] = false;
      state.filled.remove(sequence);
    }
  }

  @Override
  public int select(
      State state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    for (int i = to - 1; i >= from; i--) {
      double moveNanos = parameters.moveSecondsPerToken * view.computedTokens(candidates[i]) * 1e9;
      if (bufferNanos(state, view, candidates[i]) > moveNanos) {
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
