package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SloAnnealingTest {
  private static final LatencySurface PREFILL = new LatencySurface(1e-4, 0.01, 1e-3, 0.02);
  private static final LatencySurface DECODE = new LatencySurface(1e-5, 1e-3, 1e-5, 0.01);
  private static final SloSchedule SHEET =
      new SloSchedule(
          List.of(
              SloJob.endToEnd(200, 100, 2),
              SloJob.streaming(100, 20, 0.5, 0.03),
              SloJob.endToEnd(50, 150, 9),
              SloJob.streaming(400, 10, 1.2, 0.03)),
          PREFILL,
          DECODE);

  @Test
  void theWorkedExample() {
    SloSchedule.Plan firstCome = SHEET.firstCome(2);
    assertThat(firstCome.worth().metCount()).isEqualTo(2);
    assertThat(firstCome.worth().totalSeconds()).isCloseTo(10.3872, within(1e-9));
    assertThat(firstCome.worth().objective()).isCloseTo(0.192545, within(1e-6));
    SloSchedule.Best best = SHEET.best(2);
    assertThat(best.unique()).isTrue();
    assertThat(best.plan().batches()).isDeepEqualTo(new int[][] {{1, 3}, {0, 2}});
    assertThat(best.plan().worth().metCount()).isEqualTo(3);
    assertThat(best.plan().worth().totalSeconds()).isCloseTo(7.4475, within(1e-9));
    assertThat(best.plan().worth().objective()).isCloseTo(0.40282, within(1e-6));
    SloAnnealing.Start start = SloAnnealing.withBatchesOf(2).start(SHEET);
    assertThat(start.better()).isSameAs(start.ascending());
    assertThat(start.stopEarly()).isFalse();
    assertThat(start.ascending().worth().objective())
        .isEqualTo(best.plan().worth().objective(), within(1e-12));
  }

  @Test
  void acceptsTheLossOfAllOfTheStartWithProbabilityOneOverEAtFirst() {
    double kappa = 0.2 / 500;
    assertThat(SloAnnealing.acceptProbability(kappa, 0.2, 0, 500))
        .isCloseTo(Math.exp(-1), within(1e-12));
    assertThat(SloAnnealing.acceptProbability(kappa, 0.2, 0.3, 500)).isEqualTo(1);
    assertThat(SloAnnealing.acceptProbability(0, 0.2, 0.1, 500)).isZero();
  }

  @Test
  void noJobOrOneIsPlannedAsItIs() {
    SloAnnealing annealing = SloAnnealing.withBatchesOf(2);
    SloSchedule none = new SloSchedule(List.of(), PREFILL, DECODE);
    assertThat(annealing.plan(none, RandomSource.seeded(1)).batches()).isEmpty();
    SloSchedule one = new SloSchedule(List.of(SloJob.endToEnd(9, 9, 0)), PREFILL, DECODE);
    assertThat(annealing.plan(one, RandomSource.seeded(1)).batches())
        .isDeepEqualTo(new int[][] {{0}});
  }

  @Provide
  Arbitrary<SloJob> jobs() {
    return Combinators.combine(
            Arbitraries.integers().between(1, 500),
            Arbitraries.integers().between(1, 200),
            Arbitraries.of(true, false),
            Arbitraries.doubles().between(0.1, 12))
        .as(
            (input, output, endToEnd, slo) ->
                endToEnd
                    ? SloJob.endToEnd(input, output, slo)
                    : SloJob.streaming(input, output, slo, 0.01 + slo / 200));
  }

  @Property(seed = "91", tries = 60, edgeCases = EdgeCasesMode.NONE)
  void neverWorseThanEitherStartAndAPartition(
      @ForAll @Size(max = 20) List<@net.jqwik.api.From("jobs") SloJob> jobs,
      @ForAll @IntRange(min = 1, max = 6) int maxBatch,
      @ForAll long seed) {
    SloSchedule schedule = new SloSchedule(jobs, PREFILL, DECODE);
    SloAnnealing annealing = SloAnnealing.withBatchesOf(maxBatch);
    SloSchedule.Plan plan = annealing.plan(schedule, RandomSource.seeded(seed));
    SloAnnealing.Start start = annealing.start(schedule);
    assertThat(plan.worth().objective())
        .isGreaterThanOrEqualTo(start.firstCome().worth().objective())
        .isGreaterThanOrEqualTo(start.ascending().worth().objective());
    assertThat(schedule.worth(plan.batches())).isEqualTo(plan.worth());
    List<Integer> members = new ArrayList<>();
    for (int[] batch : plan.batches()) {
      assertThat(batch.length).isBetween(1, maxBatch);
      Arrays.stream(batch).forEach(members::add);
    }
    assertThat(members)
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, jobs.size()).boxed().toList());
    assertThat(annealing.plan(schedule, RandomSource.seeded(seed)).batches())
        .isDeepEqualTo(plan.batches());
  }

  /**
   * A goal of ours: the optimum of at most six jobs in at least nine of ten runs, seeds 1 to 20.
   */
  @Test
  void findsTheOptimumOfSmallCasesInNineOfTenRuns() {
    RandomSource random = RandomSource.seeded(7);
    int found = 0;
    int runs = 0;
    for (int example = 0; example < 6; example++) {
      List<SloJob> jobs = new ArrayList<>();
      int n = 4 + example % 3;
      for (int i = 0; i < n; i++) {
        int input = 20 + random.nextInt(400);
        int output = 5 + random.nextInt(150);
        double slo = 0.3 + 8 * random.nextDouble();
        jobs.add(
            random.nextInt(2) == 0
                ? SloJob.endToEnd(input, output, slo)
                : SloJob.streaming(input, output, slo, 0.03));
      }
      SloSchedule schedule = new SloSchedule(jobs, PREFILL, DECODE);
      int maxBatch = 1 + example % 4;
      double optimum = schedule.best(maxBatch).plan().worth().objective();
      for (int seed = 1; seed <= 20; seed++) {
        double got =
            SloAnnealing.withBatchesOf(maxBatch)
                .plan(schedule, RandomSource.seeded(seed))
                .worth()
                .objective();
        assertThat(got).isLessThanOrEqualTo(optimum * (1 + 1e-12));
        found += got >= optimum * (1 - 1e-12) ? 1 : 0;
        runs++;
      }
    }
    assertThat(found).as("of %s runs", runs).isGreaterThanOrEqualTo(runs * 9 / 10);
  }
}
