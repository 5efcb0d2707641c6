package io.headway.batching.order;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Orders sequences by the memory they will hold over time, the smallest area first: the order of
 * LAMPS for requests that pause for external calls.
 *
 * <ol>
 *   <li>Area of a sequence with k KV entries, r output tokens remaining and, if its session goes on
 *       with a call, context {@code C = k + r} then: {@code tPre(k) k} if k is not computed, {@code
 *       + tDec (r k + r (r - 1) / 2)}, {@code +} its share of the call under the {@linkplain
 *       ApiCallHandling handling} that wastes least: {@code Tapi C}, {@code tPre(C) C} or {@code 2
 *       tSwap C}.
 *   <li>Areas are computed at arrival and again every {@code refreshIterations}, since the others'
 *       contexts decide about the handling.
 *   <li>Who was left out of {@code starvationIterations} iterations in a row goes first until it is
 *       done.
 *   <li>Ties end in (arrival, id).
 * </ol>
 *
 * <p>O(1) per event, O(live) per refresh of areas. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Shahout et al., Fast Inference for Augmented Large Language Models, arXiv 2410.18248.
 * The area is this library's reading. Departure: a call is the pause between two requests of one
 * session ({@code externalCallNanos}); what becomes of the KV meanwhile is carried out by whoever
 * holds it, with {@link #handling} as advice.
 */
public final class MemoryTimeOrder implements QueueOrder<MemoryTimeOrder.State> {
  private static final int NONE = BatchView.NONE;
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  /**
   * Configuration of a {@link MemoryTimeOrder}.
   *
   * @param times how long iterations take
   * @param swapSecondsPerToken time to move a KV entry one way, at least 0
   * @param starvationIterations iterations left out after which a sequence goes first, at least 0;
   *     0 for never
   * @param refreshIterations iterations after which areas are computed anew, at least 1
   */
  public record Parameters(
      TokenTimes times,
      double swapSecondsPerToken,
      int starvationIterations,
      int refreshIterations) {
    /** Iterations left out of the published runs. */
    public static final int STARVATION_ITERATIONS = 100;

    /** Iterations between two refreshes of the published runs. */
    public static final int REFRESH_ITERATIONS = 10;

    /** 100 and 10 iterations, as published; 10 us to move an entry, which is ours. */
    public static final Parameters DEFAULT =
        new Parameters(TokenTimes.DEFAULT, 1e-5, STARVATION_ITERATIONS, REFRESH_ITERATIONS);

    public Parameters {
      requireNonNull(times, "times");
      Arguments.notNegative("swapSecondsPerToken", swapSecondsPerToken, "s per token");
      Arguments.atLeast("starvationIterations", starvationIterations, 0, "iterations");
      Arguments.atLeast("refreshIterations", refreshIterations, 1, "iterations");
    }
  }

  /** Areas and who goes first. Single-threaded. */
  public static final class State {
    private boolean[] known = new boolean[16];
    private double[] areas = new double[16];
    private boolean[] first = new boolean[16];
    private long[] idleSince = new long[16];
    private final LazyTimers idle = new LazyTimers();
    private long nextRefresh;

    private State() {}

    /**
     * Returns the area of a sequence as it was computed last.
     *
     * @param sequence a live sequence
     * @return token seconds
     */
    public double areaTokenSeconds(int sequence) {
      return areas[sequence];
    }

    /**
     * Returns whether a sequence goes first since it was left out too long.
     *
     * @param sequence a live sequence
     * @return true until it is done
     */
    public boolean goesFirst(int sequence) {
      return first[sequence];
    }

    private void ensure(int sequence) {
      if (sequence >= known.length) {
        int length = Math.max(sequence + 1, known.length * 2);
        known = Arrays.copyOf(known, length);
        areas = Arrays.copyOf(areas, length);
        first = Arrays.copyOf(first, length);
        idleSince = Arrays.copyOf(idleSince, length);
      }
    }
  }

  private final Parameters parameters;

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   */
  public MemoryTimeOrder(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  @Override
  public String id() {
    return "memory-time";
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
    if (state.first[a] != state.first[b]) {
      return state.first[a] ? -1 : 1;
    }
    int byArea = Double.compare(state.areas[a], state.areas[b]);
    return byArea != 0 ? byArea : view.compareArrival(a, b);
  }

  /**
   * Returns what should become of a request's KV during the call that follows it.
   *
   * @param request a request with an external call
   * @param contextTokens C, its KV entries then
   * @param otherContextTokens Co, those of all others
   * @return the handling that wastes least
   */
  public ApiCallHandling handling(
      Request request, double contextTokens, double otherContextTokens) {
    return ApiCallHandling.choose(
        contextTokens,
        otherContextTokens,
        request.externalCallNanos() / 1e9,
        parameters.times.prefillSeconds((int) contextTokens),
        parameters.swapSecondsPerToken * contextTokens);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    long iteration = view.iteration();
    if (iteration >= state.nextRefresh) {
      state.nextRefresh = iteration + parameters.refreshIterations;
      long others = contextOfRunning(view);
      for (int s = view.firstWaiting(); s != NONE; s = view.nextWaiting(s)) {
        double before = state.areas[s];
        state.areas[s] = area(view, s, others);
        if (state.areas[s] != before) {
          changes.changed(s);
        }
      }
      for (int i = 0, count = view.runningCount(); i < count; i++) {
        int running = view.running(i);
        state.areas[running] = area(view, running, others - view.computedTokens(running));
      }
    }
    if (parameters.starvationIterations > 0) {
      putStarvingFirst(state, view, changes);
    }
  }

  private void putStarvingFirst(State state, BatchView view, RankChanges changes) {
    LazyTimers idle = state.idle;
    long iteration = view.iteration();
    for (int s = idle.first();
        s != NONE && iteration - idle.time(s) >= parameters.starvationIterations;
        s = idle.first()) {
      idle.remove(s);
      if (state.idleSince[s] > idle.time(s) || view.inFlight(s)) {
        idle.add(s, state.idleSince[s] > idle.time(s) ? state.idleSince[s] : iteration);
      } else {
        // It stays first until it is done, so it needs no timer any more.
        state.first[s] = true;
        changes.changed(s);
      }
    }
  }

  private static long contextOfRunning(BatchView view) {
    long context = 0;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      context += view.computedTokens(view.running(i));
    }
    return context;
  }

  private double area(BatchView view, int sequence, long others) {
    int generated = view.generatedTokens(sequence);
    int known = view.promptTokens(sequence) + generated;
    int remaining =
        view.hasPrediction(sequence)
            ? view.predictedRemainingTokens(sequence)
            : view.maxNewTokens(sequence) - generated;
    double area =
        parameters.times.decodeSeconds()
            * ((double) remaining * known + remaining * (remaining - 1.0) / 2);
    if (view.computedTokens(sequence) < known - 1) {
      area += parameters.times.prefillSeconds(known) * known;
    }
    Request request = view.request(sequence);
    if (request.hasExternalCall()) {
      double context = (double) known + remaining;
      area +=
          context
              * switch (handling(request, context, (double) others)) {
                case PRESERVE -> request.externalCallNanos() / 1e9;
                case DISCARD -> parameters.times.prefillSeconds((int) context);
                case SWAP -> 2 * parameters.swapSecondsPerToken * context;
              };
    }
    return area;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.ensure(sequence);
    if (!state.known[sequence]) {
      state.known[sequence] = true;
      state.first[sequence] = false;
      state.idleSince[sequence] = view.iteration();
      if (parameters.starvationIterations > 0) {
        state.idle.add(sequence, view.iteration());
      }
    }
    state.areas[sequence] = area(view, sequence, contextOfRunning(view));
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      state.idleSince[served.sequence(k)] = view.iteration();
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence < state.known.length) {
      state.known[sequence] = false;
      state.first[sequence] = false;
      state.idle.remove(sequence);
    }
  }
}
