package io.headway.batching.admission;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Lets a sequence start if everybody who runs, and it, fit at every later moment: at each predicted
 * completion the sum of what is still there stays within the memory.
 *
 * <p>With {@code c} the known tokens of a sequence and {@code r} its remaining ones: {@code for
 * every d in {r}: sum over sequences with r >= d of blocks(c + d) <= floor((1 - reserveFraction) *
 * total blocks)}. Checking completions only is enough, since use grows between them. With blocks of
 * one token this is exactly the published test, which counts the last token as stored; with larger
 * blocks the same test rounded up.
 *
 * <p>The remaining length is the prediction at admission, or the declared cap, less what was
 * generated since, at least 1. Under {@link Length#DECLARED}, and with predictions that are never
 * too short, blocks never run out; a prediction that is too short can overflow the pool: then
 * somebody is preempted, and {@code reserveFraction} makes that rarer. A request whose prompt and
 * length exceed the pool alone is never served.
 *
 * <p>A refusal is remembered: while nobody comes or goes, a completion of a running sequence that
 * was over the memory by {@code e} blocks stays over it for {@code e - 1} iterations, and the test
 * is not computed again. O(running^2) per test that is. Thread-safe; the state is single-threaded.
 *
 * <p>Source: MC-SF, arXiv 2502.07115.
 */
public final class FutureFitAdmission implements AdmissionTest<FutureFitAdmission.State> {
  /** Which output length counts. */
  public enum Length {
    /** The prediction at admission; the declared cap for sequences without one. */
    PREDICTED,
    /** The request's own cap. */
    DECLARED
  }

  private static final Claims NEVER_SHORT =
      Claims.builder().bound(Claims.Bound.PREEMPTIONS_PER_REQUEST, 0).build();
  private static final Claims PREDICTS =
      Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  private final Length length;
  private final double reserveFraction;

  /**
   * Makes the test.
   *
   * @param length which output length counts
   * @param reserveFraction alpha, share of the pool left for predictions that are too short, in [0,
   *     1); 0 in the paper's analysis
   */
  public FutureFitAdmission(Length length, double reserveFraction) {
    this.length = requireNonNull(length, "length");
    this.reserveFraction = Arguments.fraction("reserveFraction", reserveFraction, "the pool");
  }

  /** Who runs, how long each was predicted to be, and the last refusal. Single-threaded. */
  public static final class State {
    private int[] running = new int[16];
    private int size;
    // By sequence.
    private int[] totalTokens = new int[16];
    private int[] places = new int[16];

    private int[] current = new int[16];
    private int[] remaining = new int[16];
    private int count;

    private int refused = BatchView.NONE;
    private long tokens;
    private long standsUntilTokens;

    private State() {}

    private void ensure(int sequence) {
      if (sequence >= totalTokens.length) {
        int length = Math.max(sequence + 1, totalTokens.length * 2);
        totalTokens = Arrays.copyOf(totalTokens, length);
        places = Arrays.copyOf(places, length);
      }
    }

    private void leave(int sequence) {
      refused = BatchView.NONE;
      if (sequence >= places.length || places[sequence] == 0) {
        return;
      }
      int last = running[--size];
      running[places[sequence] - 1] = last;
      places[last] = places[sequence];
      places[sequence] = 0;
    }

    /** Keeps the sequences by remaining tokens, the longest first. */
    private void insert(int currentTokens, int remainingTokens) {
      if (count == current.length) {
        current = Arrays.copyOf(current, count * 2);
        remaining = Arrays.copyOf(remaining, count * 2);
      }
      int at = count++;
      while (at > 0 && remaining[at - 1] < remainingTokens) {
        current[at] = current[at - 1];
        remaining[at] = remaining[at - 1];
        at--;
      }
      current[at] = currentTokens;
      remaining[at] = remainingTokens;
    }
  }

  @Override
  public String id() {
    return "future-fit";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return length == Length.DECLARED ? NEVER_SHORT : PREDICTS;
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    boolean predicted = length == Length.PREDICTED && request.hasPredictedOutput();
    long output =
        predicted
            ? Math.min(request.predictedOutputTokens(), request.maxNewTokens())
            : request.maxNewTokens();
    long tokens = request.promptTokens() + output;
    return tokens <= Integer.MAX_VALUE && view.blocksFor((int) tokens) <= memory(view);
  }

  private int memory(BatchView view) {
    return view.totalBlocks() - (int) Math.floor(reserveFraction * view.totalBlocks());
  }

  @Override
  public AdmissionVerdict test(State state, BatchView view, BatchDraft draft, int candidate) {
    if (candidate == state.refused && state.tokens <= state.standsUntilTokens) {
      return AdmissionVerdict.LATER;
    }
    int memory = memory(view);
    state.count = 0;
    boolean late = false;
    for (int i = 0; i < state.size; i++) {
      int sequence = state.running[i];
      // One on its way to another instance holds its blocks, but for how long nobody knows.
      boolean runs = view.state(sequence) == SequenceState.RUNNING;
      int left = state.totalTokens[sequence] - view.generatedTokens(sequence);
      late |= left < 1 || !runs;
      state.insert(known(view, sequence), Math.max(1, left));
    }
    int own = known(view, candidate);
    int ownLeft = Math.max(1, total(view, candidate) - view.generatedTokens(candidate));
    boolean alone = state.count == 0;
    int excessAtOthers = excess(state, view, memory, own, ownLeft);
    state.insert(own, ownLeft);
    int excess = Math.max(excessAtOthers, excessAt(state, view, memory, ownLeft));
    if (excess <= 0 || alone) {
      // Alone it fits by canServe, unless it has outgrown its prediction: then nothing helps.
      return AdmissionVerdict.YES;
    }
    state.refused = candidate;
    long iterations = late ? 0 : Math.max(0, (long) excessAtOthers - 1);
    state.standsUntilTokens = state.tokens + iterations * state.size;
    return AdmissionVerdict.LATER;
  }

  private static int known(BatchView view, int sequence) {
    return view.promptTokens(sequence) + view.generatedTokens(sequence);
  }

  private int total(BatchView view, int sequence) {
    int declared = view.maxNewTokens(sequence);
    if (length == Length.DECLARED || !view.hasPrediction(sequence)) {
      return declared;
    }
    long predicted =
        (long) view.generatedTokens(sequence) + view.predictedRemainingTokens(sequence);
    return (int) Math.min(declared, predicted);
  }

  /** By how many blocks the memory is passed at most when one of the others completes. */
  private static int excess(State state, BatchView view, int memory, int own, int ownLeft) {
    long most = Long.MIN_VALUE;
    for (int i = 0; i < state.count; i++) {
      int d = state.remaining[i];
      if (i + 1 < state.count && state.remaining[i + 1] == d) {
        continue;
      }
      long used = d <= ownLeft ? view.blocksFor(own + d) : 0;
      for (int j = 0; j <= i; j++) {
        used += view.blocksFor(state.current[j] + d);
      }
      most = Math.max(most, used - memory);
    }
    return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, most));
  }

  private static int excessAt(State state, BatchView view, int memory, int d) {
    long used = 0;
    for (int j = 0; j < state.count && state.remaining[j] >= d; j++) {
      used += view.blocksFor(state.current[j] + d);
    }
    return (int) Math.min(Integer.MAX_VALUE, used - memory);
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.size == 0
        ? 0
        : (int)
            Math.min(
                Integer.MAX_VALUE,
                Math.max(0, (state.standsUntilTokens - state.tokens) / state.size));
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.ensure(sequence);
    state.refused = BatchView.NONE;
    state.totalTokens[sequence] = total(view, sequence);
    if (state.size == state.running.length) {
      state.running = Arrays.copyOf(state.running, state.size * 2);
    }
    state.running[state.size++] = sequence;
    state.places[sequence] = state.size;
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.leave(sequence);
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      state.tokens += served.outputTokens(k);
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.leave(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public String explain(State state, BatchView view, int candidate) {
    return "with "
        + state.size
        + " running, prompt and "
        + total(view, candidate)
        + " output tokens would pass "
        + memory(view)
        + " blocks before somebody ends";
  }
}
