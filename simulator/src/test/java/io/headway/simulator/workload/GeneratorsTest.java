package io.headway.simulator.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;
import static org.assertj.core.data.Percentage.withPercentage;

import io.headway.simulator.workload.AzureLike.Arrivals;
import io.headway.simulator.workload.AzureLike.Kind;
import io.headway.simulator.workload.PowerLaw.Length;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds the generators to the measured facts, with the tolerances stated for them. */
class GeneratorsTest {
  private static final int SAMPLES = 200_000;

  static Stream<WorkloadGenerator> generators() {
    return Stream.of(
        AzureLike.code(500),
        AzureLike.conversation(500),
        new AzureLike(Kind.CODE, Arrivals.RATE, 2, 500),
        new AzureLike(Kind.CONVERSATION, Arrivals.RATE, 2, 500),
        BurstGptLike.of(0.5, 2_000),
        PowerLaw.poisson(Length.SHORT, Length.LONG, 3, 500),
        new PowerLaw(Length.MEDIUM, Length.MEDIUM, 3, 4, 500),
        new ShareGptLike(2, 1, 500),
        SharedPrefixLike.of(500));
  }

  @ParameterizedTest
  @MethodSource("generators")
  void theSeedDecidesEverything(WorkloadGenerator generator) {
    Workload once = generator.generate(42);
    Workload again = generator.generate(42);
    WorkloadTest.assertSame(once, again);
    assertThat(generator.generate(43).arrivals()).isNotEqualTo(once.arrivals());
    assertThat(generator.generate(43).prompts()).isNotEqualTo(once.prompts());
  }

  @ParameterizedTest
  @MethodSource("generators")
  void startsAtZeroAndNeverGoesBack(WorkloadGenerator generator) {
    for (long seed = 0; seed < 20; seed++) {
      Workload w = generator.generate(seed);
      assertThat(w.arrivalNanos(0)).isZero();
      assertThat(w.arrivals()).isSorted(); // the builder refuses anything else, too
      assertThat(Arrays.stream(w.prompts()).min().orElse(0)).isPositive();
      assertThat(Arrays.stream(w.outputs()).min().orElse(0)).isPositive();
    }
  }

  @Test
  void theFirstRowsOfASeedAreFixed() {
    // A change here changes every published result that names a seed.
    Workload w = AzureLike.conversation(4).generate(1);
    // The values were computed apart from this library, from the tables and SplitMix64 alone.
    assertThat(w.arrivals()).containsExactly(0L, 107_041_840L, 109_463_998L, 114_402_409L);
    assertThat(w.prompts()).containsExactly(608, 163, 390, 1086);
    assertThat(w.outputs()).containsExactly(146, 175, 114, 381);
  }

  @Test
  void arrivalsDoNotChangeTheRequests() {
    Workload renewal = AzureLike.conversation(100).generate(5);
    Workload rate = new AzureLike(Kind.CONVERSATION, Arrivals.RATE, 1, 100).generate(5);
    assertThat(rate.prompts()).isEqualTo(renewal.prompts());
    assertThat(rate.outputs()).isEqualTo(renewal.outputs());
  }

  @Test
  void imitatesTheCodeTrace() {
    WorkloadStatistics s = new WorkloadStatistics(AzureLike.code(SAMPLES).generate(1));
    assertThat(s.promptMean()).isCloseTo(2047.85, withPercentage(3));
    assertThat(s.outputMean()).isCloseTo(27.88, withPercentage(8));
    assertThat(s.interArrivalCv()).isCloseTo(13.151, withPercentage(25));
    assertThat(s.interArrivalMeanSeconds()).isCloseTo(0.3897, withPercentage(10));
    assertThat(s.pearson()).isBetween(-0.02, 0.02);
  }

  @Test
  void imitatesTheConversationTrace() {
    WorkloadStatistics s = new WorkloadStatistics(AzureLike.conversation(SAMPLES).generate(1));
    assertThat(s.promptMean()).isCloseTo(1154.70, withPercentage(3));
    assertThat(s.outputMean()).isCloseTo(211.13, withPercentage(3));
    assertThat(s.interArrivalCv()).isCloseTo(1.094, withPercentage(5));
    assertThat(s.pearson()).isBetween(-0.14, -0.05);
    assertThat(s.outputQuantilesByPrompt(703, 1071, 0.5)[0]).isCloseTo(399, withPercentage(2));
    assertThat(s.outputQuantilesByPrompt(1315, 20_000, 0.5)[0]).isCloseTo(78, withPercentage(3));
  }

  @Test
  void followsTheMeasuredMinutes() {
    AzureLike like = new AzureLike(Kind.CONVERSATION, Arrivals.RATE, 1, 19_329 * 10);
    WorkloadStatistics s = new WorkloadStatistics(like.generate(3));
    assertThat(s.interArrivalCv()).isCloseTo(1.146, withPercentage(5));
    assertThat(s.windowVarianceToMean(10)).isCloseTo(3.97, withPercentage(10));
    int[] minutes = s.windowCounts(60, 580);
    double busiest = 0;
    double quietest = 0;
    for (int hour = 0; hour < 10; hour++) {
      busiest += minutes[58 * hour + 31] / 10.0;
      quietest += minutes[58 * hour] / 10.0;
    }
    assertThat(busiest).isCloseTo(507, withPercentage(10));
    assertThat(quietest).isCloseTo(191, withPercentage(15));
  }

  @Test
  void keepsTheSilentMinutesOfCode() {
    AzureLike like = new AzureLike(Kind.CODE, Arrivals.RATE, 1, SAMPLES);
    WorkloadStatistics s = new WorkloadStatistics(like.generate(4));
    assertThat(s.interArrivalCv()).isCloseTo(8.97, withPercentage(10));
    assertThat(s.windowVarianceToMean(10)).isCloseTo(32.4, withPercentage(15));
  }

  @Test
  void scalesTheRate() {
    AzureLike one = AzureLike.conversation(5_000);
    AzureLike four = new AzureLike(Kind.CONVERSATION, Arrivals.RENEWAL, 4, 5_000);
    WorkloadStatistics s1 = new WorkloadStatistics(one.generate(9));
    WorkloadStatistics s4 = new WorkloadStatistics(four.generate(9));
    assertThat(s4.meanRatePerSecond()).isCloseTo(4 * s1.meanRatePerSecond(), withPercentage(1));
    assertThat(s4.interArrivalCv()).isCloseTo(s1.interArrivalCv(), withPercentage(0.01));
  }

  @Test
  void burstinessChangesFromWindowToWindow() {
    BurstGptLike like = new BurstGptLike(20, List.of(0.7, 4.0), 600, SAMPLES);
    Workload w = like.generate(1);
    WorkloadStatistics s = new WorkloadStatistics(w);
    assertThat(s.meanRatePerSecond()).isCloseTo(20, withPercentage(5));
    assertThat(cvOfWindow(w, 0, 600)).isCloseTo(0.7, withPercentage(5));
    assertThat(cvOfWindow(w, 600, 1_200)).isCloseTo(4, withPercentage(15));
    double[] prompts = s.promptQuantiles(0.5, 0.95, 1);
    assertThat(prompts[0]).isCloseTo(582, withPercentage(2));
    assertThat(prompts[1]).isCloseTo(2345, withPercentage(3));
    assertThat(prompts[2]).isLessThanOrEqualTo(5324);
    assertThat(s.outputQuantiles(0.5)[0]).isCloseTo(243, withPercentage(2));
  }

  @Test
  void powerLawsHaveTheirMeans() {
    for (Length length : Length.values()) {
      Workload w = new PowerLaw(length, length, 10, 2, SAMPLES).generate(2);
      WorkloadStatistics s = new WorkloadStatistics(w);
      assertThat(s.promptMean()).isCloseTo(length.meanTokens(), withPercentage(3));
      assertThat(s.outputMean()).isCloseTo(length.meanTokens(), withPercentage(3));
      assertThat(s.promptQuantiles(1)[0]).isLessThanOrEqualTo(PowerLaw.MAX_TOKENS);
      assertThat(s.interArrivalCv()).isCloseTo(2, withPercentage(3));
      assertThat(s.meanRatePerSecond()).isCloseTo(10, withPercentage(2));
    }
  }

  @Test
  void shareGptHasItsPublishedSummary() {
    WorkloadStatistics s = new WorkloadStatistics(new ShareGptLike(1, 1, SAMPLES).generate(2));
    assertThat(s.promptMean()).isCloseTo(306, withPercentage(2));
    assertThat(s.outputMean()).isCloseTo(500, withPercentage(2));
    assertThat(s.promptQuantiles(0.5, 0.8, 0.95, 0.99))
        .containsExactly(new double[] {74, 348, 1484, 3388}, offset(60.0));
    assertThat(s.interArrivalCv()).isCloseTo(1, withPercentage(2));
  }

  @Test
  void sharesPrefixesLikeTheConversationTrace() {
    for (long seed = 0; seed < 5; seed++) {
      Workload w = SharedPrefixLike.of(12_031).generate(seed);
      WorkloadStatistics s = new WorkloadStatistics(w);
      assertThat((double) s.prefixHitBlocks() / w.blocks().total()).isBetween(0.34, 0.40);
      assertThat(s.promptMean()).isCloseTo(12_035, withPercentage(6));
      assertThat(s.maxReferences()).as("the common first block").isEqualTo(12_031);
      RecordedTracesTest.assertPrefixLaw(w);
    }
  }

  @Test
  void sessionsGrowByTheirTurns() {
    Workload w = SharedPrefixLike.of(3_000).generate(3);
    int[] last = new int[3_000];
    Arrays.fill(last, -1);
    int extensions = 0;
    for (int row = 0; row < w.size(); row++) {
      int before = last[w.session(row)];
      last[w.session(row)] = row;
      if (before >= 0) {
        extensions++;
        int full = Math.max(1, w.promptTokens(before) / SharedPrefixLike.BLOCK_TOKENS);
        for (int k = 0; k < full; k++) {
          assertThat(w.blocks().id(row, k)).isEqualTo(w.blocks().id(before, k));
        }
        assertThat(w.promptTokens(row)).isGreaterThan(w.promptTokens(before));
      }
    }
    assertThat((double) extensions / w.size()).isBetween(0.33, 0.42);
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> AzureLike.code(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("requests must be at least 1, but was 0");
    assertThatThrownBy(() -> PowerLaw.poisson(Length.SHORT, Length.SHORT, 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ratePerSecond must be above 0 requests per second and finite, but was 0.0");
    assertThatThrownBy(() -> new ShareGptLike(1, 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cv must be in 0.01..100, but was 0.0");
    assertThatThrownBy(() -> new SharedPrefixLike(1, 2, 0.1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("openingShare must be in 0..1, but was 2.0");
    assertThatThrownBy(() -> new BurstGptLike(1, List.of(), 10, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cvCycle must have at least 1 entry, but was empty");
  }

  private static double cvOfWindow(Workload w, double fromSeconds, double toSeconds) {
    int from = 0;
    while (w.arrivalNanos(from) < fromSeconds * 1e9) {
      from++;
    }
    int to = from;
    while (w.arrivalNanos(to) < toSeconds * 1e9) {
      to++;
    }
    return new WorkloadStatistics(w.slice(from, to)).interArrivalCv();
  }
}
