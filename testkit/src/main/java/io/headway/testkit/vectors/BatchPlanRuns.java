package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.admission.LaneAdmission;
import io.headway.batching.composition.BackfillComposer;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.order.LaneExpiry;
import io.headway.batching.planning.HindsightOptimum;
import io.headway.batching.systems.BatchLane;
import io.headway.batching.systems.FineInfer;
import io.headway.batching.systems.McSf;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** The schedules of the suite {@code batching} that count the future, defer or backfill. */
final class BatchPlanRuns implements VectorAdapter {
  private static final int MAX_OUTPUT_TOKENS = 10_000;
  private static final int MAX_SEQUENCES = 10_000;

  private final Map<String, Function<ConformanceVector, JsonNode>> runs = new LinkedHashMap<>();

  BatchPlanRuns() {
    runs.put("mc-sf", BatchPlanRuns::mcSf);
    runs.put("fineinfer", BatchPlanRuns::fineInfer);
    runs.put("batch-lane", BatchPlanRuns::batchLane);
  }

  @Override
  public String suite() {
    return "batching";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("schedule.run") && runs.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> run = runs.get(vector.algorithm());
    if (run == null) {
      throw new IllegalArgumentException(
          "algorithm must be a supported one, but was " + vector.algorithm());
    }
    return run.apply(vector);
  }

  @Override
  public VectorMatcher matcher(ConformanceVector vector) {
    VectorMatcher matcher = VectorAdapter.super.matcher(vector);
    return vector.algorithm().equals("mc-sf") ? matcher.withSets("running") : matcher;
  }

  private static JsonNode instance(ConformanceVector vector) {
    return JsonFields.required(vector.input(), "instance");
  }

  // ---- mc-sf

  private static JsonNode mcSf(ConformanceVector vector) {
    McSf.Order order =
        McSf.Order.valueOf(JsonFields.textOf(vector.params(), "order").toUpperCase(Locale.ROOT));
    ComposedBatchingPolicy policy =
        new McSf(order, FutureFitAdmission.Length.PREDICTED, 0).policy();
    // A prediction above the true length is possible only under a cap that allows it.
    ObjectNode input = vector.input().deepCopy();
    for (JsonNode request : JsonFields.arrayOf(input, "requests")) {
      int predicted = JsonFields.intOf(request, "predictedTokens");
      int output = JsonFields.intOf(request, "outputTokens");
      ((ObjectNode) request).put("maxNewTokens", Math.max(predicted, output));
    }
    List<EngineRun.Job> jobs = EngineRun.jobs(input);
    Map<String, EngineRun.Job> byId = new LinkedHashMap<>();
    jobs.forEach(job -> byId.put(job.id(), job));
    PlanProbe<ComposedBatchingPolicy.State> probe = inOrder(policy, policy.order());
    EngineRun run =
        EngineRun.of(
            probe,
            jobs,
            JsonFields.intOf(instance(vector), "memoryTokens"),
            1,
            Limits.of(Math.max(1, jobs.size()), Integer.MAX_VALUE),
            null);
    Map<String, Integer> start = new LinkedHashMap<>();
    ObjectNode report = JsonResults.object();
    ArrayNode rounds = report.putArray("iterations");
    for (int round = 0; !run.isOver(); round++) {
      ObjectNode row = rounds.addObject().put("iteration", round);
      ArrayNode rejected = row.putArray("rejected");
      for (String id : run.arrive(round)) {
        rejected.addArray().add(id).add("never-fits");
      }
      BatchPlan plan = run.decide(round);
      EngineRun.texts(row, "admitted", probe.admitted());
      for (String id : probe.admitted()) {
        start.put(id, round);
      }
      Set<String> running = new TreeSet<>();
      long memory = 0;
      for (PlanProbe.Entry entry : probe.batch()) {
        running.add(entry.id());
        EngineRun.Job job = job(byId, entry.id());
        memory += job.promptTokens() + round + 1 - start.getOrDefault(entry.id(), round);
      }
      EngineRun.texts(row, "running", List.copyOf(running));
      row.put("memoryTokensNext", memory);
      EngineRun.texts(row, "waiting", probe.waiting());
      run.execute(plan, round);
    }
    ObjectNode starts = report.putObject("start");
    ObjectNode completions = report.putObject("completion");
    long total = 0;
    for (EngineRun.Job job : jobs) {
      Integer began = start.get(job.id());
      Integer end = run.finish().get(job.id());
      starts.put(job.id(), began);
      completions.put(job.id(), end == null ? null : end + 1);
      total += end == null ? 0 : end + 1 - job.arrival();
    }
    report.put("totalEndToEnd", total);
    if (vector.expect().has("optimumTotalEndToEnd")) {
      List<EngineRun.Job> served = jobs.stream().filter(j -> start.containsKey(j.id())).toList();
      report.put(
          "optimumTotalEndToEnd",
          HindsightOptimum.totalEndToEnd(
              served.stream().mapToInt(EngineRun.Job::arrival).toArray(),
              served.stream().mapToInt(EngineRun.Job::promptTokens).toArray(),
              served.stream().mapToInt(EngineRun.Job::outputTokens).toArray(),
              JsonFields.intOf(instance(vector), "memoryTokens")));
    }
    return report;
  }

  private static EngineRun.Job job(Map<String, EngineRun.Job> byId, String id) {
    EngineRun.Job job = byId.get(id);
    if (job == null) {
      throw new IllegalStateException("request " + id + " is not one of this run");
    }
    return job;
  }

  private static <S> PlanProbe<ComposedBatchingPolicy.State> inOrder(
      ComposedBatchingPolicy policy, QueueOrder<S> order) {
    return new PlanProbe<>(policy) {
      @Override
      int[] queue(BatchView view) {
        S keys = state().of(order);
        return Arrays.stream(super.queue(view))
            .boxed()
            .sorted((a, b) -> order.compare(keys, view, a, b))
            .mapToInt(s -> s)
            .toArray();
      }
    };
  }

  // ---- fineinfer

  private record Inference(String id, long arrivalNanos) {}

  private static JsonNode fineInfer(ConformanceVector vector) {
    JsonNode params = vector.params();
    int maxSequences = JsonFields.intOf(params, "maxSequences");
    int outputTokens = JsonFields.intOf(params, "outputTokens");
    long fineTuneNanos = nanos(JsonFields.doubleOf(params, "fineTuneSeconds"));
    long inferenceNanos = nanos(JsonFields.doubleOf(params, "inferenceSeconds"));
    EngineRun.within("field fineTuneSeconds in ns", fineTuneNanos, 1, Long.MAX_VALUE / 2);
    EngineRun.within("field inferenceSeconds in ns", inferenceNanos, 1, Long.MAX_VALUE / 2);
    EngineRun.within("field outputTokens", outputTokens, 1, MAX_OUTPUT_TOKENS);
    EngineRun.within("field maxSequences", maxSequences, 1, MAX_SEQUENCES);
    ComposedBatchingPolicy policy =
        new FineInfer(nanos(JsonFields.doubleOf(params, "deferSeconds")), 0).policy();
    PlanProbe<ComposedBatchingPolicy.State> probe = new PlanProbe<>(policy);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(probe)
            .limits(Limits.of(maxSequences, Integer.MAX_VALUE))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(1, maxSequences * (outputTokens + 1))
                        .withPrefixCaching(false)))
            .strict()
            .build();
    Deque<Inference> pending = new ArrayDeque<>(inferences(vector));
    ObjectNode report = JsonResults.object();
    ArrayNode iterations = report.putArray("iterations");
    ObjectNode firstToken = JsonResults.object();
    ObjectNode finish = JsonResults.object();
    int fineTunes = 0;
    long now = 0;
    StepResult result = new StepResult();
    Map<String, Integer> produced = new LinkedHashMap<>();
    for (int i = 0; !pending.isEmpty() || !scheduler.isIdle(); i++) {
      EngineRun.bound(i);
      while (!pending.isEmpty() && pending.peek().arrivalNanos() <= now) {
        Inference next = pending.remove();
        scheduler.submit(
            Request.builder(next.id(), 1, outputTokens).arrivalNanos(next.arrivalNanos()).build(),
            now);
      }
      probe.clear();
      BatchPlan plan = scheduler.next(now);
      ObjectNode row = iterations.addObject().put("iteration", i);
      if (plan.isEmpty()) {
        fineTunes++;
        now += fineTuneNanos;
        row.put("type", "fineTune").put("endSeconds", seconds(now));
        continue;
      }
      now += inferenceNanos;
      row.put("type", "inference").put("endSeconds", seconds(now));
      result.begin(plan);
      Set<String> ended = new LinkedHashSet<>();
      for (int r = 0; r < plan.rows(); r++) {
        String id = scheduler.request(plan.handle(r)).id();
        result.token(r, 0);
        int tokens = produced.merge(id, 1, Integer::sum);
        if (tokens == 1) {
          firstToken.put(id, seconds(now));
        }
        if (tokens == outputTokens) {
          finish.put(id, seconds(now));
          ended.add(id);
        }
      }
      scheduler.complete(result, now);
      EngineRun.texts(
          row,
          "finished",
          probe.batch().stream().map(PlanProbe.Entry::id).filter(ended::contains).toList());
    }
    report.put("fineTuneIterations", fineTunes);
    report.set("firstTokenSeconds", firstToken);
    report.set("finishSeconds", finish);
    return report;
  }

  private static List<Inference> inferences(ConformanceVector vector) {
    List<Inference> inferences = new ArrayList<>();
    for (JsonNode node : JsonFields.arrayOf(vector.input(), "requests")) {
      inferences.add(
          new Inference(
              JsonFields.textOf(node, "id"), nanos(JsonFields.doubleOf(node, "arrivalSeconds"))));
    }
    inferences.sort(Comparator.comparingLong(Inference::arrivalNanos).thenComparing(Inference::id));
    return inferences;
  }

  private static long nanos(double seconds) {
    return Math.round(seconds * 1e9);
  }

  private static double seconds(long nanos) {
    return nanos / 1e9;
  }

  // ---- batch-lane

  private static JsonNode batchLane(ConformanceVector vector) {
    JsonNode instance = instance(vector);
    BatchLane parameters =
        new BatchLane(
            JsonFields.intOf(instance, "tokenBudget"),
            0,
            LaneAdmission.ofBlocks(JsonFields.intOf(vector.params(), "headroomBlocks")),
            LaneExpiry.DEFAULT,
            BackfillComposer.AtExpiry.valueOf(
                JsonFields.textOf(vector.params(), "atExpiry", "finish").toUpperCase(Locale.ROOT)),
            BackfillComposer.Yielding.ALWAYS);
    return EngineRun.of(
            new PlanProbe<>(parameters.policy()),
            EngineRun.jobs(vector.input()),
            JsonFields.intOf(instance, "blocks"),
            JsonFields.intOf(instance, "blockTokens"),
            Limits.of(JsonFields.intOf(instance, "maxSequences"), Integer.MAX_VALUE),
            null)
        .run(
            new EngineRun.Reporter() {
              @Override
              public void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {
                row.put("blocksInUse", scheduler.stats().usedBlocks());
              }
            });
  }
}
