package io.headway.predictors.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import io.headway.predictors.evaluation.ErrorInjection;
import io.headway.predictors.evaluation.PointErrors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.stat.regression.SimpleRegression;
import org.junit.jupiter.api.Test;

class ServiceTimeTest {
  private static final IterationTimeModel MODEL =
      shape ->
          shape.isEmpty()
              ? 0
              : 0.004
                  + 1e-5 * shape.prefillTokens()
                  + 1e-8 * shape.prefillAttentionPairs()
                  + 1e-7 * shape.decodeContextTokens();

  private final Estimate estimate = new Estimate();

  private static Request request(String workload, int prompt, int maxNew) {
    return Request.builder("r", prompt, maxNew).workload(workload).build();
  }

  @Test
  void isolatedTimeIsThePrefillAndEveryDecode() {
    IterationShape shape = new IterationShape();
    double expected = 0.004 + 1e-5 * 100 + 1e-8 * 5050;
    for (int k = 1; k < 5; k++) {
      expected += 0.004 + 1e-7 * (100 + k);
    }
    assertThat(CostModelServiceTime.isolatedSeconds(MODEL, shape, 100, 0, 5, Integer.MAX_VALUE))
        .isCloseTo(expected, within(1e-15));
    assertThat(CostModelServiceTime.prefillSeconds(MODEL, shape, 100, 100, 512)).isZero();
    assertThatThrownBy(() -> CostModelServiceTime.isolatedSeconds(MODEL, shape, 1, 0, 0, 1))
        .hasMessage("outputTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> CostModelServiceTime.prefillSeconds(MODEL, shape, 1, 2, 1))
        .hasMessage(
            "promptTokens and chunkTokens must be at least 1 token and cachedTokens 0 to"
                + " promptTokens, but were 1, 1 and 2");
  }

  @Property(seed = "42")
  void cuttingAPrefillNeverSavesTime(
      @ForAll @IntRange(min = 1, max = 20_000) int prompt,
      @ForAll @IntRange(min = 1, max = 4_000) int chunk) {
    IterationShape shape = new IterationShape();
    int iterations = (prompt + chunk - 1) / chunk;
    double whole = CostModelServiceTime.prefillSeconds(MODEL, shape, prompt, 0, Integer.MAX_VALUE);
    double cut = CostModelServiceTime.prefillSeconds(MODEL, shape, prompt, 0, chunk);
    assertThat(cut).isCloseTo(whole + 0.004 * (iterations - 1), within(1e-9));
  }

  @Test
  void theCostModelUsesTheMeanOutputSoFar() {
    CostModelServiceTime predictor = new CostModelServiceTime(MODEL, Integer.MAX_VALUE, 1, 128);
    CostModelServiceTime.Mean state = predictor.newState();
    Request request = request("", 100, 4000);
    predictor.estimateSeconds(state, request, 0, estimate);
    double cold = estimate.value();
    assertThat(cold)
        .isCloseTo(0.004 + 1e-3 + 1e-8 * 5050 + 127 * (0.004 + 1e-7 * 164), within(1e-12));
    predictor.observe(state, request, 0, 10, 1);
    predictor.observe(state, request, 0, 20, 1);
    predictor.estimateSeconds(state, request, 0, estimate);
    assertThat(estimate.value())
        .isCloseTo(0.004 + 1e-3 + 1e-8 * 5050 + 14 * (0.004 + 1e-7 * 108), within(1e-12));
    predictor.estimateSeconds(state, request("", 100, 1), 0, estimate);
    assertThat(estimate.value())
        .as("one token")
        .isCloseTo(0.004 + 1e-3 + 1e-8 * 5050, within(1e-12));
    Request told = Request.builder("t", 100, 4000).predictedOutputTokens(128).build();
    predictor.estimateSeconds(state, told, 0, estimate);
    assertThat(estimate.value()).isEqualTo(cold);
  }

  @Property(seed = "42", tries = 100)
  void theLineIsThatOfTheLastWindow(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 60) int completions) {
    int window = 20;
    TypeLinearServiceTime<Stateless> predictor =
        TypeLinearServiceTime.withoutFallback(new TypeLinearServiceTime.Config(window, 2, 1, 0));
    TypeLinearServiceTime.Lines<Stateless> lines = predictor.newState();
    RandomSource random = RandomSource.seeded(seed);
    int[] prompts = new int[completions];
    double[] seconds = new double[completions];
    for (int t = 0; t < completions; t++) {
      prompts[t] = 1 + random.nextInt(3000);
      seconds[t] = 10 * random.nextDouble();
      predictor.observe(lines, request("code", prompts[t], 9), 0, 5, seconds[t]);
    }
    SimpleRegression expected = new SimpleRegression();
    for (int t = Math.max(0, completions - window); t < completions; t++) {
      expected.addData(prompts[t], seconds[t]);
    }
    TypeLinearServiceTime.Line line = lines.line("code");
    assertThat(line).isNotNull();
    assertThat(line.slope()).isCloseTo(expected.getSlope(), within(1e-9));
    assertThat(line.intercept()).isCloseTo(expected.getIntercept(), within(1e-7));
    assertThat(lines.line("chat")).isNull();
  }

  @Test
  void theLineIsRefittedNowAndThenAndTheFallbackFillsIn() {
    CostModelServiceTime fallback = new CostModelServiceTime(MODEL, Integer.MAX_VALUE, 1, 128);
    TypeLinearServiceTime<CostModelServiceTime.Mean> predictor =
        new TypeLinearServiceTime<>(new TypeLinearServiceTime.Config(100, 2, 3, 5), fallback);
    TypeLinearServiceTime.Lines<CostModelServiceTime.Mean> lines = predictor.newState();
    predictor.estimateSeconds(lines, request("", 100, 4000), 0, estimate);
    assertThat(estimate.value()).as("raised to minSeconds").isEqualTo(5);
    predictor.observe(lines, request("", 100, 9), 0, 1, 10);
    predictor.observe(lines, request("", 200, 9), 0, 1, 20);
    predictor.estimateSeconds(lines, request("", 300, 9), 0, estimate);
    assertThat(estimate.value()).isCloseTo(30, within(1e-9));
    predictor.observe(lines, request("", 100, 9), 0, 1, 1000);
    predictor.observe(lines, request("", 100, 9), 0, 1, 1000);
    predictor.estimateSeconds(lines, request("", 300, 9), 0, estimate);
    assertThat(estimate.value()).as("not yet refitted").isCloseTo(30, within(1e-9));
    predictor.observe(lines, request("", 100, 9), 0, 1, 1000);
    predictor.estimateSeconds(lines, request("", 300, 9), 0, estimate);
    assertThat(estimate.value()).as("falling line").isEqualTo(5);
    assertThatThrownBy(() -> predictor.observe(lines, request("", 100, 9), 0, 1, Double.NaN))
        .hasMessage("serviceSeconds must be finite and at least 0 s, but was NaN");
    assertThatThrownBy(() -> new TypeLinearServiceTime.Config(0, 1, 1, 0))
        .hasMessage(
            "window, minCompletions and refitEvery must be at least 1 completion, but were 0, 1"
                + " and 1");
  }

  @Test
  void theOracleIsDisturbedOncePerRequest() {
    OracleServiceTime oracle =
        new OracleServiceTime(new ErrorInjection(ErrorInjection.Distribution.BIASED, 0.25, 1));
    TrueServiceTimes truth = oracle.newState();
    Request request = request("", 5, 5);
    oracle.estimateSeconds(truth, request, 0, estimate);
    assertThat(estimate.isPresent()).isFalse();
    oracle.reveal(truth, request, 8, RandomSource.seeded(1));
    oracle.estimateSeconds(truth, request, 0, estimate);
    assertThat(estimate.value()).isEqualTo(6);
    oracle.observe(truth, request, 0, 5, 9);
    assertThat(truth.size()).isZero();
    OracleServiceTime wild =
        new OracleServiceTime(new ErrorInjection(ErrorInjection.Distribution.UNIFORM, 2, 1));
    TrueServiceTimes other = wild.newState();
    RandomSource lowest = () -> 0;
    wild.reveal(other, request, 8, lowest);
    wild.estimateSeconds(other, request, 0, estimate);
    assertThat(estimate.isPresent()).as("negative time").isFalse();
  }

  private static double truth(Request request) {
    return 0.02 + 2e-4 * request.promptTokens() + 0.015 * request.maxNewTokens();
  }

  @Test
  void recursiveLeastSquaresFindsALinearCost() {
    RlsServiceTime predictor = new RlsServiceTime(RlsServiceTime.Config.DEFAULT);
    RlsServiceTime.Models models = predictor.newState();
    RandomSource random = RandomSource.seeded(5);
    PointErrors late = new PointErrors(1e-9);
    for (int t = 0; t < 400; t++) {
      Request request =
          request(t % 2 == 0 ? "code" : "chat", 1 + random.nextInt(4000), 1 + random.nextInt(500));
      predictor.estimateSeconds(models, request, 0, estimate);
      assertThat(estimate.isPresent()).isEqualTo(t >= 32);
      if (t >= 200) {
        late.add(estimate.value(), truth(request));
      }
      predictor.observe(models, request, 0, 5, truth(request));
    }
    assertThat(late.mape()).isLessThan(0.01);
    models.reset();
    predictor.estimateSeconds(models, request("code", 1000, 100), 0, estimate);
    assertThat(estimate.value()).isCloseTo(truth(request("code", 1000, 100)), within(0.1));
  }

  @Test
  void theNetworkAnswersOnlyWhereItIsBetter() {
    MlpServiceTime predictor = new MlpServiceTime(MlpServiceTime.Config.DEFAULT);
    MlpServiceTime.Networks networks = predictor.newState();
    MlpServiceTime.Networks twin = predictor.newState();
    RandomSource random = RandomSource.seeded(5);
    for (int t = 0; t < 600; t++) {
      Request request = request("", 1 + random.nextInt(4000), 1 + random.nextInt(500));
      predictor.observe(networks, request, 0, 5, truth(request));
      predictor.observe(twin, request, 0, 5, truth(request));
    }
    assertThat(networks.linearErrorSeconds()).isLessThan(networks.networkErrorSeconds());
    Request request = request("", 1000, 100);
    predictor.estimateSeconds(networks, request, 0, estimate);
    assertThat(estimate.value()).isCloseTo(truth(request), within(0.05));
    double first = estimate.value();
    predictor.estimateSeconds(twin, request, 0, estimate);
    assertThat(estimate.value()).isEqualTo(first);
    predictor.estimateSeconds(predictor.newState(), request, 0, estimate);
    assertThat(estimate.isPresent()).isFalse();
  }

  @Test
  void headroomOrdersEndpoints() {
    double[] headroom = {
      LatencyHeadroom.seconds(2, 1, 1.4),
      LatencyHeadroom.seconds(2, 1, 2.3),
      LatencyHeadroom.seconds(2, 1, Double.NaN),
      LatencyHeadroom.seconds(2, 1, 1.4)
    };
    assertThat(headroom[0]).isCloseTo(0.6, within(1e-12));
    assertThat(LatencyHeadroom.order(headroom)).containsExactly(0, 3, 1, 2);
    assertThat(LatencyHeadroom.order(new double[] {-0.0, 0.0})).containsExactly(0, 1);
  }

  @Test
  void waitingTimeOfThePublishedExample() {
    WaitingTime wait = new WaitingTime(1000).ahead(50, 200, 120);
    assertThat(wait.meanSeconds()).isEqualTo(10);
    assertThat(wait.standardDeviationSeconds()).isCloseTo(0.848528, within(1e-6));
    assertThat(wait.boundSeconds(0.99)).isCloseTo(11.973972, within(1e-6));
    assertThat(wait.probabilityWithin(11)).isCloseTo(0.880704, within(1e-6));
    assertThat(wait.indicativeOnly()).isFalse();
    WaitingTime certain = new WaitingTime(10).ahead(2, 30, 0).swap(1);
    assertThat(certain.boundSeconds(0.99)).isEqualTo(7);
    assertThat(certain.probabilityWithin(7)).isEqualTo(1);
    assertThat(certain.probabilityWithin(6.9)).isZero();
    assertThatThrownBy(() -> new WaitingTime(0))
        .hasMessage("tokensPerSecond must be finite and above 0 tokens/s, but was 0.0");
    assertThatThrownBy(() -> certain.boundSeconds(1))
        .hasMessage("confidence must be above 0 and below 1, but was 1.0");
  }

  @Property(seed = "42", tries = 20)
  void theBoundCoversSimulatedWaits(@ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    NormalDistribution standard = new NormalDistribution(null, 0, 1);
    WaitingTime wait = new WaitingTime(100).ahead(100, 50, 20).ahead(50, 10, 5);
    double bound = wait.boundSeconds(0.9);
    int covered = 0;
    for (int t = 0; t < 500; t++) {
      double tokens = 0;
      for (int i = 0; i < 150; i++) {
        double z = standard.inverseCumulativeProbability(Math.max(random.nextDouble(), 1e-12));
        tokens += i < 100 ? 50 + 20 * z : 10 + 5 * z;
      }
      covered += tokens / 100 <= bound ? 1 : 0;
    }
    // Five standard deviations of a binomial share around 0.9.
    assertThat(covered / 500.0).isCloseTo(0.9, within(5 * Math.sqrt(0.09 / 500)));
  }
}
