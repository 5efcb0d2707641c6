package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Plans order and batch boundaries of the queued sequences so that many meet their objective and
 * little time passes: {@link SloAnnealing} over {@link SloSchedule}.
 *
 * <p>A request with a deadline has an end-to-end objective, one with latency targets those on its
 * first and further tokens, any other the defaults of {@link Objectives}; what a request has waited
 * already is taken off (the paper plans for requests that have just arrived). Its output is the
 * prediction, else the mean output of the ended requests of its kind of work, else the declared
 * cap.
 *
 * <p>Planned anew when everybody of the last plan has started, over the {@code maxJobs} oldest
 * (ours; the paper plans 10 to 50); whoever comes later waits for the next plan. Randomness is the
 * view's. Milliseconds per plan. Thread-safe; the state is single-threaded.
 *
 * <p>Source: arXiv 2504.14966.
 */
public final class AnnealingPlanner implements BatchPlanner<AnnealingPlanner.State> {
  /** Queued requests that a plan looks at. */
  public static final int DEFAULT_MAX_JOBS = 64;

  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.PREDICTED_LENGTH).build();

  /**
   * What a request without objectives of its own is held to.
   *
   * @param firstTokenSeconds TTFT, above 0
   * @param perTokenSeconds TPOT, above 0
   */
  public record Objectives(double firstTokenSeconds, double perTokenSeconds) {
    /** 10 s and 50 ms, the chat class of the published evaluation. */
    public static final Objectives DEFAULT = new Objectives(10, 0.05);

    public Objectives {
      Arguments.positive("firstTokenSeconds", firstTokenSeconds, "s");
      Arguments.positive("perTokenSeconds", perTokenSeconds, "s");
    }
  }

  private final SloAnnealing annealing;
  private final LatencySurface prefill;
  private final LatencySurface decode;
  private final Objectives objectives;
  private final int maxJobs;

  /**
   * Makes the planner.
   *
   * @param annealing the search; its batches are also at most the engine's slots
   * @param prefill time of a prefill
   * @param decode time of a decode iteration
   * @param objectives for requests without their own
   * @param maxJobs queued requests that a plan looks at, at least 1
   */
  public AnnealingPlanner(
      SloAnnealing annealing,
      LatencySurface prefill,
      LatencySurface decode,
      Objectives objectives,
      int maxJobs) {
    this.annealing = requireNonNull(annealing, "annealing");
    this.prefill = requireNonNull(prefill, "prefill");
    this.decode = requireNonNull(decode, "decode");
    this.objectives = requireNonNull(objectives, "objectives");
    this.maxJobs = Arguments.atLeast("maxJobs", maxJobs, 1, "job");
  }

  /** Who of the plan has not started, and the mean outputs seen. Single-threaded. */
  public static final class State {
    private static final int MAX_KINDS = 1024;

    private final PlannedMembers planned = new PlannedMembers();
    private final TreeMap<String, long[]> outputs = new TreeMap<>();

    private State() {}

    private void observe(String kind, int outputTokens) {
      long[] seen = outputs.get(kind);
      if (seen == null && outputs.size() < MAX_KINDS) {
        seen = new long[2];
        outputs.put(kind, seen);
      }
      if (seen != null) {
        seen[0] += outputTokens;
        seen[1]++;
      }
    }
  }

  @Override
  public String id() {
    return "annealing";
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
  public void plan(State state, BatchView view, PlannedOrder order) {
    List<Integer> queue = new ArrayList<>(Backlog.of(view, maxJobs));
    queue.sort(Comparator.comparing((Integer s) -> s, view::compareArrival));
    List<SloJob> jobs = new ArrayList<>();
    for (int sequence : queue) {
      jobs.add(job(state, view, sequence));
    }
    int batch = Math.min(annealing.maxBatch(), view.maxSequences());
    SloAnnealing fitting =
        new SloAnnealing(
            batch,
            annealing.startTemperature(),
            annealing.endTemperature(),
            annealing.cooling(),
            annealing.movesPerLevel());
    SloSchedule.Plan plan = fitting.plan(new SloSchedule(jobs, prefill, decode), view.random());
    state.planned.clear();
    for (int[] members : plan.batches()) {
      for (int member : members) {
        order.append(queue.get(member));
        state.planned.add(queue.get(member));
      }
      order.endBatch();
    }
  }

  private SloJob job(State state, BatchView view, int sequence) {
    Request request = view.request(sequence);
    int input = Backlog.knownTokens(view, sequence);
    int output = outputTokens(state, view, sequence);
    double waited = (view.nowNanos() - view.arrivalNanos(sequence)) / 1e9;
    if (request.hasDeadline()) {
      return SloJob.endToEnd(input, output, (request.deadlineNanos() - view.nowNanos()) / 1e9);
    }
    double first =
        request.hasTtftTarget() ? request.ttftTargetNanos() / 1e9 : objectives.firstTokenSeconds();
    double further =
        request.hasTpotTarget() ? request.tpotTargetNanos() / 1e9 : objectives.perTokenSeconds();
    return SloJob.streaming(input, output, first - waited, further);
  }

  private static int outputTokens(State state, BatchView view, int sequence) {
    long[] seen = state.outputs.get(view.request(sequence).workload());
    if (view.hasPrediction(sequence) || seen == null) {
      return Backlog.remainingTokens(view, sequence);
    }
    long mean = Math.round((double) seen[0] / seen[1]) - view.generatedTokens(sequence);
    int declared = view.maxNewTokens(sequence) - view.generatedTokens(sequence);
    return (int) Math.max(1, Math.min(mean, declared));
  }

  @Override
  public long nextPlanNanos(State state, BatchView view) {
    return state.planned.isEmpty() ? view.nowNanos() : Long.MAX_VALUE;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.planned.remove(sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.planned.remove(sequence);
    if (end == End.STOPPED || end == End.LENGTH) {
      state.observe(view.request(sequence).workload(), view.generatedTokens(sequence));
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
