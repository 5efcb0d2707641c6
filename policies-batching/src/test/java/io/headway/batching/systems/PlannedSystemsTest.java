package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.batching.PreemptionMode;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.T1;
import io.headway.batching.Workloads;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.planning.AnnealingPlanner;
import io.headway.batching.planning.BucketPlanner;
import io.headway.batching.planning.LatencySurface;
import io.headway.batching.planning.LengthBuckets;
import io.headway.batching.planning.ListSchedule;
import io.headway.batching.planning.SliceBatches;
import io.headway.batching.planning.SloAnnealing;
import io.headway.batching.planning.SloOdbs;
import io.headway.batching.planning.SortedF;
import io.headway.batching.planning.VirtualQueuePlanner;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.junit.jupiter.api.Test;

/** Systems that plan over a window or count the future, on a real engine. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class PlannedSystemsTest {
  private static List<Job> predicted(List<Job> jobs) {
    return jobs.stream().map(job -> job.withPrediction(job.output())).toList();
  }

  private static Map<String, Integer> starts(Run run) {
    Map<String, Integer> starts = new TreeMap<>();
    for (Run.Step step : run.steps()) {
      step.admitted().forEach(id -> starts.putIfAbsent(id, step.iteration()));
    }
    return starts;
  }

  private static long total(Run run) {
    return run.finish().entrySet().stream()
        .mapToLong(e -> e.getValue() + 1 - run.job(e.getKey()).arrival())
        .sum();
  }

  // ---- MC-SF

  private static Run mcSf(McSf.Order order, int memory) {
    return Run.with(new McSf(order, FutureFitAdmission.Length.PREDICTED, 0).policy())
        .pool(memory, 1)
        .run(predicted(T1.JOBS));
  }

  @Test
  void mcSfStartsTheShortestThatFitsUntilItsEnd() {
    Run run = mcSf(McSf.Order.PREDICTED, 24);
    assertThat(starts(run)).isEqualTo(Map.of("r1", 0, "r2", 8, "r3", 5, "r4", 5));
    assertThat(total(run)).isEqualTo(37);
    Run benchmark = mcSf(McSf.Order.ARRIVAL, 24);
    assertThat(starts(benchmark)).isEqualTo(Map.of("r1", 0, "r2", 2, "r3", 10, "r4", 10));
    assertThat(total(benchmark)).isEqualTo(41);
    Run larger = mcSf(McSf.Order.PREDICTED, 32);
    assertThat(starts(larger)).isEqualTo(Map.of("r1", 0, "r2", 0, "r3", 5, "r4", 8));
    assertThat(total(larger)).isEqualTo(32);
  }

  @Property(seed = "151", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void withDeclaredLengthsTheFutureAlwaysFits(
      @ForAll Workloads.Engine engine, @ForAll List<Job> jobs) {
    Run run =
        Run.with(new McSf(McSf.Order.PREDICTED, FutureFitAdmission.Length.DECLARED, 0).policy())
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), Integer.MAX_VALUE)
            .run(jobs);
    assertThat(run.preemptions()).isZero();
  }

  // ---- Sorted-F

  @Test
  void sortedFStartsTheSetWithTheSmallestF() {
    List<Job> jobs = new ArrayList<>();
    for (String id : List.of("a1", "a2")) {
      jobs.add(new Job(id, 0, 16, 1, 1).withPrediction(1));
    }
    for (String id : List.of("b1", "b2", "b3", "b4", "b5")) {
      jobs.add(new Job(id, 0, 2, 2, 2).withPrediction(2));
    }
    Run run =
        Run.with(SortedFServing.DEFAULT.policy())
            .pool(20, 1)
            .limits(10, Integer.MAX_VALUE)
            .run(jobs);
    assertThat(starts(run))
        .isEqualTo(Map.of("a1", 2, "a2", 3, "b1", 0, "b2", 0, "b3", 0, "b4", 0, "b5", 0));
    assertThat(total(run)).isEqualTo(17);
  }

  @Property(seed = "152", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void sortedFRunsItsOrderAsAListSchedule(
      @ForAll @Size(min = 1, max = 9) List<@IntRange(min = 1, max = 12) Integer> prompts,
      @ForAll @Size(min = 1, max = 9) List<@IntRange(min = 1, max = 8) Integer> outputs,
      @ForAll @IntRange(min = 20, max = 48) int memory) {
    int n = prompts.size();
    int[] p = prompts.stream().mapToInt(i -> i).toArray();
    int[] o = new int[n];
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      o[i] = outputs.get(i % outputs.size());
      jobs.add(new Job("j" + i, 0, p[i], o[i], o[i]).withPrediction(o[i]));
    }
    Run run =
        Run.with(SortedFServing.DEFAULT.policy())
            .pool(memory, 1)
            .limits(16, Integer.MAX_VALUE)
            .run(jobs);
    int[] order =
        SortedF.order(new SortedF(SortedF.Method.F, 12).groups(p, o, memory, tokens -> tokens));
    int[] expected = ListSchedule.starts(p, o, memory, order);
    for (int i = 0; i < n; i++) {
      assertThat(starts(run)).containsEntry("j" + i, expected[i]);
    }
  }

  // ---- SCLS

  private static Scls scls(int sliceTokens) {
    return new Scls(
        new SliceBatches(
            sliceTokens, new LatencySurface(0.01, 0, 0, 2), new LatencySurface(0.001, 0.1, 0, 4)),
        0.5,
        0,
        PreemptionMode.RECOMPUTE);
  }

  @Test
  void sclsRunsTheBatchWithTheLongestTimeFirstForOneSlice() {
    int[] lengths = {12, 200, 30, 28, 15, 190, 100};
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      jobs.add(new Job("q" + i, 0, lengths[i], 20, 20));
    }
    Run run = Run.with(scls(16).policy()).pool(700, 1).limits(16, Integer.MAX_VALUE).run(jobs);
    List<List<String>> started =
        run.steps().stream().map(Run.Step::admitted).filter(ids -> !ids.isEmpty()).toList();
    assertThat(started.get(0)).containsExactly("q6", "q5", "q1");
    assertThat(started.get(1)).containsExactly("q0", "q4", "q3", "q2");
    assertThat(run.step(0).paddingTokens()).isEqualTo(3 * 200 - 490);
    assertThat(run.step(16).preempted()).containsExactly("q6", "q5", "q1");
    assertThat(run.step(16).admitted()).isEqualTo(started.get(1));
  }

  @Property(seed = "153", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void sclsNeverRunsAMemberBeyondItsSlice(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 10) int slice) {
    Run run =
        Run.with(scls(slice).policy())
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), Integer.MAX_VALUE)
            .run(jobs);
    Map<String, Integer> emitted = new HashMap<>();
    Set<String> live = new HashSet<>();
    for (Run.Step step : run.steps()) {
      live.removeAll(step.preempted());
      if (!step.admitted().isEmpty()) {
        assertThat(live).as("a batch nobody joins").isEmpty();
        step.admitted().forEach(id -> emitted.put(id, 0));
        live.addAll(step.admitted());
      }
      step.rows().forEach(row -> emitted.merge(row.id(), 1, Integer::sum));
      assertThat(emitted.values()).allMatch(tokens -> tokens <= slice);
      live.removeAll(step.finished());
    }
    if (slice >= 9) {
      assertThat(run.preemptions()).as("a slice of everything is static batching").isZero();
    }
  }

  // ---- BucketServe

  @Test
  void bucketServePrefillsOneBucketAtATime() {
    int[] lengths = {20, 35, 50, 60, 90, 110, 130, 300, 700, 1500};
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      jobs.add(new Job("q" + i, 0, lengths[i], 1, 1));
    }
    Run run =
        Run.with(
                new BucketServe(new LengthBuckets(2048, 0.5), 0.9, BucketPlanner.Pick.OLDEST, 1024)
                    .policy())
            .pool(10_000, 1)
            .limits(3, Integer.MAX_VALUE)
            .run(jobs);
    assertThat(run.steps().stream().map(Run.Step::admitted))
        .containsExactly(
            List.of("q0", "q1", "q2"),
            List.of("q3", "q4", "q5"),
            List.of("q6", "q7", "q8"),
            List.of("q9"));
    assertThat(run.steps().stream().map(Run.Step::paddingTokens))
        .containsExactly(45, 70, 3 * 700 - 1130, 0);
  }

  // ---- annealing and UELLM

  @Property(seed = "154", tries = 150, edgeCases = EdgeCasesMode.NONE)
  void plannedBatchesRunOneAfterAnother(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 3) int maxBatch) {
    AnnealingPlanner planner =
        new AnnealingPlanner(
            new SloAnnealing(maxBatch, 500, 200, 0.8, 10),
            LatencySurface.DEFAULT_PREFILL,
            LatencySurface.DEFAULT_DECODE,
            AnnealingPlanner.Objectives.DEFAULT,
            16);
    for (var policy :
        List.of(
            new SloAware(planner, 64).policy(),
            new Uellm(new SloOdbs(0.5, 0.01, 1, 1, 1e9, maxBatch), 1).policy())) {
      Run run =
          Run.with(policy)
              .pool(engine.blocks(), engine.blockTokens())
              .limits(engine.maxSequences(), Integer.MAX_VALUE)
              .run(jobs);
      Set<String> live = new HashSet<>();
      for (Run.Step step : run.steps()) {
        live.addAll(step.admitted());
        assertThat(live.size()).isLessThanOrEqualTo(maxBatch);
        live.removeAll(step.finished());
        live.removeAll(step.preempted());
      }
    }
  }

  @Test
  void uellmRunsRequestsOfLikeOutputTogether() {
    List<Job> jobs = new ArrayList<>();
    int[] outputs = {50, 4, 60, 5};
    for (int i = 0; i < outputs.length; i++) {
      jobs.add(new Job("q" + i, 0, 4, outputs[i], outputs[i]).withPrediction(outputs[i]));
    }
    Run run =
        Run.with(new Uellm(new SloOdbs(0, 1, 1, 1, 120, 10), 1).policy()).pool(1000, 1).run(jobs);
    assertThat(run.steps().stream().map(Run.Step::admitted).filter(ids -> !ids.isEmpty()).toList())
        .containsExactly(List.of("q1", "q3"), List.of("q0"), List.of("q2"));
  }

  // ---- FineInfer

  @Property(seed = "155", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void fineInferDefersNobodyLongerThanItsBound(
      @ForAll List<Job> jobs,
      @ForAll @IntRange(max = 6) int defer,
      @ForAll @IntRange(min = 1, max = 4) int batch) {
    Run run =
        Run.with(new FineInfer(defer, 0).policy())
            .pool(1000, 1)
            .limits(batch, Integer.MAX_VALUE)
            .run(jobs);
    Map<String, Integer> starts = starts(run);
    for (Run.Step step : run.steps()) {
      if (!step.rows().isEmpty()) {
        continue;
      }
      // The engine had this iteration for its fine-tuning job.
      List<Job> waiting =
          jobs.stream()
              .filter(j -> j.arrival() <= step.iteration())
              .filter(j -> starts.get(j.id()) > step.iteration())
              .toList();
      assertThat(waiting.size()).isLessThan(batch);
      assertThat(waiting).allMatch(job -> step.iteration() - job.arrival() < defer);
    }
    Run plain =
        Run.with(Orca.DEFAULT.policy()).pool(1000, 1).limits(batch, Integer.MAX_VALUE).run(jobs);
    if (defer == 0) {
      assertThat(run.finish()).isEqualTo(plain.finish());
    }
  }

  // ---- QLM

  @Test
  void qlmServesAGroupInOrderOfArrivalAndKeepsToItsBackPressure() {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      jobs.add(new Job("q" + i, i % 3, 4, 3 + i % 4, 8));
    }
    Run run =
        Run.with(new Qlm(VirtualQueuePlanner.Parameters.DEFAULT, 2, 64).policy())
            .pool(400, 1)
            .limits(8, Integer.MAX_VALUE)
            .run(jobs);
    assertThat(run.preemptions()).isZero();
    assertThat(run.steps()).allMatch(step -> step.rows().size() <= 2);
    assertThat(run.steps().stream().flatMap(step -> step.admitted().stream()))
        .containsExactly("q0", "q3", "q6", "q1", "q4", "q2", "q5");
  }

  /** A long batch group yields, by swap, to a request that would otherwise miss its objective. */
  @Test
  void qlmEvictsALaterGroupOnlyWhenAnObjectiveWouldBeMissed() {
    for (boolean tight : new boolean[] {false, true}) {
      VirtualQueuePlanner.Parameters queue =
          new VirtualQueuePlanner.Parameters(
              100, 100, 20, 1, 0, 40, VirtualQueuePlanner.Replanning.EXACT, 6, 1);
      EngineScheduler scheduler =
          EngineScheduler.builder()
              .policy(new Qlm(queue, 1, 64).policy())
              .limits(Limits.of(4, 64))
              .pool(
                  PagedKvBlockPool.of(
                      PagedKvConfig.of(1, 100).withHostBlocks(100).withPrefixCaching(false)))
              .strict()
              .build();
      long second = 1_000_000_000;
      for (String id : List.of("batch1", "batch2")) {
        scheduler.submit(Request.builder(id, 10, 20).ttftTargetNanos(1000 * second).build(), 0);
      }
      step(scheduler, 1);
      // Two requests of a second each stand before it, one of them in the queue.
      scheduler.submit(
          Request.builder("chat", 5, 2)
              .arrivalNanos(2)
              .ttftTargetNanos(tight ? 3 * second / 2 : 3 * second)
              .build(),
          2);
      BatchPlan plan = step(scheduler, 3);
      assertThat(scheduler.request(plan.handle(0)).id()).isEqualTo(tight ? "chat" : "batch1");
      assertThat(scheduler.stats().swapped()).isEqualTo(tight ? 1 : 0);
    }
  }

  private static BatchPlan step(EngineScheduler scheduler, long now) {
    BatchPlan plan = scheduler.next(now);
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 0);
      }
    }
    scheduler.complete(result, now);
    return plan;
  }
}
