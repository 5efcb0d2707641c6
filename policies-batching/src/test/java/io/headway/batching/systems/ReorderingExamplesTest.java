package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Request;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.prediction.OutputHistory;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.T1;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.order.ApiCallHandling;
import io.headway.batching.order.ClientBufferOrder;
import io.headway.batching.order.ExperienceOrder;
import io.headway.batching.order.NextScheduling;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.order.ProgramTable;
import io.headway.batching.order.QualityOfExperience;
import io.headway.batching.order.Quanta;
import io.headway.batching.order.SkipJoinMlfqOrder;
import io.headway.batching.order.TokenTimes;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The worked examples of the papers' descriptions. */
class ReorderingExamplesTest {
  // ---- FastServe

  /** One job of the example; times in units, which the clock counts in nanoseconds. */
  private record Timed(String id, int arrival, int first, int output) {}

  /** Runs jobs one at a time and returns their response times. */
  private static Map<String, Integer> mlfq(long promotion, boolean skipJoin, List<Timed> jobs) {
    SkipJoinMlfqOrder.Parameters queue =
        new SkipJoinMlfqOrder.Parameters(
            Quanta.of(1, 2, 4, 8),
            new TokenTimes(0, 1e-9, 1e-9),
            skipJoin,
            promotion,
            QueueEnd.TAIL,
            1,
            SkipJoinMlfqOrder.Demotion.INCLUSIVE,
            SkipJoinMlfqOrder.Target.FITTING,
            PreemptionMode.RECOMPUTE);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new FastServe(queue, 1, 0, -1).policy())
            .limits(Limits.of(8, 1000))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(1, 200).withPrefixCaching(false)))
            .strict()
            .build();
    Map<String, Integer> produced = new LinkedHashMap<>();
    Map<String, Integer> responses = new LinkedHashMap<>();
    StepResult result = new StepResult();
    int now = 0;
    int next = 0;
    while (responses.size() < jobs.size()) {
      while (next < jobs.size() && jobs.get(next).arrival() <= now) {
        Timed job = jobs.get(next++);
        Request request =
            Request.builder(job.id(), job.first(), job.output())
                .arrivalNanos(job.arrival())
                .build();
        assertThat(scheduler.submit(request, now).accepted()).isTrue();
      }
      BatchPlan plan = scheduler.next(now);
      assertThat(plan.rows()).isEqualTo(1);
      String id = scheduler.request(plan.handle(0)).id();
      Timed job = jobs.stream().filter(j -> j.id().equals(id)).findFirst().orElseThrow();
      now += produced.containsKey(id) ? 1 : job.first();
      result.begin(plan).token(0, 0);
      if (produced.merge(id, 1, Integer::sum) == job.output()) {
        result.stop(0);
        responses.put(id, now - job.arrival());
      }
      scheduler.complete(result, now);
    }
    return responses;
  }

  @Test
  void fastServeSkipsQueues() {
    List<Timed> jobs =
        List.of(
            new Timed("J1", 0, 4, 9),
            new Timed("J2", 0, 1, 3),
            new Timed("J3", 0, 2, 1),
            new Timed("J4", 1, 1, 2));
    assertThat(mlfq(0, true, jobs))
        .containsExactlyInAnyOrderEntriesOf(Map.of("J1", 19, "J2", 6, "J3", 4, "J4", 6));
    Map<String, Integer> naive = mlfq(0, false, jobs);
    assertThat(naive.values().stream().mapToInt(r -> r).average().orElseThrow()).isEqualTo(12.5);
  }

  @Test
  void fastServePromotesTheStarving() {
    List<Timed> jobs =
        List.of(
            new Timed("J1", 0, 4, 3),
            new Timed("J2", 0, 1, 8),
            new Timed("J3", 2, 1, 2),
            new Timed("J4", 4, 1, 2));
    assertThat(mlfq(6, true, jobs))
        .containsExactlyInAnyOrderEntriesOf(Map.of("J1", 14, "J2", 18, "J3", 4, "J4", 8));
  }

  @Test
  void fastServeEstimatesTheNextSchedulingTime() {
    Quanta quanta = Quanta.of(1_000_000_000L, 2_000_000_000L, 4_000_000_000L, 8_000_000_000L);
    int[] jobs = {0, 1, 2, 1, 1};
    double[] execute = {0, 0.5, 3.5, 11.5};
    for (int level = 1; level <= 4; level++) {
      assertThat(NextScheduling.executeSeconds(quanta, jobs, level, 2))
          .isCloseTo(execute[level - 1], within(1e-12));
    }
    assertThat(NextScheduling.promoteSeconds(10, 7)).isEqualTo(3);
    boolean[] onDevice = {true, true, true, false};
    int[] moved =
        NextScheduling.swaps(
            new double[] {0, 3.5, 3, 1},
            new String[] {"a", "b", "c", "d"},
            new int[] {3, 2, 4, 2},
            onDevice,
            1,
            5,
            1);
    assertThat(moved).containsExactly(1, 2);
    assertThat(onDevice).containsExactly(true, false, false, false);
  }

  @Test
  void quantaMustGrow() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Quanta.of(2, 2))
        .withMessage("quanta must be above 0 ns and grow from level to level, but were [2, 2] ns");
    assertThatIllegalArgumentException()
        .isThrownBy(Quanta::of)
        .withMessage("quanta must have at least 1 level, but have none");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Quanta.geometric(5, 1, 3))
        .withMessage(
            "quanta must have a first quantum of at least 1 ns, a ratio of at least 2 and at least"
                + " 1 level, but were given 5 ns, 1 and 3");
    assertThat(Quanta.geometric(1L << 40, 1024, 64).levels()).isLessThan(64);
  }

  // ---- learning to rank

  @Test
  void learnedRankTakesTurns() {
    List<Job> jobs =
        List.of(
            new Job("a", 0, 1, 5, 5).withPrediction(9),
            new Job("b", 0, 1, 3, 3).withPrediction(2),
            new Job("c", 1, 1, 3, 3).withPrediction(3),
            new Job("d", 2, 1, 3, 3).withPrediction(1),
            new Job("e", 4, 1, 3, 3).withPrediction(2));
    assertThat(ran(new LearnedRank(4, 2, 1000, PreemptionMode.RECOMPUTE), jobs))
        .isEqualTo("b b d d a c b c d e e a c a e a a");
    assertThat(ran(new LearnedRank(0, 2, 1000, PreemptionMode.RECOMPUTE), jobs))
        .isEqualTo("b b d d d b e e e c c c a a a a a");
  }

  @Test
  void whoLacksOneTokenOfARecomputationKeepsItsPlace() {
    List<Job> jobs =
        List.of(new Job("a", 0, 1, 4, 4), new Job("b", 0, 1, 4, 4), new Job("c", 0, 1, 4, 4));
    // Everybody is promoted in turn, and four known tokens take two iterations of three.
    LearnedRank system = new LearnedRank(2, 1, 3, PreemptionMode.RECOMPUTE);
    assertThat(Run.with(system.policy()).limits(1, 100).run(jobs).finish())
        .containsOnlyKeys("a", "b", "c");
  }

  private static String ran(LearnedRank system, List<Job> jobs) {
    Run run = Run.with(system.policy()).pool(100, 1).limits(1, 1000).run(jobs);
    List<String> ids = new ArrayList<>();
    run.steps().forEach(step -> step.rows().forEach(row -> ids.add(row.id())));
    return String.join(" ", ids);
  }

  // ---- Past-Future

  @Test
  void pastFutureDrawsFromLongerOutputs() {
    OutputHistory history = new OutputHistory(100, 0, 1);
    for (int length : new int[] {2, 3, 4, 4, 5, 8, 9, 12}) {
      history.observe(length);
    }
    assertThat(PeakForecastAdmission.drawTokens(history, 2, 16, 0.5)).isEqualTo(5);
    assertThat(PeakForecastAdmission.drawTokens(history, 4, 16, 0.5)).isEqualTo(9);
    assertThat(PeakForecastAdmission.drawTokens(history, 0, 16, 0.9)).isEqualTo(12);
    assertThat(PeakForecastAdmission.drawTokens(history, 0, 16, 0.1)).isEqualTo(2);
    assertThat(PeakForecastAdmission.drawTokens(history, 12, 16, 0.1)).isEqualTo(16);
    assertThat(PeakForecastAdmission.fits(45, 48, 0.05, false)).isTrue();
    assertThat(PeakForecastAdmission.fits(46, 48, 0.05, false)).isFalse();
    assertThat(PeakForecastAdmission.fits(48, 48, 0, false)).isTrue();
    assertThat(PeakForecastAdmission.fits(48, 48, 0, true)).isFalse();
    assertThat(history.median()).isEqualTo(4.5);
  }

  @Test
  void aReserveOfEverythingAdmitsIntoAnIdleInstanceOnly() {
    PastFuture system =
        new PastFuture(PeakForecastAdmission.Parameters.DEFAULT.withReserveFraction(1), 1);
    Run run = Run.with(system.policy()).run(T1.JOBS);
    assertThat(run.steps()).allSatisfy(step -> assertThat(step.rows()).hasSizeLessThan(2));
    assertThat(run.finish()).hasSize(4);
  }

  // ---- the reading list

  @Test
  void aliseOrdersByLevel() {
    double[] times = {3, 4, 10, 20};
    assertThat(PredictedTimeOrder.estimatedWaitSeconds(times, 2)).containsExactly(0, 1.5, 3.5, 8.5);
    double[] bounds = {4, 5, 11};
    assertThat(PredictedTimeOrder.levelOf(3, bounds)).isEqualTo(1);
    assertThat(PredictedTimeOrder.levelOf(4, bounds)).isEqualTo(2);
    assertThat(PredictedTimeOrder.levelOf(20, bounds)).isEqualTo(4);
    TokenTimes times2 = new TokenTimes(0, 0.05, 0.5);
    assertThat(PredictedTimeOrder.remainingSeconds(times2, 27, false, 19, 15))
        .isCloseTo(3.35, within(1e-12));
    assertThat(PredictedTimeOrder.remainingSeconds(times2, 34, true, 1, 0)).isEqualTo(0.5);
  }

  @Test
  void autellixAddsUpPrograms() {
    ProgramTable table = new ProgramTable(10);
    table.finished("p1", "x", 0, 4, 0);
    table.finished("p1", "y", 0, 3, 0);
    table.finished("p2", "z", 0, 2, 0);
    assertThat(table.attainedNanos("p1")).isEqualTo(7);
    assertThat(table.attainedNanos("p2")).isEqualTo(2);
    assertThat(table.attainedNanos("p3")).isZero();
    table.finished("q", "c1", 0, 4, 0);
    table.finished("q", "c2", table.pathNanos("c1"), 3, 0);
    table.finished("q", "c3", table.pathNanos("c1"), 6, 0);
    assertThat(Math.max(table.pathNanos("c2"), table.pathNanos("c3"))).isEqualTo(10);
  }

  @Test
  void autellixForgetsTheProgramNotedFirst() {
    ProgramTable table = new ProgramTable(2);
    table.finished("p1", "a", 0, 4, 0);
    table.finished("p2", "b", 0, 3, 0);
    table.finished("p3", "c", 0, 2, 0);
    assertThat(table.attainedNanos("p1")).isZero();
    assertThat(table.attainedNanos("p2")).isEqualTo(3);
    assertThat(table.pathNanos("a")).isZero();
  }

  @Test
  void lampsChoosesTheLeastWaste() {
    assertThat(ApiCallHandling.choose(500, 2000, 0.1, 0.2, 0.05))
        .isEqualTo(ApiCallHandling.PRESERVE);
    assertThat(ApiCallHandling.choose(500, 2000, 20, 0.2, 0.05)).isEqualTo(ApiCallHandling.SWAP);
    assertThat(ApiCallHandling.DISCARD.wasteTokenSeconds(500, 2000, 20, 0.2, 0.05)).isEqualTo(500);
    // 74.3 each, although 0.1 * 443 + 0.1 * 300 is not 2 * 0.05 * 743 to the last digit.
    assertThat(ApiCallHandling.choose(443, 300, 20, 0.1, 0.05)).isEqualTo(ApiCallHandling.DISCARD);
  }

  @Test
  void autellixCountsHowLongProgramsWait() {
    ProgramTable table = new ProgramTable(2);
    table.finished("p1", "a", 0, 4, 3);
    table.finished("p1", "b", 0, 4, 5);
    assertThat(table.waitedNanos("p1")).isEqualTo(8);
    table.forgetWait("p1");
    assertThat(table.waitedNanos("p1")).isZero();
    assertThat(table.attainedNanos("p1")).isEqualTo(8);
  }

  @Test
  void pastFutureRemembersNoMoreThanMemoryHolds() {
    assertThatThrownBy(
            () ->
                new PeakForecastAdmission.Parameters(
                    PeakForecastAdmission.Forecast.HISTORY, 0, Integer.MAX_VALUE, 1, 0, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("historyWindow must be at most 1048576 outputs, but was 2147483647");
  }

  @Test
  void andesMeasuresExperience() {
    double[] late = new double[10];
    double[] fast = new double[10];
    for (int i = 0; i < 10; i++) {
      late[i] = 2 + 0.1 * i;
      fast[i] = 0.5 + 0.05 * i;
    }
    assertThat(QualityOfExperience.of(late, 1, 5)).isCloseTo(0.473684, within(1e-6));
    assertThat(QualityOfExperience.of(fast, 1, 5)).isEqualTo(1);
    double[] stall = {1, 1.2, 1.4, 3.4, 3.6, 3.8, 4, 4.2, 4.4, 4.6};
    assertThat(QualityOfExperience.of(stall, 1, 5)).isCloseTo(0.533333, within(1e-6));
    assertThat(QualityOfExperience.of(new double[0], 1, 5)).isEqualTo(1);
    assertThat(ExperienceOrder.priority(0.95, 0.5, 100)).isCloseTo(0.0045, within(1e-12));
  }

  @Test
  void tokenFlowCountsWhatIsLeftToRead() {
    assertThat(ClientBufferOrder.bufferSeconds(50, 4, 10)).isCloseTo(1, within(1e-12));
    assertThat(ClientBufferOrder.bufferSeconds(10, 2, 10)).isZero();
    assertThat(ClientBufferOrder.bufferSeconds(40, 3, 5)).isCloseTo(5, within(1e-12));
  }
}
