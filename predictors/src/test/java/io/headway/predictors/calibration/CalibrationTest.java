package io.headway.predictors.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.prediction.Estimate;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class CalibrationTest {
  private final Estimate estimate = new Estimate();

  private static EmaCalibrator ema(
      double smoothing, double epsilon, boolean signed, EmaCalibrator.Control control) {
    return new EmaCalibrator(
        new EmaCalibrator.Config(
            smoothing,
            0.5,
            0.5,
            epsilon,
            EmaCalibrator.DeadlineForm.MARGIN,
            1e-9,
            signed,
            control,
            0.1,
            0.05));
  }

  @Test
  void movingAveragesOfThePublishedExample() {
    EmaCalibrator calibrator = ema(0.2, 0.1, false, EmaCalibrator.Control.FIXED);
    EmaCalibrator.Errors errors = calibrator.newState();
    assertThat(calibrator.adjust(errors, 10)).isEqualTo(10);
    double[][] rows = {{10, 12}, {8, 8}, {20, 15}, {5, 9}, {11, 10}};
    double[][] expected = {
      {2, .166667}, {1.6, .133333}, {2.28, .173333}, {2.624, .227556}, {2.2992, .202044}
    };
    for (int i = 0; i < rows.length; i++) {
      calibrator.observe(errors, rows[i][0], rows[i][1]);
      assertThat(errors.mae()).isCloseTo(expected[i][0], within(1e-6));
      assertThat(errors.mape()).isCloseTo(expected[i][1], within(1e-6));
    }
    assertThat(errors.samples()).isEqualTo(5);
    assertThat(calibrator.adjust(errors, 10)).isCloseTo(12.159822, within(1e-6));
    assertThat(calibrator.deadline(errors, 10)).isCloseTo(13.375804, within(1e-6));
  }

  @Property(seed = "42")
  void theCorrectionOnlyLengthensAndStaysWithinTheErrors(
      @ForAll @Size(min = 1, max = 30) int[] raw, @ForAll @IntRange(min = 0, max = 99) int at) {
    EmaCalibrator calibrator = ema(0.3, 0.2, false, EmaCalibrator.Control.FIXED);
    EmaCalibrator.Errors errors = calibrator.newState();
    double most = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int value : raw) {
      double predicted = value & 0xFF;
      double actual = 1 + (value >> 8 & 0xFF);
      most = Math.max(most, Math.abs(predicted - actual));
      least = Math.min(least, Math.abs(predicted - actual));
      calibrator.observe(errors, predicted, actual);
    }
    assertThat(errors.mae()).isBetween(least - 1e-9, most + 1e-9);
    double adjusted = calibrator.adjust(errors, at);
    assertThat(adjusted).isGreaterThanOrEqualTo(at);
    assertThat(calibrator.deadline(errors, at)).isGreaterThanOrEqualTo(adjusted);
    assertThat(calibrator.adjust(errors, at + 1)).isGreaterThan(adjusted);
  }

  @Test
  void perfectPredictionsForgetOldErrorsGeometrically() {
    EmaCalibrator calibrator = ema(0.25, 0, false, EmaCalibrator.Control.FIXED);
    EmaCalibrator.Errors errors = calibrator.newState();
    calibrator.observe(errors, 10, 18);
    for (int t = 1; t <= 10; t++) {
      calibrator.observe(errors, 5, 5);
      assertThat(errors.mae()).isCloseTo(8 * Math.pow(0.75, t), within(1e-12));
    }
  }

  @Test
  void signedErrorsDoNotLengthenAnOverPredictor() {
    EmaCalibrator signed = ema(0.1, 0, true, EmaCalibrator.Control.FIXED);
    EmaCalibrator.Errors errors = signed.newState();
    signed.observe(errors, 3, 2);
    signed.observe(errors, 2, 1.5);
    assertThat(errors.bias()).isNegative();
    assertThat(signed.adjust(errors, 2))
        .as("only the relative term")
        .isCloseTo(2 + 0.5 * 2 * errors.mape(), within(1e-12));
  }

  @Test
  void controlsMoveTheCoefficients() {
    EmaCalibrator multiplicative = ema(1, 0, false, EmaCalibrator.Control.MULTIPLICATIVE);
    EmaCalibrator.Errors errors = multiplicative.newState();
    double[] rates = {0.1, 0.02, 0.05, 0.2};
    double[] expected = {0.55, 0.495, 0.495, 0.5445};
    for (int i = 0; i < rates.length; i++) {
      multiplicative.control(errors, rates[i]);
      assertThat(errors.betaMae()).isCloseTo(expected[i], within(1e-12));
      assertThat(errors.gammaMape()).isEqualTo(errors.betaMae());
    }
    for (int i = 0; i < 100; i++) {
      multiplicative.control(errors, 1);
    }
    assertThat(errors.betaMae()).isEqualTo(2);
    EmaCalibrator additive = ema(1, 0, false, EmaCalibrator.Control.ADDITIVE);
    EmaCalibrator.Errors other = additive.newState();
    additive.control(other, 30, 100);
    assertThat(other.betaMae()).isCloseTo(0.525, within(1e-12));
    additive.control(other, 0, 0);
    assertThat(other.betaMae()).isCloseTo(0.525, within(1e-12));
    assertThatThrownBy(() -> additive.control(other, 3, 2))
        .hasMessage("violations must be 0 to completions, but they were 3 and 2");
    EmaCalibrator fixed = ema(1, 0, false, EmaCalibrator.Control.FIXED);
    EmaCalibrator.Errors still = fixed.newState();
    fixed.control(still, 1);
    assertThat(still.betaMae()).isEqualTo(0.5);
  }

  @Test
  void movingAveragesRefuseWhatIsOutOfRange() {
    EmaCalibrator calibrator = ema(1, 0, false, EmaCalibrator.Control.FIXED);
    assertThatThrownBy(() -> calibrator.observe(calibrator.newState(), Double.NaN, 1))
        .hasMessage("predicted and actual must be finite, but were NaN and 1.0");
    assertThatThrownBy(() -> ema(0, 0, false, EmaCalibrator.Control.FIXED))
        .hasMessage("smoothing must be above 0 and at most 1, but was 0.0");
  }

  private static ConformalScores scores(double... values) {
    ConformalScores scores = new ConformalScores(Math.max(1, values.length));
    for (double value : values) {
      scores.add(value);
    }
    return scores;
  }

  @Test
  void conformalQuantilesOfThePublishedExample() {
    ConformalScores ten = scores(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    assertThat(ten.quantile(0.1)).isEqualTo(10);
    assertThat(ten.quantile(0.2)).isEqualTo(9);
    assertThat(ten.quantile(0.5)).isEqualTo(6);
    assertThat(ten.quantile(0.05)).isInfinite();
    assertThat(scores(1, 2, 3, 4, 5, 6, 7, 8, 9).quantile(0.1)).isEqualTo(9);
    assertThat(scores(1, 2, 3, 4, 5, 6, 7, 8).quantile(0.1)).isInfinite();
    assertThat(scores(1, 2, 3, 4, 5, 6, 7, 8, 9).quantile(0.7)).as("k = 3").isEqualTo(3);
    assertThat(scores().quantile(0.1)).isInfinite();
  }

  @Property(seed = "42", tries = 200)
  void coverageOfExchangeableScoresIsWithinTheTheorem(
      @ForAll @IntRange(min = 2, max = 60) int count,
      @ForAll @IntRange(min = 1, max = 99) int percent,
      @ForAll long seed) {
    // Of n + 1 distinct exchangeable scores each is equally likely to be the one left out.
    RandomSource random = RandomSource.seeded(seed);
    double[] all = new double[count];
    Arrays.setAll(all, i -> i + 0.9 * random.nextDouble());
    double alpha = percent / 100.0;
    int covered = 0;
    boolean bounded = true;
    for (int left = 0; left < count; left++) {
      ConformalScores scores = new ConformalScores(count);
      for (int i = 0; i < count; i++) {
        if (i != left) {
          scores.add(all[i]);
        }
      }
      double quantile = scores.quantile(alpha);
      bounded &= !Double.isInfinite(quantile);
      covered += all[left] <= quantile ? 1 : 0;
    }
    double coverage = (double) covered / count;
    assertThat(coverage).isGreaterThanOrEqualTo(1 - alpha - 1e-9);
    if (bounded) {
      assertThat(coverage).isLessThanOrEqualTo(1 - alpha + 1.0 / count + 1e-9);
    }
  }

  @Property(seed = "42")
  void theWindowKeepsTheLatestScoresSorted(
      @ForAll @Size(max = 40) byte[] raw, @ForAll @IntRange(min = 1, max = 12) int window) {
    ConformalScores scores = new ConformalScores(window);
    for (byte value : raw) {
      scores.add(value);
    }
    int from = Math.max(0, raw.length - window);
    double[] kept = new double[raw.length - from];
    Arrays.setAll(kept, i -> raw[from + i]);
    Arrays.sort(kept);
    assertThat(scores.size()).isEqualTo(kept.length);
    for (int k = 1; k <= kept.length; k++) {
      double alpha = 1 - (k - 0.5) / (kept.length + 1);
      assertThat(scores.quantile(alpha)).isEqualTo(kept[k - 1]);
    }
    scores.keepLast(2);
    assertThat(scores.size()).isEqualTo(Math.min(2, kept.length));
    if (raw.length > 0) {
      double last = raw[raw.length - 1];
      double before = raw.length > 1 && window > 1 ? raw[raw.length - 2] : last;
      assertThat(scores.quantile(0.99)).isEqualTo(Math.min(last, before));
    }
  }

  @Test
  void formsOfTheInterval() {
    assertThat(ConformalForm.ABSOLUTE.score(10, 10, 10, 7)).isEqualTo(3);
    assertThat(ConformalForm.UPPER.score(10, 10, 10, 7)).isEqualTo(-3);
    assertThat(ConformalForm.UPPER.low(10, 10, 10, 1)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(ConformalForm.NORMALISED.score(10, 10, 12, 7)).isEqualTo(1.5);
    assertThat(ConformalForm.NORMALISED.high(10, 10, 12, 1.5)).isEqualTo(13);
    assertThatThrownBy(() -> ConformalForm.NORMALISED.score(10, 10, 10, 7))
        .hasMessage("sigma = high - value must be above 0 in the normalised form, but was 0.0");
    double[] low = {8, 10, 12, 7, 9};
    double[] high = {15, 18, 20, 13, 16};
    double[] actual = {14, 19.5, 11, 10, 16.2};
    ConformalScores scores = new ConformalScores(5);
    for (int i = 0; i < 5; i++) {
      scores.add(ConformalForm.QUANTILE.score(0, low[i], high[i], actual[i]));
    }
    double q = scores.quantile(0.2);
    assertThat(q).isEqualTo(1.5);
    assertThat(ConformalForm.QUANTILE.low(0, 9, 17, q)).isEqualTo(7.5);
    assertThat(ConformalForm.QUANTILE.high(0, 9, 17, q)).isEqualTo(18.5);
  }

  @Test
  void theSplitCalibratorAnswersTheUpperEnd() {
    ConformalCalibrator calibrator = new ConformalCalibrator(ConformalForm.UPPER, 0.2, 100);
    ConformalScores state = calibrator.newState();
    assertThat(calibrator.adjust(state, 5)).isInfinite();
    for (int i = 1; i <= 9; i++) {
      calibrator.observe(state, 10, 10 + i);
    }
    assertThat(calibrator.adjust(state, 5)).isEqualTo(13);
    calibrator.interval(state, 5, estimate);
    assertThat(estimate.low()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(estimate.high()).isEqualTo(13);
    assertThatThrownBy(() -> new ConformalCalibrator(ConformalForm.QUANTILE, 0.1, 1))
        .hasMessage("form must be ABSOLUTE or UPPER, but was QUANTILE");
    assertThatThrownBy(() -> new ConformalCalibrator(ConformalForm.UPPER, 1, 1))
        .hasMessage("alpha must be above 0 and below 1, but was 1.0");
  }

  @Test
  void theAdaptiveCalibratorOfThePublishedExample() {
    AdaptiveConformalCalibrator calibrator = new AdaptiveConformalCalibrator(0.2, 0.1, 9);
    AdaptiveConformalCalibrator.State state = calibrator.newState();
    for (double score : new double[] {1, 2, 3, 4, 5, 2, 1, 3, 2}) {
      state.scores().add(score);
    }
    double[][] rows = {{10, 10}, {11, 14}, {10, 9}, {12, 30}, {12, 12}, {11, 11}};
    double[][] expected = {
      {.2, 4, 0}, {.22, 4, 0}, {.24, 4, 0}, {.26, 4, 1}, {.18, 18, 0}, {.2, 3, 0}
    };
    for (int i = 0; i < rows.length; i++) {
      assertThat(state.alpha()).isCloseTo(expected[i][0], within(1e-12));
      assertThat(state.halfWidth()).isEqualTo(expected[i][1]);
      calibrator.observe(state, rows[i][0], rows[i][1]);
      assertThat(state.missed()).isEqualTo(expected[i][2] == 1);
    }
    assertThat(state.alpha()).isCloseTo(0.22, within(1e-12));
  }

  @Property(seed = "42", tries = 200)
  void theMissRateOfAnySequenceIsBounded(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 400) int n) {
    double alpha = 0.15;
    double gamma = 0.07;
    AdaptiveConformalCalibrator calibrator = new AdaptiveConformalCalibrator(alpha, gamma, 30);
    AdaptiveConformalCalibrator.State state = calibrator.newState();
    RandomSource random = RandomSource.seeded(seed);
    int misses = 0;
    double scale = 1;
    for (int t = 0; t < n; t++) {
      scale *= random.nextInt(20) == 0 ? 10 * random.nextDouble() : 1.01;
      calibrator.observe(state, 0, scale * random.nextDouble());
      misses += state.missed() ? 1 : 0;
    }
    double bound = (Math.max(alpha, 1 - alpha) + gamma) / (gamma * n);
    assertThat(Math.abs((double) misses / n - alpha)).isLessThanOrEqualTo(bound + 1e-9);
  }

  @Test
  void anEmptyIntervalAlwaysMisses() {
    AdaptiveConformalCalibrator calibrator = new AdaptiveConformalCalibrator(0.9, 1, 3);
    AdaptiveConformalCalibrator.State state = calibrator.newState();
    calibrator.observe(state, 1, 1);
    assertThat(state.empty()).isTrue();
    calibrator.interval(state, 5, estimate);
    assertThat(estimate.isPresent()).isFalse();
    assertThat(calibrator.adjust(state, 5)).isEqualTo(5);
    assertThatThrownBy(state::halfWidth).hasMessage("the interval is empty; ask empty() first");
    calibrator.observe(state, 1, 1);
    assertThat(state.missed()).isTrue();
  }

  @Test
  void pinballAndTrackerOfThePublishedExamples() {
    assertThat(QuantileTracker.pinball(10, 14, .9)).isCloseTo(3.6, within(1e-12));
    assertThat(QuantileTracker.pinball(10, 6, .9)).isCloseTo(.4, within(1e-12));
    assertThat(QuantileTracker.pinball(10, 10, .5)).isZero();
    QuantileTracker tracker = new QuantileTracker(0.9, 100);
    double[] expected = {104.5, 104, 108.5, 108, 112.5};
    double[] values = {120, 80, 150, 90, 110};
    for (int i = 0; i < values.length; i++) {
      assertThat(tracker.observe(values[i], 5)).isCloseTo(expected[i], within(1e-9));
    }
    assertThatThrownBy(() -> new QuantileTracker(1, 0))
        .hasMessage("tau must be above 0 and below 1, but was 1.0");
    assertThatThrownBy(() -> tracker.observe(1, -1))
        .hasMessage("eta must be finite and at least 0, but was -1.0");
  }

  @Property(seed = "42")
  void theTrackedShareIsBounded(
      @ForAll @Size(min = 1, max = 200) int[] values,
      @ForAll @IntRange(min = 1, max = 99) int percent) {
    double tau = percent / 100.0;
    QuantileTracker tracker = new QuantileTracker(tau, 0);
    double eta = 3;
    int covered = 0;
    for (int value : values) {
      covered += value % 1000 <= tracker.quantile() ? 1 : 0;
      tracker.observe(value % 1000, eta);
    }
    assertThat(Math.abs((double) covered / values.length - tau))
        .isLessThanOrEqualTo(Math.abs(tracker.quantile()) / (eta * values.length) + 1e-9);
  }

  @Test
  void quantileRegressionStepsTowardsTheQuantile() {
    QuantileRegression model = new QuantileRegression(new double[2], 0.1, 0.9);
    assertThat(model.observe(new double[] {1, 2}, 5)).isZero();
    assertThat(model.coefficients()).containsExactly(new double[] {.09, .18}, within(1e-12));
    assertThat(model.observe(new double[] {1, 1}, 0.2)).isCloseTo(0.27, within(1e-12));
    assertThat(model.coefficients()).containsExactly(new double[] {.08, .17}, within(1e-12));
    assertThatThrownBy(() -> model.predict(new double[1]))
        .hasMessage("features must have 2 entries, but has 1");
    RandomSource random = RandomSource.seeded(1);
    QuantileRegression steady = new QuantileRegression(new double[] {0}, 0.002, 0.9);
    for (int t = 0; t < 50_000; t++) {
      steady.observe(new double[] {1}, random.nextDouble());
    }
    assertThat(steady.coefficients()[0]).isCloseTo(0.9, within(0.05));
  }

  @Test
  void theQuantileCalibratorCoversItsShare() {
    QuantileCalibrator calibrator = new QuantileCalibrator(0.9, 0.05);
    QuantileCalibrator.State state = calibrator.newState();
    RandomSource random = RandomSource.seeded(9);
    int covered = 0;
    for (int t = 0; t < 20_000; t++) {
      double actual = 10 + 4 * random.nextDouble();
      covered += t >= 10_000 && actual <= calibrator.adjust(state, 10) ? 1 : 0;
      calibrator.observe(state, 10, actual);
    }
    assertThat(covered / 10_000.0).isCloseTo(0.9, within(0.02));
    calibrator.interval(state, 1, estimate);
    assertThat(estimate.isPresent()).isFalse();
  }
}
