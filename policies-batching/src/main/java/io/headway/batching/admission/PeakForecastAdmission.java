package io.headway.batching.admission;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;
import io.headway.api.prediction.OutputHistory;
import io.headway.api.prediction.PeakTokens;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Lets a sequence start if the peak of memory that the running batch will reach with it stays below
 * the pool: Past-Future admission.
 *
 * <ol>
 *   <li>Past: a final output length is assumed for every running sequence and the candidate, see
 *       {@link Forecast}. {@code HISTORY} draws it from the last {@code historyWindow} finished
 *       outputs that are longer than what the sequence has generated: entry {@code floor(u * m)} of
 *       those m in ascending order, {@code maxNewTokens} if there are none; it is drawn anew in
 *       every test. Outputs of one iteration enter the history in order of admission. Always within
 *       {@code generated + 1} and {@code maxNewTokens}.
 *   <li>Future: {@code M*}, the {@linkplain PeakTokens peak} of {@code prompt + generated} and the
 *       tokens remaining. With blocks of B tokens each sequence counts B - 1 tokens more, what its
 *       last block may waste.
 *   <li>YES if {@code M* <= (1 - reserveFraction) * capacity} ({@code ROUTER}: {@code M* <
 *       capacity}), or if nothing runs; else LATER. {@code strict} has it stay below.
 *   <li>With several {@code draws} the greatest peak decides.
 * </ol>
 *
 * <p>Draws go through the running sequences in order of admission, then the candidate. The whole
 * prompt is taken at admission. A request of which {@code prompt + maxNewTokens} exceeds the pool
 * is never served. It needs a victim selector, since outputs may be longer than assumed; with
 * {@code DECLARED}, and one plan in flight, none will be asked. O(running log history + running^2 /
 * 64) per test. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Gong et al., Past-Future Scheduler for LLM Serving under SLA Guarantees, ASPLOS 2025,
 * arXiv 2507.10150, and its code, github.com/ModelTC/lightllm. Reserve, window and several draws
 * are this library's reading. Frozen tokens of the code's router are what the pool counts anyway.
 */
public final class PeakForecastAdmission implements AdmissionTest<PeakForecastAdmission.State> {
  /** Which final output length is assumed. */
  public enum Forecast {
    /** A draw from finished outputs. */
    HISTORY,
    /** The declared cap: the peak is never exceeded. */
    DECLARED,
    /** The scheduler's predictor or the request's own prediction; the cap without one. */
    PREDICTED,
    /**
     * LightLLM's shipped router: the cap, or, while less than {@code busyFraction} of the pool is
     * in use, {@code min(cap, max(1.1 generated, 1024))}, and six tokens more.
     */
    ROUTER
  }

  // Sums of decimals such as 0.95 * 40 come out a little below the whole number they are.
  private static final double ROUNDING = 1e-9;
  private static final int ROUTER_EXTRA_TOKENS = 6;
  private static final int ROUTER_IDLE_TOKENS = 1024;
  private static final double ROUTER_IDLE_FACTOR = 1.1;

  private static final Claims PREDICTS =
      Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  /**
   * Configuration of a {@link PeakForecastAdmission}.
   *
   * @param forecast which final output length is assumed
   * @param reserveFraction share of the pool kept for outputs that last longer, in [0, 1]; 1 admits
   *     into an idle instance only
   * @param historyWindow finished outputs remembered, 1 to {@value #MAX_HISTORY_WINDOW}
   * @param draws lengths drawn per sequence and test, at least 1; more are safer for small batches
   * @param busyFraction share of the pool from which on {@code ROUTER} counts as busy, in [0, 1)
   * @param strict whether the peak must stay below what is allowed; {@code ROUTER} always is
   */
  public record Parameters(
      Forecast forecast,
      double reserveFraction,
      int historyWindow,
      int draws,
      double busyFraction,
      boolean strict) {
    /** The middle one of the reserves in the paper's table: 3, 5 and 10 %. */
    public static final double RESERVE_FRACTION = 0.05;

    /** Finished outputs remembered. */
    public static final int HISTORY_WINDOW = 1000;

    /** Most outputs that may be remembered. */
    public static final int MAX_HISTORY_WINDOW = 1 << 20;

    /** History, a reserve of 5 %, 1,000 outputs, one draw, always busy. */
    public static final Parameters DEFAULT =
        new Parameters(Forecast.HISTORY, RESERVE_FRACTION, HISTORY_WINDOW, 1, 0, false);

    public Parameters {
      requireNonNull(forecast, "forecast");
      Arguments.within("reserveFraction", reserveFraction, 0, 1, "of the pool");
      Arguments.atLeast("historyWindow", historyWindow, 1, "output");
      if (historyWindow > MAX_HISTORY_WINDOW) {
        throw new IllegalArgumentException(
            "historyWindow must be at most "
                + MAX_HISTORY_WINDOW
                + " outputs, but was "
                + historyWindow);
      }
      Arguments.atLeast("draws", draws, 1, "draw");
      Arguments.fraction("busyFraction", busyFraction, "the pool");
    }

    /**
     * Returns a copy with another forecast.
     *
     * @param other which final output length is assumed
     * @return changed copy
     */
    public Parameters withForecast(Forecast other) {
      return new Parameters(other, reserveFraction, historyWindow, draws, busyFraction, strict);
    }

    /**
     * Returns a copy with another reserve.
     *
     * @param other share of the pool, in [0, 1]
     * @return changed copy
     */
    public Parameters withReserveFraction(double other) {
      return new Parameters(forecast, other, historyWindow, draws, busyFraction, strict);
    }

    /**
     * Returns a copy in which the peak must stay below what is allowed, or may reach it.
     *
     * @param other whether it must stay below
     * @return changed copy
     */
    public Parameters withStrict(boolean other) {
      return new Parameters(forecast, reserveFraction, historyWindow, draws, busyFraction, other);
    }
  }

  /** Finished outputs, who runs, and the last test. Single-threaded. */
  public static final class State {
    private final OutputHistory history;
    private final PeakTokens peak = new PeakTokens();
    // In order of admission, each with its number.
    private int[] running = new int[16];
    private long[] admissions = new long[16];
    private int size;
    private long admitted;
    // Outputs that finished in the last iteration, in order of admission.
    private int[] finished = new int[8];
    private long[] finishedAdmissions = new long[8];
    private int finishedCount;
    private int knownBlocks = -1;
    private long capacityTokens;
    private int wasteTokens;
    private long tests;
    private int lastCandidate = BatchView.NONE;
    private long lastPeakTokens;

    private State(int window) {
      history = new OutputHistory(window, 0, 1);
    }

    /**
     * Returns the finished outputs.
     *
     * @return the history, owned by this state; it may be filled in advance
     */
    public OutputHistory history() {
      remember();
      return history;
    }

    /**
     * Returns how many peaks were forecast.
     *
     * @return a count; admissions into an idle instance are not tested
     */
    public long tests() {
      return tests;
    }

    /**
     * Returns the candidate of the last test.
     *
     * @return a sequence, or {@link BatchView#NONE} before the first
     */
    public int lastCandidate() {
      return lastCandidate;
    }

    /**
     * Returns the peak of the last test.
     *
     * @return M* in tokens
     */
    public long lastPeakTokens() {
      return lastPeakTokens;
    }

    private void add(int sequence) {
      if (size == running.length) {
        running = Arrays.copyOf(running, size * 2);
        admissions = Arrays.copyOf(admissions, size * 2);
      }
      running[size] = sequence;
      admissions[size++] = admitted++;
    }

    /** Returns the number of its admission, or -1 for a sequence that does not run. */
    private long remove(int sequence) {
      for (int i = 0; i < size; i++) {
        if (running[i] == sequence) {
          long admission = admissions[i];
          int behind = --size - i;
          System.arraycopy(running, i + 1, running, i, behind);
          System.arraycopy(admissions, i + 1, admissions, i, behind);
          return admission;
        }
      }
      return -1;
    }

    private void finish(long admission, int outputTokens) {
      if (finishedCount == finished.length) {
        finished = Arrays.copyOf(finished, finishedCount * 2);
        finishedAdmissions = Arrays.copyOf(finishedAdmissions, finishedCount * 2);
      }
      int at = finishedCount++;
      while (at > 0 && finishedAdmissions[at - 1] > admission) {
        finished[at] = finished[at - 1];
        finishedAdmissions[at] = finishedAdmissions[at - 1];
        at--;
      }
      finished[at] = outputTokens;
      finishedAdmissions[at] = admission;
    }

    /** Results come by slot; the history, which forgets the oldest, takes them by admission. */
    private void remember() {
      for (int i = 0; i < finishedCount; i++) {
        history.observe(finished[i]);
      }
      finishedCount = 0;
    }
  }

  private final Parameters parameters;

  /**
   * Makes the test.
   *
   * @param parameters its configuration
   */
  public PeakForecastAdmission(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Draws a final output length.
   *
   * @param history finished outputs
   * @param generatedTokens output so far
   * @param maxNewTokens the cap
   * @param uniform u in [0, 1)
   * @return tokens from {@code generatedTokens + 1} to {@code maxNewTokens}
   */
  public static int drawTokens(
      OutputHistory history, int generatedTokens, int maxNewTokens, double uniform) {
    int shorter = history.atMost(generatedTokens);
    int eligible = history.size() - shorter;
    int drawn = eligible == 0 ? maxNewTokens : history.length(shorter + (int) (uniform * eligible));
    return Math.max(generatedTokens + 1, Math.min(drawn, maxNewTokens));
  }

  /**
   * Returns the tokens that LightLLM's router expects a sequence to add to {@code prompt +
   * generated + 1}.
   *
   * @param generatedTokens output so far
   * @param maxNewTokens the cap
   * @param busy whether much of the pool is in use
   * @return tokens
   */
  public static int routerRemainingTokens(int generatedTokens, int maxNewTokens, boolean busy) {
    int expected = Math.max((int) (ROUTER_IDLE_FACTOR * generatedTokens), ROUTER_IDLE_TOKENS);
    int cap = busy ? maxNewTokens : Math.min(maxNewTokens, expected);
    return Math.max(0, cap - generatedTokens - 1) + ROUTER_EXTRA_TOKENS;
  }

  @Override
  public String id() {
    return "past-future";
  }

  @Override
  public State newState() {
    return new State(parameters.historyWindow);
  }

  @Override
  public Claims claims() {
    return parameters.forecast == Forecast.PREDICTED ? PREDICTS : Claims.NONE;
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return view.blocksFor(request.promptTokens() + request.maxNewTokens()) <= view.totalBlocks();
  }

  @Override
  public AdmissionVerdict test(State state, BatchView view, BatchDraft draft, int candidate) {
    if (state.size == 0) {
      return AdmissionVerdict.YES;
    }
    learnCapacity(state, view);
    state.remember();
    long most = 0;
    int draws = parameters.forecast == Forecast.HISTORY ? parameters.draws : 1;
    boolean fits = true;
    for (int i = 0; i < draws && fits; i++) {
      most = Math.max(most, peak(state, view, candidate));
      fits = fits(state, most);
    }
    state.tests++;
    state.lastCandidate = candidate;
    state.lastPeakTokens = most;
    return fits ? AdmissionVerdict.YES : AdmissionVerdict.LATER;
  }

  private boolean fits(State state, long peakTokens) {
    boolean router = parameters.forecast == Forecast.ROUTER;
    return fits(
        peakTokens,
        state.capacityTokens,
        router ? 0 : parameters.reserveFraction,
        router || parameters.strict);
  }

  /**
   * Returns whether a peak is allowed.
   *
   * @param peakTokens M*
   * @param capacityTokens size of the pool
   * @param reserveFraction share kept, in [0, 1]
   * @param strict whether the peak must stay below
   * @return {@code M* <= (1 - reserveFraction) * capacity}, or {@code <}
   */
  public static boolean fits(
      long peakTokens, long capacityTokens, double reserveFraction, boolean strict) {
    double allowed = capacityTokens * (1 - reserveFraction);
    return strict ? peakTokens < allowed - ROUNDING : peakTokens <= allowed + ROUNDING;
  }

  private long peak(State state, BatchView view, int candidate) {
    state.peak.clear();
    boolean busy = isBusy(view);
    for (int i = 0; i < state.size; i++) {
      add(state, view, state.running[i], busy);
    }
    add(state, view, candidate, busy);
    return state.peak.peakTokens();
  }

  private boolean isBusy(BatchView view) {
    int used = view.totalBlocks() - view.freeBlocks();
    return used >= parameters.busyFraction * view.totalBlocks();
  }

  private void add(State state, BatchView view, int sequence, boolean busy) {
    int generated = view.generatedTokens(sequence);
    int cap = view.maxNewTokens(sequence);
    int used = view.promptTokens(sequence) + generated + state.wasteTokens;
    if (parameters.forecast == Forecast.ROUTER) {
      state.peak.add(used + 1L, routerRemainingTokens(generated, cap, busy));
      return;
    }
    int output =
        switch (parameters.forecast) {
          case HISTORY -> drawTokens(state.history, generated, cap, uniform(view.random()));
          case PREDICTED ->
              view.hasPrediction(sequence)
                  ? (int) Math.min(cap, (long) generated + view.predictedRemainingTokens(sequence))
                  : cap;
          default -> cap;
        };
    state.peak.add(used, Math.max(0, Math.max(output, generated + 1) - generated));
  }

  private static double uniform(RandomSource random) {
    return random.nextDouble();
  }

  /** The longest sequence that the pool can hold, and what a block may waste of it. */
  private static void learnCapacity(State state, BatchView view) {
    int blocks = view.totalBlocks();
    if (blocks == state.knownBlocks) {
      return;
    }
    state.knownBlocks = blocks;
    int low = 0;
    int high = Integer.MAX_VALUE;
    while (low < high) {
      int middle = low + (high - low) / 2 + 1;
      if (view.blocksFor(middle) <= blocks) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    state.capacityTokens = low;
    state.wasteTokens = blocks == 0 ? 0 : Math.max(0, low / blocks - 1);
  }

  @Override
  public int reserveTokens(State state, BatchView view, int candidate) {
    return view.promptTokens(candidate) + view.generatedTokens(candidate);
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.add(sequence);
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.remove(sequence);
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    state.remember();
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    long admission = state.remove(sequence);
    if (end == End.STOPPED || end == End.LENGTH) {
      state.finish(admission, view.generatedTokens(sequence));
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public String explain(State state, BatchView view, int candidate) {
    return state.lastCandidate == candidate
        ? "its last forecast led to a peak of "
            + state.lastPeakTokens
            + " of "
            + state.capacityTokens
            + " tokens"
        : "no peak was forecast with it yet";
  }
}
