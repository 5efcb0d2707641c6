package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Claims;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.Workloads;
import io.headway.batching.admission.LaneAdmission;
import io.headway.batching.composition.BackfillComposer;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.order.LaneExpiry;
import io.headway.batching.order.TokenTimes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

/** The batch lane fills what is left, expires, and is invisible to interactive requests. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class BatchLaneTest {
  private static ComposedBatchingPolicy lane(
      int budget, int laneTokens, int headroom, BackfillComposer.AtExpiry atExpiry) {
    return new BatchLane(
            budget,
            laneTokens,
            LaneAdmission.ofBlocks(headroom),
            LaneExpiry.DEFAULT,
            atExpiry,
            BackfillComposer.Yielding.HELPFUL)
        .policy();
  }

  @Test
  void theWorkedExample() {
    List<Job> jobs =
        List.of(
            new Job("b1", 0, 12, 4, 4).inLane(30),
            new Job("b2", 0, 8, 3, 3).inLane(9),
            new Job("b3", 0, 16, 2, 2).inLane(3),
            new Job("r1", 1, 10, 5, 8),
            new Job("r2", 2, 6, 4, 8));
    Run run = Run.with(lane(16, 0, 2, BackfillComposer.AtExpiry.FINISH)).run(jobs);
    assertThat(run.table())
        .containsExactly(
            "b3:P16 |  | 4",
            "b2:P5 b3:D1 r1:P10 |  | 10",
            "b1:P6 b2:P3 r1:D1 r2:P6 |  | 9",
            "b1:P6 b2:D1 r1:D1 r2:D1 |  | 11",
            "b2:D1 r1:D1 r2:D1 | b1 | 9",
            "r1:D1 r2:D1 |  | 7",
            "b1:P13 |  | 4",
            "b1:D1 |  | 4",
            "b1:D1 |  | 4");
    assertThat(run.firstToken()).isEqualTo(Map.of("b1", 3, "b2", 2, "b3", 0, "r1", 1, "r2", 2));
    assertThat(run.finish()).isEqualTo(Map.of("b1", 8, "b2", 4, "b3", 1, "r1", 5, "r2", 5));
    assertThat(run.expired()).isEmpty();
  }

  @Test
  void aHeadroomOfThePoolClosesTheLaneAndEverythingInItExpires() {
    List<Job> jobs = List.of(new Job("l", 0, 4, 2, 2).inLane(3), new Job("i", 0, 4, 2, 2));
    Run run = Run.with(lane(16, 0, 12, BackfillComposer.AtExpiry.FINISH)).run(jobs);
    assertThat(run.expired()).isEqualTo(Map.of("l", 3));
    assertThat(run.finish()).isEqualTo(Map.of("i", 1));
  }

  @Test
  void whatRunsAtItsExpiryGoesOnOrIsEnded() {
    List<Job> jobs = List.of(new Job("l", 0, 4, 6, 6).inLane(2));
    assertThat(Run.with(lane(16, 0, 0, BackfillComposer.AtExpiry.FINISH)).run(jobs).finish())
        .isEqualTo(Map.of("l", 5));
    Run aborted = Run.with(lane(16, 0, 0, BackfillComposer.AtExpiry.ABORT)).run(jobs);
    assertThat(aborted.finish()).isEmpty();
    assertThat(aborted.expired()).isEqualTo(Map.of("l", 2));
  }

  @Test
  void workWithoutATimeOfItsOwnExpiresADayAfterItsArrival() {
    assertThat(LaneExpiry.DEFAULT.defaultNanos()).isEqualTo(86_400_000_000_000L);
  }

  @Test
  void promisesThatNoInteractiveTokenComesAnIterationLater() {
    assertThat(BatchLane.DEFAULT.policy().claims().bound(Claims.Bound.INTERACTIVE_DELAY_ITERATIONS))
        .hasValue(0);
  }

  /** Every third job becomes batch work. */
  private static List<Job> mixed(List<Job> jobs, int spread) {
    List<Job> mixed = new ArrayList<>();
    for (int i = 0; i < jobs.size(); i++) {
      Job job = jobs.get(i);
      boolean batch = (i + spread) % 3 != 0;
      // Generated jobs may be in the lane already; here the spread alone decides.
      int expires = batch ? job.arrival() + (i * 7 + spread) % 40 : Job.INTERACTIVE;
      mixed.add(job.inLane(expires));
    }
    return mixed;
  }

  private static Map<Integer, List<String>> interactiveRows(Run run) {
    Map<Integer, List<String>> rows = new TreeMap<>();
    for (Run.Step step : run.steps()) {
      List<String> here =
          step.rows().stream()
              .filter(row -> run.job(row.id()).isInteractive())
              .map(Run.Row::toString)
              .sorted()
              .toList();
      if (!here.isEmpty()) {
        rows.put(step.iteration(), here);
      }
    }
    return rows;
  }

  @Property(seed = "141", tries = 1200, edgeCases = EdgeCasesMode.NONE)
  void interactiveRequestsGetTheSameTokensInTheSameIterationsAsWithoutTheLane(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 4, max = 20) int budget,
      @ForAll @IntRange(min = 0, max = 3) int headroom,
      @ForAll @IntRange(min = 0, max = 5) int laneTokens,
      @ForAll @IntRange(min = 0, max = 2) int spread,
      @ForAll boolean abort) {
    List<Job> mixed = mixed(jobs, spread);
    BackfillComposer.AtExpiry atExpiry =
        abort ? BackfillComposer.AtExpiry.ABORT : BackfillComposer.AtExpiry.FINISH;
    Run with = run(lane(budget, laneTokens, headroom, atExpiry), engine, mixed);
    List<Job> alone = mixed.stream().filter(Job::isInteractive).toList();
    Run without = run(lane(budget, laneTokens, headroom, atExpiry), engine, alone);
    Run vllm = run(new VllmV1(budget, VllmV1.Order.FCFS, 0, true).policy(), engine, alone);
    assertThat(interactiveRows(with)).isEqualTo(interactiveRows(without));
    assertThat(interactiveRows(without)).isEqualTo(interactiveRows(vllm));
    for (Run.Step step : with.steps()) {
      int lane =
          step.rows().stream()
              .filter(row -> !with.job(row.id()).isInteractive())
              .mapToInt(Run.Row::tokens)
              .sum();
      assertThat(step.tokens()).isLessThanOrEqualTo(budget);
      if (laneTokens > 0) {
        assertThat(lane).isLessThanOrEqualTo(laneTokens);
      }
    }
    Statistics.label("lane runs").collect(with.finish().size() > without.finish().size());
    Statistics.label("lane yields")
        .collect(with.preemptions() > without.preemptions())
        .coverage(seen -> seen.check(true).percentage(share -> share > 3));
    Statistics.label("expires")
        .collect(!with.expired().isEmpty())
        .coverage(seen -> seen.check(true).percentage(share -> share > 10));
  }

  private static Run run(ComposedBatchingPolicy policy, Workloads.Engine engine, List<Job> jobs) {
    return Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .run(jobs);
  }

  @Property(seed = "142", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void batchWorkStartsOnlyInTimeAndWhileNoInteractiveRequestWaits(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 0, max = 2) int spread) {
    List<Job> mixed = mixed(jobs, spread);
    Run run = run(lane(12, 0, 1, BackfillComposer.AtExpiry.FINISH), engine, mixed);
    List<String> waiting = new ArrayList<>();
    for (Run.Step step : run.steps()) {
      for (Job job : mixed) {
        boolean arrives = job.arrival() == step.iteration() && job.isInteractive();
        if (arrives && !step.rejected().contains(job.id())) {
          waiting.add(job.id());
        }
      }
      waiting.addAll(step.preempted().stream().filter(id -> run.job(id).isInteractive()).toList());
      waiting.removeAll(step.admitted());
      for (String id : step.admitted()) {
        Job job = run.job(id);
        if (!job.isInteractive()) {
          assertThat(waiting).isEmpty();
          assertThat(step.iteration()).isLessThan(job.expires());
        }
      }
    }
    run.expired().forEach((id, at) -> assertThat(at).isGreaterThanOrEqualTo(run.job(id).expires()));
  }

  @Property(seed = "143", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void jumpsAndPlansInFlightChangeNoEnd(@ForAll Workloads.Engine engine, @ForAll List<Job> jobs) {
    List<Job> mixed = mixed(jobs, 1);
    ComposedBatchingPolicy policy = lane(9, 0, 1, BackfillComposer.AtExpiry.ABORT);
    Run stepping = run(policy, engine, mixed);
    Run jumping =
        Run.with(policy)
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), Integer.MAX_VALUE)
            .fastForward()
            .run(mixed);
    assertThat(jumping.finish()).isEqualTo(stepping.finish());
    assertThat(jumping.expired()).isEqualTo(stepping.expired());
    Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .depth(2)
        .cancelling(5)
        .run(mixed);
  }

  /** A lane whose waiting work is urgent below a slack; one nanosecond is one iteration. */
  private static ComposedBatchingPolicy urgent(int budget, int headroom, long marginNanos) {
    return new BatchLane(
            budget,
            0,
            LaneAdmission.ofBlocks(headroom),
            new LaneExpiry(1_000_000, marginNanos, new TokenTimes(1e-9, 0, 1e-9)),
            BackfillComposer.AtExpiry.FINISH,
            BackfillComposer.Yielding.HELPFUL)
        .policy();
  }

  @Test
  void batchWorkYieldsInVainOnlyIfToldTo() {
    // i1 keeps 8 of 12 blocks, b 2; i2 needs 5, which the two free ones and b's do not make up.
    List<Job> jobs =
        List.of(
            new Job("i1", 0, 31, 4, 4),
            new Job("b", 0, 7, 6, 6).inLane(90),
            new Job("i2", 1, 20, 2, 2));
    for (BackfillComposer.Yielding yielding : BackfillComposer.Yielding.values()) {
      ComposedBatchingPolicy policy =
          new BatchLane(
                  64,
                  0,
                  LaneAdmission.ofBlocks(0),
                  LaneExpiry.DEFAULT,
                  BackfillComposer.AtExpiry.FINISH,
                  yielding)
              .policy();
      Run run = Run.with(policy).pool(12, 4).limits(4, 64).run(jobs);
      boolean always = yielding == BackfillComposer.Yielding.ALWAYS;
      assertThat(run.step(1).preempted()).isEqualTo(always ? List.of("b") : List.of());
      assertThat(run.step(1).admitted()).isEmpty();
      assertThat(run.step(4).admitted()).startsWith("i2");
    }
  }

  /** Interactive requests without end, one sequence at a time: the lane has no chance. */
  private static List<Job> crowd() {
    List<Job> jobs = new ArrayList<>();
    jobs.add(new Job("l", 0, 4, 3, 3).inLane(20));
    for (int i = 0; i < 12; i++) {
      jobs.add(new Job("i" + (char) ('a' + i), 4 * i, 4, 4, 4));
    }
    return jobs;
  }

  @Test
  void urgentWorkJoinsTheInteractiveQueueAtItsTail() {
    Run never = Run.with(urgent(16, 0, LaneExpiry.NEVER)).limits(1, 16).run(crowd());
    assertThat(never.expired()).containsExactly(Map.entry("l", 20));
    // It would run 3 iterations: urgent as soon as 20 - now - 3 < 5, that is at 13.
    Run promoted = Run.with(urgent(16, 0, 5)).limits(1, 16).run(crowd());
    assertThat(promoted.expired()).isEmpty();
    // The slot is free at 16; the one that arrives then stands behind it.
    assertThat(promoted.firstToken().get("l"))
        .isEqualTo(16)
        .isGreaterThan(promoted.firstToken().get("id"))
        .isLessThan(promoted.firstToken().get("ie"));
    assertThat(promoted.preemptions()).isZero();
  }

  @Test
  void urgentWorkNeedsNoHeadroomAndStillExpires() {
    List<Job> jobs = List.of(new Job("l", 0, 4, 3, 3).inLane(20), new Job("i", 0, 4, 2, 2));
    Run run = Run.with(urgent(16, 12, 5)).run(jobs);
    assertThat(run.firstToken().get("l")).isEqualTo(13);
    // With a single slot that stays taken it is urgent in vain.
    List<Job> busy = List.of(new Job("l", 1, 4, 3, 3).inLane(20), new Job("i", 0, 4, 30, 30));
    assertThat(Run.with(urgent(16, 0, 5)).limits(1, 16).run(busy).expired())
        .isEqualTo(Map.of("l", 20));
  }

  @Test
  void whoIsUrgentNoLongerPromisesNonInterference() {
    assertThat(urgent(16, 0, 5).claims().bound(Claims.Bound.INTERACTIVE_DELAY_ITERATIONS))
        .isEmpty();
  }

  /** Everybody ends exactly once, and nobody who was admitted in time is left behind by jumps. */
  @Property(seed = "144", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void urgencyLosesNobody(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 0, max = 20) int margin,
      @ForAll @IntRange(min = 0, max = 2) int spread) {
    List<Job> mixed = mixed(jobs, spread);
    ComposedBatchingPolicy policy = urgent(12, 1, margin);
    Run stepping = run(policy, engine, mixed);
    for (Job job : mixed) {
      boolean rejected =
          stepping.steps().stream().anyMatch(step -> step.rejected().contains(job.id()));
      int ends =
          (stepping.finish().containsKey(job.id()) ? 1 : 0)
              + (stepping.expired().containsKey(job.id()) ? 1 : 0)
              + (rejected ? 1 : 0);
      assertThat(ends).as(job.id()).isEqualTo(1);
    }
    Run jumping =
        Run.with(policy)
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), Integer.MAX_VALUE)
            .fastForward()
            .run(mixed);
    assertThat(jumping.finish()).isEqualTo(stepping.finish());
    assertThat(jumping.expired()).isEqualTo(stepping.expired());
    Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .depth(2)
        .cancelling(5)
        .run(mixed);
    int expiredWithout =
        run(lane(12, 0, 1, BackfillComposer.AtExpiry.FINISH), engine, mixed).expired().size();
    Statistics.label("fewer expire")
        .collect(stepping.expired().size() < expiredWithout)
        .coverage(seen -> seen.check(true).percentage(share -> share > 2));
  }
}
