package io.headway.predictors.arrival;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.prediction.ArrivalForecaster;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ArrivalTest {
  private static final double[] SHEET = {
    100, 140, 180, 120, 110, 152, 195, 131, 121, 166, 212, 141
  };

  private static HoltWinters holtWinters(HoltWinters.Form form, int season) {
    return new HoltWinters(new HoltWinters.Config(form, season, 0.4, 0.2, 0.3));
  }

  private static <S> double[] forecast(
      ArrivalForecaster<S> forecaster, S state, double[] counts, int horizon) {
    for (double count : counts) {
      if (Double.isNaN(count)) {
        forecaster.addMissing(state);
      } else {
        forecaster.add(state, count);
      }
    }
    double[] result = new double[horizon];
    assertThat(forecaster.forecast(state, result)).isTrue();
    return result;
  }

  @Test
  void additiveOfThePublishedExample() {
    HoltWinters forecaster = holtWinters(HoltWinters.Form.ADDITIVE, 4);
    HoltWinters.Series series = forecaster.newState();
    assertThat(forecast(forecaster, series, SHEET, 6))
        .containsExactly(
            new double[] {133.302778, 175.97484, 219.010899, 157.877267, 145.678097, 188.350158},
            within(1e-6));
    assertThat(series.smoother().level()).isCloseTo(163.754093, within(1e-6));
    assertThat(series.smoother().trend()).isCloseTo(3.09383, within(1e-6));
    assertThat(series.smoother().seasonals())
        .containsExactly(new double[] {-33.545144, 6.033088, 45.975317, -18.252144}, within(1e-6));
  }

  @Test
  void multiplicativeOfThePublishedExample() {
    HoltWinters forecaster = holtWinters(HoltWinters.Form.MULTIPLICATIVE, 4);
    HoltWinters.Series series = forecaster.newState();
    assertThat(forecast(forecaster, series, SHEET, 6))
        .containsExactly(
            new double[] {125.863473, 175.451173, 227.309169, 153.646025, 134.7907, 187.678732},
            within(1e-6));
    assertThat(series.form()).isEqualTo(HoltWinters.Form.MULTIPLICATIVE);
  }

  @Property(seed = "42")
  void aSeasonWithoutTrendAndALineWithoutSeasonContinueExactly(
      @ForAll @IntRange(min = 1, max = 8) int season,
      @ForAll @IntRange(min = 0, max = 20) int slope,
      @ForAll @IntRange(min = 2, max = 5) int seasons) {
    double[] seasonal = new double[season * seasons];
    double[] next = new double[2 * season];
    Arrays.setAll(seasonal, t -> 100 + 10 * (t % season));
    Arrays.setAll(next, h -> 100 + 10 * (h % season));
    for (HoltWinters.Form form : HoltWinters.Form.values()) {
      HoltWinters forecaster = holtWinters(form, season);
      assertThat(forecast(forecaster, forecaster.newState(), seasonal, next.length))
          .containsExactly(next, within(1e-9));
    }
    double[] line = new double[2 * seasons];
    double[] onwards = new double[4];
    Arrays.setAll(line, t -> 100 + slope * t);
    Arrays.setAll(onwards, h -> 100 + slope * (line.length + h));
    HoltWinters forecaster = holtWinters(HoltWinters.Form.ADDITIVE, 1);
    assertThat(forecast(forecaster, forecaster.newState(), line, 4))
        .containsExactly(onwards, within(1e-9));
  }

  @Test
  void tooFewBinsRepeatTheLast() {
    HoltWinters forecaster = holtWinters(HoltWinters.Form.ADDITIVE, 4);
    HoltWinters.Series series = forecaster.newState();
    double[] untouched = {-1};
    assertThat(forecaster.forecast(series, untouched)).isFalse();
    assertThat(untouched).containsExactly(-1);
    assertThat(forecast(forecaster, series, new double[] {3, 9, Double.NaN}, 2))
        .containsExactly(9, 9);
    assertThat(series.smoother()).isNull();
    assertThatThrownBy(() -> forecaster.add(series, -1))
        .hasMessage("count must be finite and at least 0, but was -1.0");
  }

  @Test
  void aZeroMakesItAdditiveFromTheBeginning() {
    double[] late = Arrays.copyOf(SHEET, SHEET.length + 3);
    late[SHEET.length] = 125;
    late[SHEET.length + 1] = 0;
    late[SHEET.length + 2] = 200;
    HoltWinters multiplicative = holtWinters(HoltWinters.Form.MULTIPLICATIVE, 4);
    HoltWinters.Series series = multiplicative.newState();
    HoltWinters additive = holtWinters(HoltWinters.Form.ADDITIVE, 4);
    assertThat(forecast(multiplicative, series, late, 5))
        .containsExactly(forecast(additive, additive.newState(), late, 5));
    assertThat(series.form()).isEqualTo(HoltWinters.Form.ADDITIVE);
  }

  @Test
  void forecastsAreNeverNegativeAndMissingBinsTakeTheirForecast() {
    double[] falling = {80, 90, 60, 70, 40, 50, 20, 30, 5, 6};
    HoltWinters forecaster = holtWinters(HoltWinters.Form.ADDITIVE, 2);
    double[] far = forecast(forecaster, forecaster.newState(), falling, 20);
    assertThat(Arrays.stream(far).min()).hasValue(0);
    HoltWinters.Series one = forecaster.newState();
    double[] next = forecast(forecaster, one, SHEET, 1);
    double[] withGap = Arrays.copyOf(SHEET, SHEET.length + 1);
    withGap[SHEET.length] = Double.NaN;
    double[] filled = Arrays.copyOf(SHEET, SHEET.length + 1);
    filled[SHEET.length] = next[0];
    assertThat(forecast(forecaster, forecaster.newState(), withGap, 4))
        .containsExactly(forecast(forecaster, forecaster.newState(), filled, 4), within(1e-9));
  }

  @Test
  void tuningPicksTheBestOfTheGrid() {
    double[] history = new double[60];
    Arrays.setAll(history, t -> 100 + 30 * (t % 6) + (t > 30 ? 200 : 0));
    HoltWinters.Config tuned = HoltWinters.tuned(HoltWinters.Form.ADDITIVE, 6, history);
    double best = error(tuned, history);
    for (double alpha : new double[] {0.05, 0.1, 0.2, 0.3, 0.5, 0.8}) {
      assertThat(
              error(
                  new HoltWinters.Config(HoltWinters.Form.ADDITIVE, 6, alpha, 0.05, 0.05), history))
          .isGreaterThanOrEqualTo(best);
    }
    assertThatThrownBy(() -> HoltWinters.tuned(HoltWinters.Form.ADDITIVE, 30, history))
        .hasMessage("history must have more than two seasons, 60 bins, but has 60");
  }

  private static double error(HoltWinters.Config config, double[] history) {
    HoltWinters forecaster = new HoltWinters(config);
    HoltWinters.Series series = forecaster.newState();
    double[] next = new double[1];
    double sum = 0;
    for (int t = 0; t < history.length; t++) {
      if (t >= 12) {
        forecaster.forecast(series, next);
        sum += Math.pow(history[t] - next[0], 2);
      }
      forecaster.add(series, history[t]);
    }
    return sum;
  }

  @Test
  void autoregressionOfThePublishedExample() {
    double[] counts = {10, 12, 15, 14, 18, 21, 20, 25, 27, 26};
    ArDifferences.Fit fit = ArDifferences.fit(2, 1, counts, 3);
    assertThat(fit.coefficients())
        .containsExactly(new double[] {6.4375, -1.19310897, -1.07772436}, within(1e-8));
    assertThat(fit.forecast())
        .containsExactly(new double[] {31.47516, 32.457922, 31.822167}, within(1e-6));
  }

  @Property(seed = "42")
  void autoregressionContinuesALine(
      @ForAll @IntRange(min = 0, max = 50) int start,
      @ForAll @IntRange(min = 0, max = 9) int slope,
      @ForAll @IntRange(min = 6, max = 30) int bins) {
    ArDifferences forecaster = new ArDifferences(new ArDifferences.Config(2, 1, 20));
    double[] counts = new double[bins];
    Arrays.setAll(counts, t -> start + slope * t);
    double[] expected = new double[4];
    Arrays.setAll(expected, h -> start + slope * (bins + h));
    assertThat(forecast(forecaster, forecaster.newState(), counts, 4))
        .containsExactly(expected, within(1e-9));
    assertThat(ArDifferences.fit(2, 1, counts, 1).coefficients()).as("rank deficient").isNull();
    double[] squares = new double[bins];
    Arrays.setAll(squares, t -> (double) t * t);
    assertThat(ArDifferences.fit(1, 2, squares, 2).forecast())
        .containsExactly(
            new double[] {(double) bins * bins, (bins + 1.0) * (bins + 1)}, within(1e-6));
  }

  @Test
  void autoregressionWithTooLittleHistory() {
    ArDifferences forecaster = new ArDifferences(ArDifferences.Config.DEFAULT);
    ArDifferences.History history = forecaster.newState();
    assertThat(forecaster.forecast(history, new double[1])).isFalse();
    forecaster.addMissing(history);
    assertThat(forecast(forecaster, history, new double[] {5, 7}, 2)).containsExactly(7, 7);
    assertThatThrownBy(() -> ArDifferences.fit(2, 1, new double[3], 1))
        .hasMessage("counts must have at least order + differences + 1 = 4 bins, but has 3");
    assertThatThrownBy(() -> new ArDifferences.Config(0, 1, 9))
        .hasMessage("order must be at least 1 and differences at least 0, but were 0 and 1");
  }
}
