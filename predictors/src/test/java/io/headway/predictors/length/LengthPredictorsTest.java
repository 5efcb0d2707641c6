package io.headway.predictors.length;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.prediction.OutputHistory;
import io.headway.predictors.evaluation.ErrorInjection;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;

class LengthPredictorsTest {
  private final LengthEstimate estimate = new LengthEstimate();

  private static Request request(String id, String workload, int prompt, int maxNew) {
    return Request.builder(id, prompt, maxNew).workload(workload).tenant("t").build();
  }

  private <S> LengthEstimate ask(LengthPredictor<S> p, S state, Request request, int generated) {
    p.estimate(state, request, generated, estimate);
    return estimate;
  }

  @Test
  void theOracleKnowsWhatWasRevealed() {
    OracleLength oracle = new OracleLength();
    assertThat(oracle.claims().needs()).containsExactly(Claims.Need.TRUE_LENGTH);
    TrueLengths truth = oracle.newState();
    Request request = request("a", "", 5, 100);
    assertThat(ask(oracle, truth, request, 0).kind()).isEqualTo(LengthEstimate.Kind.NONE);
    oracle.reveal(truth, request, 42, RandomSource.seeded(1));
    assertThat(ask(oracle, truth, request, 0).remainingTokens()).isEqualTo(42);
    assertThat(ask(oracle, truth, request, 40).remainingTokens()).isEqualTo(2);
    assertThat(ask(oracle, truth, request, 50).remainingTokens()).isZero();
    oracle.observe(truth, request, 42, false);
    assertThat(truth.size()).isZero();
  }

  @Property(seed = "42")
  void theNoisyOracleWithoutNoiseIsTheOracle(
      @ForAll @IntRange(min = 1, max = 5000) int length, @ForAll long seed) {
    Request request = request("a", "", 5, 5000);
    OracleLength exact = new OracleLength();
    TrueLengths known = exact.newState();
    exact.reveal(known, request, length, RandomSource.seeded(seed));
    for (ErrorInjection.Distribution d : ErrorInjection.Distribution.values()) {
      NoisyOracleLength noisy = new NoisyOracleLength(new ErrorInjection(d, 0, 1));
      TrueLengths state = noisy.newState();
      noisy.reveal(state, request, length, RandomSource.seeded(seed));
      assertThat(ask(noisy, state, request, 3).remainingTokens())
          .isEqualTo(ask(exact, known, request, 3).remainingTokens());
    }
  }

  @Property(seed = "42")
  void noiseStaysWithinTheCapAndIsDrawnOnce(
      @ForAll @IntRange(min = 1, max = 100) int length, @ForAll long seed) {
    NoisyOracleLength noisy =
        new NoisyOracleLength(new ErrorInjection(ErrorInjection.Distribution.LOG_NORMAL, 1.5, 1));
    TrueLengths state = noisy.newState();
    Request request = request("a", "", 5, 100);
    noisy.reveal(state, request, length, RandomSource.seeded(seed));
    double first = ask(noisy, state, request, 0).remainingTokens();
    assertThat(first).isBetween(1.0, 100.0);
    assertThat(ask(noisy, state, request, 0).remainingTokens()).isEqualTo(first);
  }

  @Test
  void declaredIsTheCallersWord() {
    DeclaredLength declared = new DeclaredLength();
    Request capped = request("a", "", 5, 100);
    assertThat(ask(declared, declared.newState(), capped, 30).remainingTokens()).isEqualTo(70);
    Request predicted = Request.builder("b", 5, 100).predictedOutputTokens(40).build();
    assertThat(ask(declared, declared.newState(), predicted, 30).remainingTokens()).isEqualTo(10);
    assertThat(ask(declared, declared.newState(), predicted, 50).remainingTokens()).isZero();
  }

  @Test
  void theHistogramBacksOffToAllWorkloads() {
    QuantileHistogramLength predictor =
        new QuantileHistogramLength(
            new QuantileHistogramLength.Config(
                10, 20, LengthKey.WORKLOAD, QuantileHistogramLength.Statistic.MEAN, 0.5, 3, 0));
    QuantileHistogramLength.History history = predictor.newState();
    Request code = request("a", "code", 5, 100);
    Request chat = request("b", "chat", 5, 100);
    assertThat(ask(predictor, history, code, 0).hasTokens()).isFalse();
    for (int i = 0; i < 3; i++) {
      predictor.observe(history, code, 5, false);
    }
    assertThat(ask(predictor, history, code, 0).remainingTokens()).isEqualTo(5);
    assertThat(ask(predictor, history, chat, 0).remainingTokens()).isEqualTo(5);
    for (int i = 0; i < 3; i++) {
      predictor.observe(history, chat, 95, false);
    }
    assertThat(ask(predictor, history, chat, 0).remainingTokens()).isEqualTo(95);
    assertThat(ask(predictor, history, chat, 96).remainingTokens())
        .as("the bucket ends at 100")
        .isEqualTo(2);
    assertThat(ask(predictor, history, code, 0).remainingTokens()).isEqualTo(5);
    predictor.quantile(history, code, 0, 1, estimate);
    assertThat(estimate.remainingTokens()).isEqualTo(10);
    assertThat(ask(predictor, history, code, 50).hasTokens())
        .as("nobody was that long in this workload")
        .isFalse();
  }

  @Test
  void answersAreClippedToTheCap() {
    QuantileHistogramLength predictor =
        new QuantileHistogramLength(QuantileHistogramLength.Config.DEFAULT);
    QuantileHistogramLength.History history = predictor.newState();
    for (int i = 0; i < 30; i++) {
      predictor.observe(history, request("a", "", 5, 9999), 5000, false);
    }
    assertThat(ask(predictor, history, request("b", "", 5, 100), 40).remainingTokens())
        .isEqualTo(60);
  }

  @Test
  void bucketsAnswerTheirRange() {
    for (BucketLength.End end : BucketLength.End.values()) {
      BucketLength predictor = new BucketLength(new BucketLength.Config(100, 5, 2, end));
      BucketCounts counts = predictor.newState();
      Request request = request("a", "w", 50, 1000);
      assertThat(ask(predictor, counts, request, 0).kind()).isEqualTo(LengthEstimate.Kind.NONE);
      predictor.observe(counts, request, 250, false);
      predictor.observe(counts, request, 299, false);
      predictor.observe(counts, request, 5, true);
      ask(predictor, counts, request, 0);
      assertThat(estimate.lowTokens()).isEqualTo(200);
      assertThat(estimate.highTokens()).isEqualTo(300);
      double expected =
          switch (end) {
            case LOW -> 200;
            case MIDDLE -> 249.5;
            case HIGH -> 299;
          };
      assertThat(estimate.remainingTokens()).isEqualTo(expected);
      ask(predictor, counts, request, 250);
      assertThat(estimate.lowTokens()).isZero();
      assertThat(estimate.highTokens()).isEqualTo(50);
      ask(predictor, counts, request, 410);
      assertThat(estimate.highTokens()).as("open bucket up to the cap").isEqualTo(591);
      ask(predictor, counts, request("b", "w", 50, 220), 0);
      assertThat(estimate.highTokens()).isEqualTo(221);
      assertThat(ask(predictor, counts, request("b", "w", 50, 220), 220).hasTokens()).isFalse();
    }
  }

  private static RidgeRemainingLength.Fit fit(double lambda, int[][] rows) {
    RidgeRemainingLength.Fit fit = new RidgeRemainingLength.Fit(lambda);
    for (int[] row : rows) {
      fit.add(row[0], row[1], row[2]);
    }
    fit.solve();
    return fit;
  }

  private static final int[][] SHEET = {
    {20, 0, 180}, {20, 50, 130}, {400, 0, 60}, {400, 50, 10},
    {90, 0, 300}, {90, 50, 250}, {90, 100, 200}, {1000, 0, 40}
  };

  @Test
  void ridgeEqualsThePublishedExample() {
    RidgeRemainingLength.Fit fit = fit(1, SHEET);
    assertThat(fit.coefficients())
        .containsExactly(new double[] {7.383712425, -0.536016799, -0.096970225}, within(1e-9));
    assertThat(fit.remainingTokens(60, 0, 2048)).isCloseTo(176.721013, within(1e-6));
    assertThat(fit.remainingTokens(60, 50, 2048)).isCloseTo(120.382287, within(1e-6));
    assertThat(fit.remainingTokens(500, 50, 2048)).isCloseTo(38.261214, within(1e-6));
    assertThat(fit.remainingTokens(60, 0, 100)).isEqualTo(100);
    assertThat(fit.remainingTokens(60, 100, 100)).isZero();
  }

  @Property(seed = "42", tries = 100)
  void ridgeEqualsTheClosedForm(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int n) {
    RandomSource random = RandomSource.seeded(seed);
    int[][] rows = new int[n][];
    double[][] x = new double[n][];
    double[] y = new double[n];
    for (int t = 0; t < n; t++) {
      rows[t] = new int[] {1 + random.nextInt(4000), random.nextInt(500), random.nextInt(900)};
      x[t] = new double[] {1, Math.log1p(rows[t][0]), Math.log1p(rows[t][1])};
      y[t] = Math.log1p(rows[t][2]);
    }
    RealMatrix design = new Array2DRowRealMatrix(x);
    RealMatrix normal = design.transpose().multiply(design);
    normal.addToEntry(1, 1, 0.7);
    normal.addToEntry(2, 2, 0.7);
    double[] expected =
        new LUDecomposition(normal)
            .getSolver()
            .solve(design.transpose().operate(new ArrayRealVector(y)))
            .toArray();
    assertThat(fit(0.7, rows).coefficients()).containsExactly(expected, within(1e-8));
  }

  @Test
  void ridgeLearnsOneRowPerWindow() {
    RidgeRemainingLength predictor =
        new RidgeRemainingLength(new RidgeRemainingLength.Config(1, 50, 3));
    RidgeRemainingLength.Fit learned = predictor.newState();
    Request request = request("a", "", 90, 400);
    predictor.observe(learned, request, 100, false);
    assertThat(ask(predictor, learned, request, 0).hasTokens()).as("two rows").isFalse();
    predictor.observe(learned, request, 50, true);
    assertThat(ask(predictor, learned, request, 0).hasTokens()).as("censored").isFalse();
    predictor.observe(learned, request, 101, false);
    RidgeRemainingLength.Fit expected =
        fit(1, new int[][] {{90, 0, 100}, {90, 50, 50}, {90, 0, 101}, {90, 50, 51}, {90, 100, 1}});
    assertThat(learned.coefficients()).containsExactly(expected.coefficients(), within(1e-12));
    assertThat(ask(predictor, learned, request, 50).remainingTokens())
        .isEqualTo(expected.remainingTokens(90, 50, 400));
    assertThatThrownBy(() -> new RidgeRemainingLength.Fit(1).coefficients())
        .hasMessage("a fit needs rows that determine its coefficients, but has 0 rows");
  }

  @Property(seed = "42")
  void betweenPredictionsTheEstimateFallsByTheGeneratedTokens(
      @ForAll @IntRange(min = 1, max = 100) int window,
      @ForAll @IntRange(min = 0, max = 500) int generated) {
    RidgeRemainingLength ridge = new RidgeRemainingLength(RidgeRemainingLength.Config.DEFAULT);
    WindowedLength<RidgeRemainingLength.Fit> windowed = new WindowedLength<>(ridge, window);
    RidgeRemainingLength.Fit learned = fit(1, SHEET);
    for (int i = 0; i < 30; i++) {
      learned.add(60, 0, 170 + i);
    }
    learned.solve();
    Request request = request("a", "", 60, 400);
    double now = ask(windowed, learned, request, generated).remainingTokens();
    double next = ask(windowed, learned, request, generated + 1).remainingTokens();
    assertThat(now).isBetween(0.0, Math.max(0.0, 400 - generated));
    if ((generated + 1) % window != 0 && now < 400 - generated) {
      assertThat(next).isCloseTo(Math.max(0, now - 1), within(1e-9));
    }
  }

  @Test
  void theSecondPredictorFillsTheGaps() {
    OrElseLength<TrueLengths, io.headway.api.Stateless> both =
        new OrElseLength<>(new OracleLength(), new DeclaredLength());
    OrElseLength.Both<TrueLengths, io.headway.api.Stateless> state = both.newState();
    Request request = request("a", "", 60, 400);
    assertThat(ask(both, state, request, 0).remainingTokens()).isEqualTo(400);
    both.reveal(state, request, 7, RandomSource.seeded(1));
    assertThat(ask(both, state, request, 0).remainingTokens()).isEqualTo(7);
    assertThat(both.claims().needs()).containsExactly(Claims.Need.TRUE_LENGTH);
    both.observe(state, request, 7, false);
    both.quantile(state, request, 0, 0.5, estimate);
    assertThat(estimate.hasTokens()).isFalse();
  }

  @Test
  void trailAnswersFromItsPosterior() {
    TrailLength trail = new TrailLength(4, 32, 1);
    TrailLength.Posteriors state = trail.newState();
    Request request = request("a", "", 60, 55);
    assertThat(ask(trail, state, request, 0).hasTokens()).isFalse();
    state.refine(request, new double[] {.1, .6, .2, .1});
    assertThat(ask(trail, state, request, 0).remainingTokens()).as("clipped").isEqualTo(55);
    state.refine(request, new double[] {.2, .5, .2, .1});
    assertThat(ask(trail, state, request, 1).remainingTokens()).isCloseTo(51.055413, within(1e-6));
    trail.observe(state, request, 50, false);
    assertThat(ask(trail, state, request, 1).hasTokens()).isFalse();
  }

  @Test
  void rankingLearnsThatLongPromptsMeanLongAnswers() {
    RankedLength predictor = new RankedLength(32, 0.01);
    RankedLength.Lists lists = predictor.newState();
    RandomSource random = RandomSource.seeded(3);
    assertThat(ask(predictor, lists, request("a", "", 5, 9), 0).kind())
        .isEqualTo(LengthEstimate.Kind.NONE);
    for (int i = 0; i < 320; i++) {
      int prompt = 1 + random.nextInt(2000);
      predictor.observe(lists, request("a", "", prompt, 4000), prompt + random.nextInt(50), false);
    }
    double shorter = ask(predictor, lists, request("a", "", 50, 4000), 0).score();
    double longer = ask(predictor, lists, request("a", "", 1500, 4000), 0).score();
    assertThat(estimate.kind()).isEqualTo(LengthEstimate.Kind.RANK);
    assertThat(longer).isGreaterThan(shorter);
  }

  @Test
  void pastFutureReadsTheHistoryBeyondWhatIsGenerated() {
    PastFutureLength predictor = new PastFutureLength(new PastFutureLength.Config(5, 0, 512, 0.5));
    OutputHistory history = predictor.newState();
    for (int length : new int[] {50, 100, 100, 200, 400}) {
      predictor.observe(history, request("a", "", 5, 512), length, false);
    }
    predictor.observe(history, request("a", "", 5, 512), 3, true);
    Request request = request("b", "", 5, 512);
    assertThat(ask(predictor, history, request, 0).remainingTokens()).isEqualTo(100);
    assertThat(ask(predictor, history, request, 120).remainingTokens()).isEqualTo(180);
    predictor.quantile(history, request, 450, 0.25, estimate);
    assertThat(estimate.remainingTokens()).isEqualTo(16);
    assertThat(ask(predictor, history, request, 512).remainingTokens()).isZero();
    assertThat(ask(predictor, history, request("c", "", 5, 60), 0).remainingTokens())
        .as("clipped to the cap")
        .isEqualTo(60);
  }
}
