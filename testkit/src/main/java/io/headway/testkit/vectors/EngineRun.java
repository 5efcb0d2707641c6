package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.Lane;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthPredictor;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs the requests of one vector through an {@link EngineScheduler} over a real pool, in virtual
 * iterations: the clock reads the number of the iteration, and a request stops at its true length.
 */
final class EngineRun {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** Most iterations of a run; requests that cannot end by then are refused, or the run is. */
  static final int MAX_ITERATIONS = 100_000;

  /** One request of the vector. */
  record Job(String id, int arrival, int promptTokens, int outputTokens, JsonNode fields) {}

  /** Adds what a policy has to say about an iteration. */
  interface Reporter {
    /** After the decision, before its results. */
    default void planned(ObjectNode row, BatchPlan plan, EngineScheduler scheduler) {}

    /** After the results. */
    default void completed(ObjectNode row) {}
  }

  private final PlanProbe<?> probe;
  private final EngineScheduler scheduler;
  private final List<Job> jobs;
  private final Map<String, Job> byId = new LinkedHashMap<>();
  private final Map<String, Integer> produced = new LinkedHashMap<>();
  private final Map<String, @Nullable Integer> firstToken = new LinkedHashMap<>();
  private final Map<String, @Nullable Integer> finish = new LinkedHashMap<>();
  private final StepResult result = new StepResult();
  private int next;
  private int live;
  private int preemptions;

  private EngineRun(PlanProbe<?> probe, EngineScheduler scheduler, List<Job> jobs) {
    this.probe = probe;
    this.scheduler = scheduler;
    this.jobs = jobs;
    for (Job job : jobs) {
      if (byId.put(job.id(), job) != null) {
        throw new VectorFormatException("request id " + job.id() + " is given twice");
      }
      produced.put(job.id(), 0);
      firstToken.put(job.id(), null);
      finish.put(job.id(), null);
    }
  }

  /** Reads requests in order of arrival, then id. */
  static List<Job> jobs(JsonNode input) {
    List<Job> jobs = new ArrayList<>();
    for (JsonNode request : JsonFields.arrayOf(input, "requests")) {
      Job job =
          new Job(
              JsonFields.textOf(request, "id"),
              JsonFields.intOf(request, "arrival"),
              JsonFields.intOf(request, "promptTokens", 1),
              JsonFields.intOf(request, "outputTokens"),
              request);
      within(job, "arrival", job.arrival(), 0, MAX_ITERATIONS);
      within(job, "promptTokens", job.promptTokens(), 1, Integer.MAX_VALUE / 4);
      int cap = JsonFields.intOf(request, "maxNewTokens", job.outputTokens());
      within(job, "maxNewTokens", cap, 1, Integer.MAX_VALUE / 4);
      within(job, "outputTokens", job.outputTokens(), 1, cap);
      jobs.add(job);
    }
    jobs.sort(Comparator.comparingInt(Job::arrival).thenComparing(Job::id));
    return jobs;
  }

  private static void within(Job job, String field, int value, int least, int most) {
    within("field " + field + " of request " + job.id(), value, least, most);
  }

  /** Refuses a number of a vector that no schedule can be made with. */
  static void within(String what, long value, long least, long most) {
    if (value < least || value > most) {
      throw new VectorFormatException(
          what + " must be from " + least + " to " + most + ", but was " + value);
    }
  }

  /** Refuses a run that goes on for ever, or for longer than anybody reads. */
  static void bound(int iterations) {
    if (iterations >= MAX_ITERATIONS) {
      throw new VectorFormatException("the run has not ended after " + iterations + " iterations");
    }
  }

  /**
   * Prepares a run.
   *
   * @param probe the policy
   * @param jobs the requests, sorted
   * @param blocks blocks of the pool
   * @param blockTokens tokens a block
   * @param limits the engine's limits
   * @param predictor predicts lengths, or null
   */
  static EngineRun of(
      PlanProbe<?> probe,
      List<Job> jobs,
      int blocks,
      int blockTokens,
      Limits limits,
      @Nullable LengthPredictor<?> predictor) {
    return of(probe, jobs, blocks, blockTokens, limits, predictor, RandomSource.seeded(0));
  }

  /**
   * Prepares a run with given draws.
   *
   * @param probe the policy
   * @param jobs the requests, sorted
   * @param blocks blocks of the pool
   * @param blockTokens tokens a block
   * @param limits the engine's limits
   * @param predictor predicts lengths, or null
   * @param random what the policy draws from
   */
  static EngineRun of(
      PlanProbe<?> probe,
      List<Job> jobs,
      int blocks,
      int blockTokens,
      Limits limits,
      @Nullable LengthPredictor<?> predictor,
      RandomSource random) {
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .policy(probe)
            .limits(limits)
            .random(random)
            .pool(
                PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, blocks).withPrefixCaching(false)))
            .strict();
    if (predictor != null) {
      builder.predictor(predictor);
    }
    return new EngineRun(probe, builder.build(), jobs);
  }

  EngineScheduler scheduler() {
    return scheduler;
  }

  Map<String, @Nullable Integer> finish() {
    return finish;
  }

  int produced(String id) {
    return produced.getOrDefault(id, 0);
  }

  boolean isOver() {
    return next == jobs.size() && live == 0;
  }

  /** Submits what has arrived and returns what was refused, in order of arrival. */
  List<String> arrive(int now) {
    bound(now);
    List<String> refused = new ArrayList<>();
    while (next < jobs.size() && jobs.get(next).arrival() <= now) {
      Job job = jobs.get(next++);
      SubmitResult answer = scheduler.submit(request(job), now);
      if (answer.accepted()) {
        live++;
      } else if (answer.kind() == SubmitResult.Kind.NEVER_FITS) {
        refused.add(job.id());
      } else {
        throw new IllegalStateException("request " + job.id() + " was answered " + answer.kind());
      }
    }
    return refused;
  }

  private static Request request(Job job) {
    JsonNode fields = job.fields();
    Request.Builder request =
        Request.builder(
                job.id(),
                job.promptTokens(),
                JsonFields.intOf(fields, "maxNewTokens", job.outputTokens()))
            .arrivalNanos(job.arrival())
            .priority(JsonFields.intOf(fields, "priority", 0))
            .tenant(JsonFields.textOf(fields, "client", ""));
    JsonFields.optionalInt(fields, "predictedTokens").ifPresent(request::predictedOutputTokens);
    request.lane(JsonFields.booleanOf(fields, "lane", false) ? Lane.BATCH : Lane.INTERACTIVE);
    JsonFields.optionalInt(fields, "expiresAt").ifPresent(request::expiresNanos);
    return request.build();
  }

  /** Decides the next batch; what was decided is in the probe. */
  BatchPlan decide(int now) {
    probe.clear();
    BatchPlan plan = scheduler.next(now);
    preemptions += probe.preempted().size();
    live -= probe.expired().size();
    return plan;
  }

  /** Executes a plan and returns who finished, in plan order. */
  List<String> execute(BatchPlan plan, int now) {
    List<String> finished = new ArrayList<>();
    if (plan.isEmpty()) {
      return finished;
    }
    result.begin(plan);
    Map<String, Boolean> stopping = new LinkedHashMap<>();
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 0);
        Job job = job(scheduler.request(plan.handle(row)).id());
        int tokens = produced.merge(job.id(), 1, Integer::sum);
        firstToken.putIfAbsent(job.id(), now);
        if (tokens == job.outputTokens()) {
          result.stop(row);
          stopping.put(job.id(), true);
        }
      }
    }
    scheduler.complete(result, now);
    for (PlanProbe.Entry entry : probe.batch()) {
      if (stopping.containsKey(entry.id())) {
        finished.add(entry.id());
        finish.put(entry.id(), now);
        live--;
      }
    }
    return finished;
  }

  private Job job(String id) {
    Job job = byId.get(id);
    if (job == null) {
      throw new IllegalStateException("request " + id + " is not one of this run");
    }
    return job;
  }

  /** Runs everything in iterations and reports it. */
  ObjectNode run(Reporter reporter) {
    ObjectNode report = JSON.objectNode();
    ArrayNode iterations = report.putArray("iterations");
    for (int now = 0; !isOver(); now++) {
      ObjectNode row = iterations.addObject().put("iteration", now);
      List<String> refused = arrive(now);
      BatchPlan plan = decide(now);
      ArrayNode batch = row.putArray("batch");
      for (PlanProbe.Entry entry : probe.batch()) {
        batch.addArray().add(entry.id()).add(entry.decode() ? "D" : "P").add(entry.tokens());
      }
      pairs(row, "preempted", probe.preempted(), "recompute");
      texts(row, "admitted", probe.admitted());
      pairs(row, "rejected", refused, "never-fits");
      texts(row, "expired", probe.expired());
      texts(row, "waiting", probe.waiting());
      reporter.planned(row, plan, scheduler);
      texts(row, "finished", execute(plan, now));
      reporter.completed(row);
    }
    report.set("firstToken", times(firstToken));
    report.set("finish", times(finish));
    report.set("meanIterationsInSystem", mean());
    report.put("preemptions", preemptions);
    return report;
  }

  JsonNode mean() {
    long total = 0;
    int count = 0;
    for (Job job : jobs) {
      Integer end = finish.get(job.id());
      if (end != null) {
        total += end - job.arrival() + 1;
        count++;
      }
    }
    return count == 0 ? JSON.nullNode() : JSON.numberNode((double) total / count);
  }

  static ObjectNode times(Map<String, @Nullable Integer> times) {
    ObjectNode node = JSON.objectNode();
    times.forEach(node::put);
    return node;
  }

  static void texts(ObjectNode row, String field, List<String> texts) {
    ArrayNode array = row.putArray(field);
    texts.forEach(array::add);
  }

  private static void pairs(ObjectNode row, String field, List<String> ids, String second) {
    ArrayNode array = row.putArray(field);
    ids.forEach(id -> array.addArray().add(id).add(second));
  }
}
