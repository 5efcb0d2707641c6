package io.headway.predictors.length;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.OutputHistory;
import io.headway.api.prediction.PeakTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class LengthAlgorithmsTest {
  @Property(seed = "42")
  void bucketsPartitionTheLengths(
      @ForAll @IntRange(min = 0, max = 10_000) int length,
      @ForAll @IntRange(min = 1, max = 500) int width,
      @ForAll @IntRange(min = 1, max = 40) int count) {
    for (LengthBuckets buckets :
        List.of(
            LengthBuckets.fixed(width),
            LengthBuckets.fixed(width, count),
            LengthBuckets.percentiles(42, 141, 294, 503))) {
      int bucket = buckets.bucketOf(length);
      assertThat(length).isGreaterThanOrEqualTo(buckets.lowTokens(bucket));
      assertThat(length).isLessThan(buckets.highTokens(bucket));
      if (bucket > 0) {
        assertThat(buckets.lowTokens(bucket)).isEqualTo(buckets.highTokens(bucket - 1));
      }
    }
  }

  @Test
  void bucketsOfThePublishedExamples() {
    LengthBuckets fixed = LengthBuckets.fixed(200);
    assertThat(new int[] {0, 199, 200, 555})
        .satisfies(
            l -> assertThat(Arrays.stream(l).map(fixed::bucketOf)).containsExactly(0, 0, 1, 2));
    LengthBuckets percentiles = LengthBuckets.percentiles(42, 141, 294, 503);
    assertThat(Arrays.stream(new int[] {41, 42, 300, 900}).map(percentiles::bucketOf))
        .containsExactly(0, 1, 3, 4);
    assertThat(percentiles.highTokens(4)).isEqualTo(LengthEstimate.OPEN);
    assertThatThrownBy(() -> LengthBuckets.fixed(0))
        .hasMessage("bucketTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> LengthBuckets.percentiles(5, 5))
        .hasMessage("thresholds must be at least 1 token and strictly ascending, but were [5, 5]");
    assertThatThrownBy(() -> fixed.bucketOf(-1))
        .hasMessage("lengthTokens must be at least 0 tokens, but was -1");
  }

  @Property(seed = "42")
  void doublingNeedsFewReallocations(
      @ForAll @IntRange(min = 1, max = 4096) int initial,
      @ForAll @IntRange(min = 1, max = 4096) int max,
      @ForAll @DoubleRange(min = 0, max = 1) double share) {
    int actual = (int) (share * max);
    DoublingReservation played = DoublingReservation.play(initial, actual, max);
    assertThat(played.finalTokens()).isBetween(actual, Math.max(max, actual));
    int first = Math.min(initial, max);
    assertThat(played.reallocations())
        .isLessThanOrEqualTo((int) Math.ceil(Math.log((double) max / first) / Math.log(2)));
    assertThatThrownBy(() -> DoublingReservation.play(initial, max + 1, max))
        .hasMessageStartingWith("actualTokens must be 0 to maxTokens = " + max);
  }

  @Test
  void countsBackOffAndTieUpwards() {
    BucketCounts counts = new BucketCounts(3, 3);
    assertThat(counts.predict("u", "chat", 30)).isEqualTo(2);
    counts.observe("u", "chat", 30, 1);
    counts.observe("u", "chat", 20, 1);
    counts.observe("u", "chat", 25, 0);
    assertThat(counts.level("u", "chat", 16)).isEqualTo(BucketCounts.Level.KEY);
    assertThat(counts.level("u", "chat", 31)).isEqualTo(BucketCounts.Level.TEMPLATE);
    assertThat(counts.level("v", "code", 16)).isEqualTo(BucketCounts.Level.GLOBAL);
    assertThat(counts.probabilities("u", "chat", 16))
        .containsExactly(new double[] {2 / 6.0, 3 / 6.0, 1 / 6.0}, within(1e-15));
    counts.observe("u", "chat", 25, 2);
    counts.observe("u", "chat", 25, 2);
    assertThat(counts.predict("u", "chat", 25)).as("tie of 1 and 2").isEqualTo(2);
    assertThatThrownBy(() -> counts.observe("u", "chat", 1, 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void keysAreBounded() {
    BucketCounts counts = new BucketCounts(2, 1);
    for (int i = 0; i < BucketCounts.MAX_KEYS + 10; i++) {
      counts.observe("tenant" + i, "template" + i, 1, 1);
    }
    assertThat(counts.level("tenant0", "template0", 1)).isEqualTo(BucketCounts.Level.KEY);
    assertThat(counts.level("tenant" + (BucketCounts.MAX_KEYS + 5), "x", 1))
        .isEqualTo(BucketCounts.Level.GLOBAL);
    assertThat(counts.observations()).isEqualTo(BucketCounts.MAX_KEYS + 10);
  }

  @Property(seed = "42")
  void orderIsInvariantUnderIncreasingFunctions(
      @ForAll @Size(max = 20) List<@IntRange(min = 0, max = 6) Integer> rawList) {
    double[] values = rawList.stream().mapToDouble(Integer::doubleValue).toArray();
    double[] transformed = Arrays.stream(values).map(v -> Math.exp(v) - 3).toArray();
    int[] order = ProxyOutput.order(values);
    assertThat(ProxyOutput.order(transformed)).containsExactly(order);
    for (int i = 1; i < order.length; i++) {
      assertThat(values[order[i - 1]]).isLessThanOrEqualTo(values[order[i]]);
      if (values[order[i - 1]] == values[order[i]]) {
        assertThat(order[i - 1]).isLessThan(order[i]);
      }
    }
  }

  @Test
  void outputsBecomeClassesAndTokens() {
    assertThat(ProxyOutput.ordinalClass(1.5, 5)).isEqualTo(2);
    assertThat(ProxyOutput.ordinalClass(1e300, 5)).isEqualTo(4);
    assertThat(ProxyOutput.ordinalClass(-1e300, 5)).isZero();
    assertThat(ProxyOutput.tokens(0)).isEqualTo(1);
    assertThat(ProxyOutput.tokens(0.25)).isEqualTo(0.25);
    assertThatThrownBy(() -> ProxyOutput.tokens(Double.NaN))
        .hasMessage("output must be a number, but was NaN");
  }

  @Property(seed = "42", tries = 200)
  void theTrailFilterIsADistributionBetweenItsMidpoints(
      @ForAll @IntRange(min = 1, max = 12) int bins,
      @ForAll @DoubleRange(min = 1, max = 60) double width,
      @ForAll long seed) {
    TrailPosterior posterior = new TrailPosterior(bins, width, 1);
    RandomSource random = RandomSource.seeded(seed);
    for (int t = 0; t < 40; t++) {
      double[] p = new double[bins];
      Arrays.setAll(p, i -> random.nextInt(3) == 0 ? 0 : random.nextDouble());
      p[random.nextInt(bins)] += 0.1;
      posterior.step(p);
      assertThat(Arrays.stream(posterior.posterior()).sum()).isCloseTo(1, within(1e-12));
      assertThat(posterior.remainingTokens())
          .isBetween(width / 2 - 1e-9, (bins - 0.5) * width + 1e-9);
    }
  }

  @Test
  void aUniformClassifierLetsTheEstimateFall() {
    TrailPosterior posterior = new TrailPosterior(5, 10, 1);
    double[] uniform = {1, 1, 1, 1, 1};
    double last = Double.POSITIVE_INFINITY;
    for (int t = 0; t < 500; t++) {
      posterior.step(uniform);
      assertThat(posterior.remainingTokens()).isLessThanOrEqualTo(last + 1e-12);
      last = posterior.remainingTokens();
    }
    assertThat(last).isCloseTo(5, within(1e-6));
    assertThatThrownBy(() -> posterior.step(new double[5]))
        .hasMessage("probabilities must not all be 0");
    assertThatThrownBy(() -> posterior.step(new double[4]))
        .hasMessage("probabilities must have 5 entries, but has 4");
  }

  @Test
  void temperingFlattensTheClassifier() {
    TrailPosterior sharp = new TrailPosterior(2, 10, 1);
    TrailPosterior tempered = new TrailPosterior(2, 10, 0.5);
    for (TrailPosterior posterior : List.of(sharp, tempered)) {
      posterior.step(new double[] {.5, .5});
      posterior.step(new double[] {.2, .8});
    }
    assertThat(tempered.remainingTokens()).isLessThan(sharp.remainingTokens());
  }

  @Test
  void listMleOfThePublishedExamples() {
    double[] lengths = {30, 20, 10};
    assertThat(ListMle.loss(new double[] {2, 1, 0}, lengths)).isCloseTo(0.720868, within(1e-6));
    assertThat(ListMle.loss(new double[] {0, 1, 2}, lengths)).isCloseTo(3.720868, within(1e-6));
    assertThat(ListMle.loss(new double[] {.5, -1, .2, 1.5}, new double[] {120, 30, 300, 80}))
        .isCloseTo(3.294203, within(1e-6));
    assertThat(ListMle.loss(new double[] {7, 7, 7, 7}, new double[] {1, 2, 3, 4}))
        .as("ln 4!")
        .isCloseTo(Math.log(24), within(1e-12));
    assertThat(ListMle.loss(new double[0], new double[0])).isZero();
    assertThat(ListMle.loss(new double[] {-900, 0, 900}, lengths)).isCloseTo(2700, within(1e-9));
    assertThatThrownBy(() -> ListMle.loss(new double[1], new double[2]))
        .hasMessage("scores and lengths must be of one length, but have 1 and 2 entries");
  }

  @Property(seed = "42", tries = 200)
  void listMleGradientAgreesWithFiniteDifferences(
      @ForAll @IntRange(min = 1, max = 12) int n, @ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    double[] scores = new double[n];
    double[] lengths = new double[n];
    for (int i = 0; i < n; i++) {
      scores[i] = 6 * random.nextDouble() - 3;
      lengths[i] = random.nextInt(5);
    }
    double[] gradient = ListMle.gradient(scores, lengths);
    assertThat(Arrays.stream(gradient).sum()).isCloseTo(0, within(1e-9));
    double loss = ListMle.loss(scores, lengths);
    assertThat(loss).isGreaterThanOrEqualTo(0);
    double[] shifted = Arrays.stream(scores).map(z -> z + 17).toArray();
    assertThat(ListMle.loss(shifted, lengths)).isCloseTo(loss, within(1e-9));
    double h = 1e-5;
    for (int k = 0; k < n; k++) {
      double[] up = scores.clone();
      double[] down = scores.clone();
      up[k] += h;
      down[k] -= h;
      double slope = (ListMle.loss(up, lengths) - ListMle.loss(down, lengths)) / (2 * h);
      assertThat(gradient[k]).isCloseTo(slope, within(1e-6));
    }
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  private static OutputHistory history(int... lengths) {
    OutputHistory history = new OutputHistory(lengths.length, 0, 1);
    for (int length : lengths) {
      history.observe(length);
    }
    return history;
  }

  @Test
  void pastFutureSamplesOfThePublishedExample() {
    OutputHistory history = history(400, 100, 50, 200, 100);
    assertThat(PastFuture.sample(history, 0, 512, 0.5)).isEqualTo(100);
    assertThat(PastFuture.sample(history, 120, 512, 0.5)).isEqualTo(300);
    assertThat(PastFuture.sample(history, 450, 512, 0.25)).isEqualTo(466);
    assertThat(PastFuture.sample(history, 100, 512, 0.9)).isEqualTo(478);
    assertThatThrownBy(() -> PastFuture.sample(history, 0, 5, 1))
        .hasMessage("uniform must be in [0, 1), but was 1.0");
    assertThatThrownBy(() -> PastFuture.sampleNew(new OutputHistory(1, 0, 1), 0))
        .hasMessage("history must have at least 1 length, but has none");
  }

  @Property(seed = "42")
  void samplesLieBetweenGeneratedAndLimit(
      @ForAll @Size(min = 1, max = 30) List<@IntRange(min = 0, max = 300) Integer> lengthsList,
      @ForAll @IntRange(min = 0, max = 300) int generated,
      @ForAll @DoubleRange(min = 0, max = 0.99) double uniform) {
    int[] lengths = ints(lengthsList);
    OutputHistory history = history(lengths);
    int sample = PastFuture.sample(history, generated, 300, uniform);
    assertThat(sample).isBetween(generated, 300);
    long longer = Arrays.stream(lengths).filter(length -> length > generated).count();
    assertThat(PastFuture.listSize(history, generated)).isEqualTo((int) longer + 2);
  }

  @Property(seed = "42")
  void theHistoryIsTheSortedTail(
      @ForAll @Size(max = 60) List<@IntRange(min = 0, max = 9) Integer> lengthsList,
      @ForAll @IntRange(min = 1, max = 10) int capacity) {
    int[] lengths = ints(lengthsList);
    OutputHistory history = new OutputHistory(capacity, capacity / 2, 7);
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < capacity / 2; i++) {
      all.add(7);
    }
    for (int length : lengths) {
      history.observe(length);
      all.add(length);
    }
    int[] expected =
        all.subList(Math.max(0, all.size() - capacity), all.size()).stream()
            .mapToInt(Integer::intValue)
            .sorted()
            .toArray();
    assertThat(history.toArray()).containsExactly(expected);
    for (int tokens = 0; tokens < 10; tokens++) {
      int limit = tokens;
      assertThat(history.atMost(tokens))
          .isEqualTo((int) Arrays.stream(expected).filter(length -> length <= limit).count());
    }
  }

  /** Plays a batch without arrivals token by token and returns its largest memory. */
  private static long simulated(List<long[]> requests) {
    long longest = requests.stream().mapToLong(r -> r[1]).max().orElse(0);
    long peak = 0;
    for (long t = 0; t <= longest; t++) {
      long memory = 0;
      for (long[] request : requests) {
        // A request frees its memory only after the step in which it emitted its last token.
        if (request[1] >= t) {
          memory += request[0] + t;
        }
      }
      peak = Math.max(peak, memory);
    }
    return peak;
  }

  @Property(seed = "42")
  void thePeakIsThatOfATokenByTokenSimulation(
      @ForAll @Size(max = 8) List<@IntRange(min = 0, max = 40) Integer> usedList,
      @ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    PeakTokens batch = new PeakTokens();
    List<long[]> requests = new ArrayList<>();
    long sum = 0;
    for (int tokens : usedList) {
      long remaining = random.nextInt(40);
      long with = batch.peakTokensWith(tokens, remaining);
      batch.add(tokens, remaining);
      requests.add(new long[] {tokens, remaining});
      sum += tokens + remaining;
      assertThat(batch.peakTokens()).isEqualTo(with).isEqualTo(simulated(requests));
    }
    assertThat(batch.peakTokens()).isLessThanOrEqualTo(sum);
  }

  @Test
  void admissionStopsStrictlyBelowTheCapacity() {
    PeakTokens running = new PeakTokens();
    running.add(100, 50);
    PastFutureAdmission admission = new PastFutureAdmission(new PeakTokens[] {running}, 200);
    assertThat(admission.peakTokens()).isEqualTo(150);
    assertThat(admission.offer(new long[] {20}, new long[] {15})).isTrue();
    assertThat(admission.peakTokens()).isEqualTo(150);
    assertThat(admission.refused()).isFalse();
    assertThat(admission.offer(new long[] {50}, new long[] {20})).isFalse();
    assertThat(admission.refusedPeakTokens()).isEqualTo(100 + 50 + 20 + 3 * 15);
    assertThat(running.size()).isEqualTo(2);
    assertThatThrownBy(() -> admission.offer(new long[2], new long[1]))
        .hasMessage(
            "usedTokens and remainingTokens must have one entry per list, 1, but have 2 and 1");
  }
}
