package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.fairness.DeficitPrefixOrder;
import io.headway.batching.order.LearnedRankOrder;
import io.headway.batching.order.Quanta;
import io.headway.batching.order.SkipJoinMlfqOrder;
import io.headway.batching.order.TokenTimes;
import io.headway.batching.systems.Dlpm;
import io.headway.batching.systems.FastServe;
import io.headway.batching.systems.LearnedRank;
import io.headway.batching.systems.PastFuture;
import io.headway.batching.systems.Ssjf;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The schedules of systems that reorder, by algorithm. */
final class ReorderingRuns {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private ReorderingRuns() {}

  static Map<String, Function<ConformanceVector, JsonNode>> all() {
    Map<String, Function<ConformanceVector, JsonNode>> all = new LinkedHashMap<>();
    all.put("fastserve", ReorderingRuns::fastServe);
    all.put("ssjf", ReorderingRuns::shortestPredictedFirst);
    all.put("ltr", ReorderingRuns::learnedRank);
    all.put("past-future", ReorderingRuns::pastFuture);
    all.put("dlpm", ReorderingRuns::deficitPrefix);
    return all;
  }

  /** Everybody who is here, in a policy's order. */
  private static <S> List<Integer> present(BatchView view, QueueOrder<S> order, S keys) {
    List<Integer> present = new ArrayList<>();
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      present.add(s);
    }
    for (int i = 0; i < view.runningCount(); i++) {
      present.add(view.running(i));
    }
    present.sort((a, b) -> order.compare(keys, view, a, b));
    return present;
  }

  private static List<String> ids(BatchView view, List<Integer> sequences) {
    return sequences.stream().map(s -> view.request(s).id()).toList();
  }

  // ---- one job after the other, on a clock

  private static final int MAX_OUTPUT_TOKENS = 10_000;

  private record TimedJob(String id, long arrivalNanos, int outputTokens, JsonNode fields) {
    static List<TimedJob> of(JsonNode input) {
      List<TimedJob> jobs = new ArrayList<>();
      for (JsonNode request : JsonFields.arrayOf(input, "requests")) {
        TimedJob job =
            new TimedJob(
                JsonFields.textOf(request, "id"),
                ReorderingFunctions.nanos(JsonFields.doubleOf(request, "arrivalSeconds")),
                JsonFields.intOf(request, "outputTokens"),
                request);
        EngineRun.within(
            "field outputTokens of request " + job.id(), job.outputTokens(), 1, MAX_OUTPUT_TOKENS);
        jobs.add(job);
      }
      jobs.sort(Comparator.comparingLong(TimedJob::arrivalNanos).thenComparing(TimedJob::id));
      return jobs;
    }
  }

  /** An engine on a clock that jumps: who is there, and what each has produced. */
  private static final class Clock {
    final EngineScheduler scheduler;
    final Map<String, TimedJob> jobs = new LinkedHashMap<>();
    private final List<TimedJob> sorted;
    private final Function<TimedJob, Request> requests;
    private final Map<String, Integer> produced = new LinkedHashMap<>();
    final Map<String, Long> finish = new LinkedHashMap<>();
    private final StepResult result = new StepResult();
    private int next;
    private int iterations;
    long now;

    Clock(
        BatchingPolicy<?> policy,
        List<TimedJob> sorted,
        Function<TimedJob, Request> requests,
        int slots,
        PagedKvConfig pool) {
      this.sorted = sorted;
      this.requests = requests;
      for (TimedJob job : sorted) {
        if (jobs.put(job.id(), job) != null) {
          throw new VectorFormatException("request id " + job.id() + " is given twice");
        }
      }
      scheduler =
          EngineScheduler.builder()
              .policy(policy)
              .limits(Limits.of(slots, Integer.MAX_VALUE))
              .pool(PagedKvBlockPool.of(pool.withPrefixCaching(false)))
              .strict()
              .build();
    }

    boolean isOver() {
      return next == sorted.size() && finish.size() == sorted.size();
    }

    /** Submits who has arrived; if nobody is there, the clock jumps to the next arrival. */
    void arrive() {
      if (finish.size() == next && next < sorted.size()) {
        now = Math.max(now, sorted.get(next).arrivalNanos());
      }
      while (next < sorted.size() && sorted.get(next).arrivalNanos() <= now) {
        TimedJob job = sorted.get(next++);
        if (!scheduler.submit(requests.apply(job), now).accepted()) {
          throw new IllegalStateException("request " + job.id() + " was not accepted");
        }
      }
    }

    int produced(String id) {
      return produced.getOrDefault(id, 0);
    }

    /** Executes a plan until a time and returns who finished. */
    List<String> execute(BatchPlan plan, long end) {
      EngineRun.bound(iterations++);
      List<String> finished = new ArrayList<>();
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        String id = scheduler.request(plan.handle(row)).id();
        result.token(row, 0);
        TimedJob job = jobs.get(id);
        if (job == null) {
          throw new IllegalStateException("request " + id + " is not one of this run");
        }
        if (produced.merge(id, 1, Integer::sum) == job.outputTokens()) {
          result.stop(row);
          finished.add(id);
          finish.put(id, end);
        }
      }
      now = end;
      scheduler.complete(result, now);
      return finished;
    }

    ObjectNode responses(ObjectNode report) {
      ObjectNode responses = report.putObject("responseSeconds");
      double total = 0;
      for (TimedJob job : sorted) {
        Long end = finish.get(job.id());
        if (end == null) {
          throw new IllegalStateException("request " + job.id() + " has not finished");
        }
        double seconds = (end - job.arrivalNanos()) / 1e9;
        responses.put(job.id(), seconds);
        total += seconds;
      }
      if (sorted.isEmpty()) {
        report.putNull("meanResponseSeconds");
      } else {
        report.put("meanResponseSeconds", total / sorted.size());
      }
      return report;
    }
  }

  // ---- FastServe

  private static final int BIG_BLOCK_TOKENS = 1 << 20;
  private static final double SECONDS_PER_TOKEN = 1e-6;

  private static JsonNode fastServe(ConformanceVector vector) {
    JsonNode params = vector.params();
    Quanta quanta = ReorderingFunctions.quanta(vector);
    double decodeSeconds = JsonFields.doubleOf(params, "decodeSeconds");
    String demotion = JsonFields.textOf(params, "demotion");
    SkipJoinMlfqOrder.Parameters queue =
        new SkipJoinMlfqOrder.Parameters(
            quanta,
            new TokenTimes(0, SECONDS_PER_TOKEN, decodeSeconds),
            JsonFields.booleanOf(params, "skipJoin", true),
            ReorderingFunctions.nanos(
                JsonFields.optionalDouble(params, "promotionSeconds").orElse(0)),
            QueueEnd.TAIL,
            1,
            SkipJoinMlfqOrder.Demotion.valueOf(demotion.toUpperCase(java.util.Locale.ROOT)),
            SkipJoinMlfqOrder.Target.FITTING,
            PreemptionMode.RECOMPUTE);
    ComposedBatchingPolicy policy =
        new FastServe(
                queue, JsonFields.intOf(params, "maxSequences"), 0, PreemptiveComposer.NO_RESERVE)
            .policy();
    PlanProbe<ComposedBatchingPolicy.State> probe = new PlanProbe<>(policy);
    List<TimedJob> jobs = TimedJob.of(vector.input());
    int blocks = 1;
    for (TimedJob job : jobs) {
      blocks += (promptTokens(job) + job.outputTokens()) / BIG_BLOCK_TOKENS + 1;
    }
    Clock clock =
        new Clock(
            probe,
            jobs,
            job ->
                Request.builder(job.id(), promptTokens(job), job.outputTokens())
                    .arrivalNanos(job.arrivalNanos())
                    .build(),
            Math.max(1, jobs.size()),
            PagedKvConfig.of(BIG_BLOCK_TOKENS, blocks));
    ObjectNode report = JSON.objectNode();
    ArrayNode iterations = report.putArray("iterations");
    SkipJoinMlfqOrder order = (SkipJoinMlfqOrder) policy.order();
    while (!clock.isOver()) {
      iterations.add(
          fastServeIteration(clock, probe, order, quanta.levels(), decodeSeconds)
              .put("iteration", iterations.size()));
    }
    return clock.responses(report);
  }

  /** The prompt whose prefill takes as long as the vector says. */
  private static int promptTokens(TimedJob job) {
    double seconds = JsonFields.doubleOf(job.fields(), "firstIterationSeconds");
    return Math.max(1, (int) Math.round(seconds / SECONDS_PER_TOKEN));
  }

  private static ObjectNode fastServeIteration(
      Clock clock,
      PlanProbe<ComposedBatchingPolicy.State> probe,
      SkipJoinMlfqOrder order,
      int levels,
      double decodeSeconds) {
    clock.arrive();
    BatchView view = clock.scheduler.view();
    SkipJoinMlfqOrder.State state = probe.state().of(order);
    Map<Integer, Integer> before = new LinkedHashMap<>();
    present(view, order, state).forEach(s -> before.put(s, state.nextLevel(s)));
    ObjectNode row = JSON.objectNode().put("startSeconds", clock.now / 1e9);
    probe.clear();
    BatchPlan plan = clock.scheduler.next(clock.now);
    List<Integer> present = present(view, order, state);
    ArrayNode queues = row.putObject("state").putArray("queues");
    List<String> promoted = new ArrayList<>();
    for (int level = 1; level <= levels; level++) {
      ArrayNode queue = queues.addArray();
      for (int s : present) {
        if (state.level(s) == level) {
          queue.add(view.request(s).id());
        }
      }
    }
    for (int s : present) {
      if (before.getOrDefault(s, 1) > state.level(s)) {
        promoted.add(view.request(s).id());
      }
    }
    EngineRun.texts(row, "promoted", promoted);
    List<String> batch = probe.batch().stream().map(PlanProbe.Entry::id).toList();
    EngineRun.texts(row, "batch", batch);
    long duration = 0;
    Map<String, Integer> sequences = new LinkedHashMap<>();
    present.forEach(s -> sequences.put(view.request(s).id(), s));
    for (String id : batch) {
      boolean first = clock.produced(id) == 0;
      TimedJob job = clock.jobs.get(id);
      double seconds =
          first && job != null
              ? JsonFields.doubleOf(job.fields(), "firstIterationSeconds")
              : decodeSeconds;
      duration = Math.max(duration, ReorderingFunctions.nanos(seconds));
    }
    List<String> finished = clock.execute(plan, clock.now + duration);
    row.put("endSeconds", clock.now / 1e9);
    ArrayNode demoted = row.putArray("demoted");
    for (String id : batch) {
      Integer s = sequences.get(id);
      if (s != null && !finished.contains(id) && state.nextLevel(s) != state.level(s)) {
        demoted.addArray().add(id).add(state.nextLevel(s));
      }
    }
    EngineRun.texts(row, "finished", batch.stream().filter(finished::contains).toList());
    return row;
  }

  // ---- SSJF

  private static JsonNode shortestPredictedFirst(ConformanceVector vector) {
    JsonNode params = vector.params();
    long fixed = ReorderingFunctions.nanos(JsonFields.doubleOf(params, "fixedSeconds"));
    double perToken = JsonFields.doubleOf(params, "secondsPerToken");
    String key = JsonFields.textOf(params, "key");
    List<TimedJob> jobs = TimedJob.of(vector.input());
    int offset = offset(jobs);
    Clock clock = oneServer(Ssjf.DEFAULT.policy(), jobs, job -> shortRequest(job, key, offset));
    ObjectNode report = JSON.objectNode();
    ArrayNode order = report.putArray("order");
    while (!clock.isOver()) {
      clock.arrive();
      BatchPlan plan = clock.scheduler.next(clock.now);
      TimedJob job = clock.jobs.get(clock.scheduler.request(plan.handle(0)).id());
      if (job == null) {
        throw new IllegalStateException("a request of no job was planned");
      }
      order.add(job.id());
      long end = clock.now + fixed + ReorderingFunctions.nanos(perToken * job.outputTokens());
      while (clock.execute(plan, end).isEmpty()) {
        plan = clock.scheduler.next(end);
      }
    }
    return clock.responses(report);
  }

  private static Clock oneServer(
      BatchingPolicy<?> policy, List<TimedJob> jobs, Function<TimedJob, Request> requests) {
    return new Clock(policy, jobs, requests, 1, PagedKvConfig.of(BIG_BLOCK_TOKENS, 4));
  }

  /**
   * What makes every prediction a length that a request may carry. Only differences of predictions
   * decide the order, so adding a number to all of them changes nothing.
   */
  private static int offset(List<TimedJob> jobs) {
    int least = 1;
    for (TimedJob job : jobs) {
      least = Math.min(least, JsonFields.optionalInt(job.fields(), "predictedTokens").orElse(1));
    }
    return 1 - least;
  }

  private static Request shortRequest(TimedJob job, String key, int offset) {
    int cap = BIG_BLOCK_TOKENS;
    Request.Builder request = Request.builder(job.id(), 1, cap).arrivalNanos(job.arrivalNanos());
    switch (key) {
      case "arrival" -> request.predictedOutputTokens(1);
      case "actual" -> request.predictedOutputTokens(job.outputTokens());
      case "predicted" ->
          JsonFields.optionalInt(job.fields(), "predictedTokens")
              .ifPresent(tokens -> request.predictedOutputTokens(tokens + offset));
      default -> throw new VectorFormatException("field key must be a known one, but was " + key);
    }
    return request.build();
  }

  /** The order of a queue: who came before fills the history, then the queue is looked at. */
  static JsonNode shortestPredictedOrder(ConformanceVector vector) {
    double aging = JsonFields.doubleOf(vector.params(), "agingTokensPerSecond");
    ComposedBatchingPolicy policy = new Ssjf(Ssjf.Batches.CONTINUOUS, aging).policy();
    PlanProbe<ComposedBatchingPolicy.State> probe = new PlanProbe<>(policy);
    List<TimedJob> queue = new ArrayList<>();
    for (JsonNode waiting : JsonFields.arrayOf(vector.input(), "queue")) {
      queue.add(
          new TimedJob(
              JsonFields.textOf(waiting, "id"),
              ReorderingFunctions.nanos(JsonFields.doubleOf(waiting, "arrivalSeconds")),
              1,
              waiting));
    }
    int[] history = JsonFields.intsOf(vector.input(), "history");
    int offset = Math.max(offset(queue), 1 - Arrays.stream(history).min().orElse(1));
    List<TimedJob> past = new ArrayList<>();
    for (int tokens : history) {
      EngineRun.within("field history", tokens, Integer.MIN_VALUE / 2, EngineRun.MAX_ITERATIONS);
      past.add(new TimedJob("past " + past.size(), 0, tokens + offset, JSON.objectNode()));
    }
    Clock clock = oneServer(probe, past, job -> shortRequest(job, "actual", 0));
    while (!clock.isOver()) {
      clock.arrive();
      probe.clear();
      clock.execute(clock.scheduler.next(0), 0);
    }
    for (TimedJob job : queue) {
      clock.scheduler.submit(shortRequest(job, "predicted", offset), 0);
    }
    ObjectNode result = JSON.objectNode();
    EngineRun.texts(result, "order", ordered(clock.scheduler.view(), policy.order(), probe));
    return result;
  }

  private static <S> List<String> ordered(
      BatchView view, QueueOrder<S> order, PlanProbe<ComposedBatchingPolicy.State> probe) {
    return ids(view, present(view, order, probe.state().of(order)));
  }

  // ---- learning to rank

  private static JsonNode learnedRank(ConformanceVector vector) {
    JsonNode params = vector.params();
    int starvation = JsonFields.optionalInt(params, "starvationIterations").orElse(0);
    ComposedBatchingPolicy policy =
        new LearnedRank(
                starvation,
                JsonFields.intOf(params, "promotionIterations"),
                Integer.MAX_VALUE,
                PreemptionMode.RECOMPUTE)
            .policy();
    LearnedRankOrder order = (LearnedRankOrder) policy.order();
    PlanProbe<ComposedBatchingPolicy.State> probe = new PlanProbe<>(policy);
    List<EngineRun.Job> jobs = EngineRun.jobs(vector.input());
    int tokens = 1;
    for (EngineRun.Job job : jobs) {
      tokens += job.promptTokens() + job.outputTokens();
    }
    EngineRun run =
        EngineRun.of(
            probe,
            jobs,
            tokens,
            1,
            Limits.of(JsonFields.intOf(params, "maxSequences"), Integer.MAX_VALUE),
            new RankPredictor(jobs));
    List<String> inInput = new ArrayList<>();
    JsonFields.arrayOf(vector.input(), "requests")
        .forEach(request -> inInput.add(JsonFields.textOf(request, "id")));
    ObjectNode report = JSON.objectNode();
    ArrayNode iterations = report.putArray("iterations");
    for (int now = 0; !run.isOver(); now++) {
      ObjectNode row = iterations.addObject().put("iteration", now);
      run.arrive(now);
      BatchView view = run.scheduler().view();
      LearnedRankOrder.State state = probe.state().of(order);
      Map<String, Integer> promotions = new LinkedHashMap<>();
      Map<String, Boolean> wasPromoted = new LinkedHashMap<>();
      for (int s : present(view, order, state)) {
        promotions.put(view.request(s).id(), state.promotions(s));
        wasPromoted.put(view.request(s).id(), state.isPromoted(s));
      }
      BatchPlan plan = run.decide(now);
      List<Integer> present = present(view, order, state);
      List<String> promoted = new ArrayList<>();
      List<String> demoted = new ArrayList<>();
      for (int s : present) {
        String id = view.request(s).id();
        if (state.promotions(s) > promotions.getOrDefault(id, 0)) {
          promoted.add(id);
        } else if (wasPromoted.getOrDefault(id, false) && !state.isPromoted(s)) {
          demoted.add(id);
        }
      }
      EngineRun.texts(row, "promoted", inInput.stream().filter(promoted::contains).toList());
      EngineRun.texts(row, "demoted", inInput.stream().filter(demoted::contains).toList());
      EngineRun.texts(row.putObject("state"), "order", ids(view, present));
      EngineRun.texts(row, "batch", probe.batch().stream().map(PlanProbe.Entry::id).toList());
      EngineRun.texts(row, "finished", run.execute(plan, now));
    }
    ObjectNode inSystem = report.putObject("iterationsInSystem");
    for (EngineRun.Job job : jobs) {
      Integer end = run.finish().get(job.id());
      inSystem.put(job.id(), end == null ? null : end - job.arrival() + 1);
    }
    return report;
  }

  /** Predicts ranks: only their order matters, so they may be numbered. */
  private static final class RankPredictor implements LengthPredictor<Stateless> {
    private final Map<String, Integer> ranks = new LinkedHashMap<>();

    RankPredictor(List<EngineRun.Job> jobs) {
      TreeMap<Double, Integer> numbers = new TreeMap<>();
      for (EngineRun.Job job : jobs) {
        JsonFields.optionalDouble(job.fields(), "predictedRank")
            .ifPresent(rank -> numbers.put(rank, 0));
      }
      int number = 1;
      for (Map.Entry<Double, Integer> entry : numbers.entrySet()) {
        entry.setValue(number++);
      }
      for (EngineRun.Job job : jobs) {
        JsonFields.optionalDouble(job.fields(), "predictedRank")
            .ifPresent(rank -> ranks.put(job.id(), numbers.getOrDefault(rank, 0)));
      }
    }

    @Override
    public String id() {
      return "vector";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void estimate(
        Stateless state, Request request, int generatedTokens, LengthEstimate into) {
      Integer rank = ranks.get(request.id());
      if (rank == null) {
        into.none();
      } else {
        into.point(rank);
      }
    }

    @Override
    public void observe(Stateless state, Request request, int outputTokens, boolean censored) {}
  }

  // ---- Past-Future

  private static JsonNode pastFuture(ConformanceVector vector) {
    JsonNode params = vector.params();
    PeakForecastAdmission.Parameters parameters =
        new PeakForecastAdmission.Parameters(
            PeakForecastAdmission.Forecast.HISTORY,
            JsonFields.doubleOf(params, "reserveFraction"),
            JsonFields.intOf(params, "historyWindow"),
            1,
            0,
            false);
    ComposedBatchingPolicy policy = new PastFuture(parameters, 1).policy();
    JsonNode instance = JsonFields.required(vector.input(), "instance");
    PeakProbe probe = new PeakProbe(policy, vector.input());
    EngineRun run =
        EngineRun.of(
            probe,
            EngineRun.jobs(vector.input()),
            JsonFields.intOf(instance, "capacityTokens"),
            1,
            Limits.of(JsonFields.intOf(instance, "maxSequences"), Integer.MAX_VALUE),
            null,
            probe);
    PeakForecastAdmission admission = (PeakForecastAdmission) policy.admission();
    for (int length : JsonFields.intsOf(vector.input(), "history")) {
      probe.state().of(admission).history().observe(length);
    }
    return run.run(probe);
  }

  /** Draws what the vector says, and writes the peak tests down. */
  private static final class PeakProbe extends PlanProbe<ComposedBatchingPolicy.State>
      implements RandomSource, EngineRun.Reporter {
    private final PeakForecastAdmission admission;
    private final JsonNode uniforms;
    private final List<String> running = new ArrayList<>();
    private @Nullable BatchView view;
    private ArrayNode tests = JSON.arrayNode();
    private long seen;
    private int draw;

    PeakProbe(ComposedBatchingPolicy policy, JsonNode input) {
      super(policy);
      admission = (PeakForecastAdmission) policy.admission();
      uniforms = input.path("uniforms");
    }

    @Override
    public long nextLong() {
      throw new IllegalStateException("a draw is a fraction");
    }

    @Override
    public double nextDouble() {
      BatchView now = view;
      if (now == null) {
        throw new IllegalStateException("nothing is drawn outside a decision");
      }
      boolean candidate = draw == running.size();
      String id = candidate ? now.request(now.firstWaiting()).id() : running.get(draw);
      draw = candidate ? 0 : draw + 1;
      double[] values = JsonFields.doublesOf(uniforms, id);
      EngineRun.within("length of field uniforms." + id, values.length, 1, Integer.MAX_VALUE);
      return ReorderingFunctions.uniform(
          values[(int) (now.nowNanos() % values.length)], "uniforms." + id);
    }

    @Override
    public void plan(ComposedBatchingPolicy.State state, BatchView view, BatchDraft draft) {
      this.view = view;
      draw = 0;
      super.plan(state, view, draft);
    }

    @Override
    public void onAdmitted(
        ComposedBatchingPolicy.State state, BatchView view, int sequence, int cachedTokens) {
      super.onAdmitted(state, view, sequence, cachedTokens);
      running.add(view.request(sequence).id());
      note(view, true);
    }

    @Override
    public void onPreempted(ComposedBatchingPolicy.State state, BatchView view, int sequence) {
      super.onPreempted(state, view, sequence);
      running.remove(view.request(sequence).id());
    }

    @Override
    public void onEnded(ComposedBatchingPolicy.State state, BatchView view, int sequence, End end) {
      super.onEnded(state, view, sequence, end);
      running.remove(view.request(sequence).id());
    }

    private void note(BatchView now, boolean admitted) {
      PeakForecastAdmission.State state = state().of(admission);
      if (state.tests() > seen) {
        seen = state.tests();
        tests
            .addArray()
            .add(now.request(state.lastCandidate()).id())
            .add(state.lastPeakTokens())
            .add(admitted);
      }
    }

    @Override
    public void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {
      note(scheduler.view(), false);
      row.put("tokensInUse", scheduler.stats().usedBlocks());
      row.putObject("state").set("peakTests", tests);
      tests = JSON.arrayNode();
    }
  }

  // ---- DLPM

  private static JsonNode deficitPrefix(ConformanceVector vector) {
    JsonNode params = vector.params();
    ComposedBatchingPolicy policy =
        new Dlpm(
                new DeficitPrefixOrder.Parameters(
                    JsonFields.doubleOf(params, "quantum"),
                    JsonFields.doubleOf(params, "extendPrice"),
                    JsonFields.doubleOf(params, "outputPrice"),
                    Map.of()))
            .policy();
    List<EngineRun.Job> jobs = EngineRun.jobs(vector.input());
    PrefixProbe probe = new PrefixProbe(policy, jobs);
    EngineRun run =
        EngineRun.of(
            probe,
            jobs,
            JsonFields.intOf(JsonFields.required(vector.input(), "instance"), "capacityTokens"),
            1,
            Limits.of(Math.max(1, jobs.size()), Integer.MAX_VALUE),
            null);
    return run.run(probe);
  }

  /** Has the policy see the vector's cache, which shares no memory, and reads deficits off it. */
  private static final class PrefixProbe extends PlanProbe<ComposedBatchingPolicy.State>
      implements EngineRun.Reporter {
    private final DeficitPrefixOrder order;
    private final Map<String, EngineRun.Job> jobs = new LinkedHashMap<>();
    private final Map<String, Integer> cached = new LinkedHashMap<>();
    private final Map<String, Integer> prefilled = new LinkedHashMap<>();
    private final Map<String, Integer> extend = new LinkedHashMap<>();
    private final Map<String, Integer> tenants = new TreeMap<>();
    private final Map<String, Long> refillsSeen = new LinkedHashMap<>();
    private List<String> refills = new ArrayList<>();
    private final CacheView cacheView = new CacheView();

    PrefixProbe(ComposedBatchingPolicy policy, List<EngineRun.Job> jobs) {
      super(policy);
      order = (DeficitPrefixOrder) policy.order();
      jobs.forEach(job -> this.jobs.put(job.id(), job));
    }

    /** The scheduler's view with the vector's cache. */
    private final class CacheView extends ForwardingView {
      private @Nullable BatchView real;

      @Override
      BatchView view() {
        BatchView now = real;
        if (now == null) {
          throw new IllegalStateException("a view is valid during a call only");
        }
        return now;
      }

      @Override
      public int cachedTokens(int sequence) {
        EngineRun.Job job = jobs.get(request(sequence).id());
        if (job == null) {
          return 0;
        }
        return Math.min(
            JsonFields.intOf(job.fields(), "prefixTokens", 0),
            cached.getOrDefault(JsonFields.textOf(job.fields(), "prefixFamily", ""), 0));
      }
    }

    private BatchView over(BatchView view) {
      cacheView.real = view;
      return cacheView;
    }

    @Override
    public void plan(ComposedBatchingPolicy.State state, BatchView view, BatchDraft draft) {
      super.plan(state, over(view), draft);
    }

    @Override
    public void onQueued(ComposedBatchingPolicy.State state, BatchView view, int sequence) {
      int tenant = view.tenant(sequence);
      tenants.put(view.tenantName(tenant), tenant);
      super.onQueued(state, over(view), sequence);
    }

    @Override
    public void onAdmitted(
        ComposedBatchingPolicy.State state, BatchView view, int sequence, int cachedTokens) {
      noteRefills();
      BatchView seen = over(view);
      int match = seen.cachedTokens(sequence);
      EngineRun.Job job = jobs.get(view.request(sequence).id());
      if (job != null) {
        extend.put(job.id(), job.promptTokens() - match);
        prefilled.merge(
            JsonFields.textOf(job.fields(), "prefixFamily", ""),
            JsonFields.intOf(job.fields(), "prefixTokens", 0),
            Math::max);
      }
      super.onAdmitted(state, seen, sequence, match);
    }

    /** Rounds go through the clients by name; who was refilled more often was in later ones. */
    private void noteRefills() {
      DeficitPrefixOrder.State state = state().of(order);
      Map<String, Long> fresh = new TreeMap<>();
      tenants.forEach(
          (name, tenant) -> {
            long count = state.refills(tenant);
            fresh.put(name, count - refillsSeen.getOrDefault(name, 0L));
            refillsSeen.put(name, count);
          });
      long rounds = fresh.values().stream().mapToLong(count -> count).max().orElse(0);
      EngineRun.within("the number of refills at once", rounds, 0, EngineRun.MAX_ITERATIONS);
      for (long round = 1; round <= rounds; round++) {
        for (Map.Entry<String, Long> entry : fresh.entrySet()) {
          if (entry.getValue() >= round) {
            refills.add(entry.getKey());
          }
        }
      }
    }

    @Override
    public void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {
      noteRefills();
      for (JsonNode entry : row.path("batch")) {
        if (entry.path(1).asText().equals("P")) {
          ((ArrayNode) entry)
              .set(2, JSON.numberNode(extend.getOrDefault(entry.path(0).asText(), 0)));
        }
      }
    }

    @Override
    public void completed(ObjectNode row) {
      prefilled.forEach((family, tokens) -> cached.merge(family, tokens, Math::max));
      prefilled.clear();
      ObjectNode state = row.putObject("state");
      ObjectNode deficits = state.putObject("deficits");
      tenants.forEach((name, tenant) -> deficits.put(name, state().of(order).deficit(tenant)));
      EngineRun.texts(state, "refills", refills);
      refills = new ArrayList<>();
    }
  }
}
