package io.headway.predictors.regression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RegressionTest {
  private static final double[][] X = {
    {1, 1, 0}, {1, 2, 1}, {1, 3, 1}, {1, 4, 3}, {1, 5, 2}, {1, 6, 5}
  };
  private static final double[] Y = {2.1, 5.2, 6.9, 12.2, 12.8, 19.9};

  @Test
  void ordinaryLeastSquaresOfThePublishedExample() {
    assertThat(LeastSquares.ordinary(X, Y))
        .containsExactly(new double[] {-0.13727273, 1.86909091, 1.72272727}, within(1e-8));
  }

  @Test
  void leastSquaresSaysWhenRowsDoNotDetermineTheCoefficients() {
    double[][] twice = {{1, 2}, {2, 4}, {3, 6}};
    assertThat(LeastSquares.ordinary(twice, new double[3])).isNull();
    assertThat(LeastSquares.ordinary(new double[][] {{1, 2}}, new double[1])).isNull();
    assertThat(LeastSquares.ridge(twice, new double[3], new double[3], new double[2])).isNull();
    assertThat(
            LeastSquares.ridge(new double[0][], new double[0], new double[0], new double[] {1, 1}))
        .containsExactly(new double[2], within(0.0));
    assertThatThrownBy(() -> LeastSquares.ordinary(new double[0][], new double[0]))
        .hasMessage("rows must have at least 1 row, but has none");
    assertThatThrownBy(() -> LeastSquares.ordinary(twice, new double[2]))
        .hasMessage("targets must have one entry per row, 3, but has 2");
    assertThatThrownBy(() -> LeastSquares.ordinary(new double[][] {{1}, {1, 2}}, new double[2]))
        .hasMessage("rows must all have 1 features, but row 1 has 2");
    assertThatThrownBy(() -> LeastSquares.ordinary(new double[][] {{Double.NaN}}, new double[1]))
        .hasMessage("rows[0] must be finite, but was NaN");
    assertThatThrownBy(
            () -> LeastSquares.ridge(twice, new double[3], new double[3], new double[] {1, -1}))
        .hasMessage("penalties must be finite and at least 0, but one was -1.0");
  }

  @Test
  void recursiveLeastSquaresOfThePublishedExample() {
    RecursiveLeastSquares rls = new RecursiveLeastSquares(3, 1, 0.01, Double.POSITIVE_INFINITY);
    double[] errors = new double[6];
    for (int t = 0; t < 6; t++) {
      errors[t] = rls.observe(X[t], Y[t]);
    }
    assertThat(errors)
        .containsExactly(
            new double[] {2.1, 2.065672, -0.01536, 0.861464, 0.969586, 0.872113}, within(1e-6));
    assertThat(rls.coefficients())
        .containsExactly(new double[] {-0.13235674, 1.86773026, 1.72276071}, within(1e-8));
    RecursiveLeastSquares forgetting =
        new RecursiveLeastSquares(3, 0.95, 0.01, Double.POSITIVE_INFINITY);
    for (int t = 0; t < 6; t++) {
      forgetting.observe(X[t], Y[t]);
    }
    assertThat(forgetting.coefficients())
        .containsExactly(new double[] {-0.1703974, 1.87921416, 1.72140232}, within(1e-7));
  }

  @Property(seed = "42", tries = 100)
  void recursiveEqualsDirectRidge(
      @ForAll @IntRange(min = 1, max = 5) int d,
      @ForAll @IntRange(min = 1, max = 60) int n,
      @ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    double lambda = 0.95 + 0.05 * random.nextDouble();
    double delta = 0.01;
    RecursiveLeastSquares rls =
        new RecursiveLeastSquares(d, lambda, delta, Double.POSITIVE_INFINITY);
    double[][] rows = new double[n][d];
    double[] targets = new double[n];
    double[] weights = new double[n];
    for (int t = 0; t < n; t++) {
      Arrays.setAll(rows[t], j -> 2 * random.nextDouble() - 1);
      targets[t] = 5 * random.nextDouble();
      weights[t] = Math.pow(lambda, n - 1 - t);
      rls.observe(rows[t], targets[t]);
    }
    double[] penalties = new double[d];
    Arrays.fill(penalties, delta * Math.pow(lambda, n));
    assertThat(rls.coefficients())
        .containsExactly(LeastSquares.ridge(rows, targets, weights, penalties), within(1e-6));
    assertThat(rls.observations()).isEqualTo(n);
  }

  @Property(seed = "42", tries = 50)
  void withoutForgettingTheOrderDoesNotMatter(@ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    RecursiveLeastSquares forward = new RecursiveLeastSquares(3, 1, 0.01, 1e300);
    RecursiveLeastSquares backward = new RecursiveLeastSquares(3, 1, 0.01, 1e300);
    double[][] rows = new double[20][3];
    for (double[] row : rows) {
      Arrays.setAll(row, j -> random.nextDouble());
      forward.observe(row, 3 * row[0] - row[2]);
    }
    for (int t = rows.length - 1; t >= 0; t--) {
      backward.observe(rows[t], 3 * rows[t][0] - rows[t][2]);
    }
    assertThat(backward.coefficients()).containsExactly(forward.coefficients(), within(1e-8));
  }

  @Test
  void constantInputsDoNotBlowTheEstimatorUp() {
    RecursiveLeastSquares rls = new RecursiveLeastSquares(2, 0.95, 0.01, 1e8);
    for (int t = 0; t < 20_000; t++) {
      rls.observe(new double[] {1, 2}, 5);
    }
    assertThat(rls.predict(new double[] {1, 2})).isCloseTo(5, within(1e-9));
    assertThat(rls.predict(new double[] {3, -1})).isFinite();
  }

  @Test
  void recursiveLeastSquaresRefusesWhatItCannotLearn() {
    RecursiveLeastSquares rls = new RecursiveLeastSquares(2);
    assertThatThrownBy(() -> rls.observe(new double[] {1, Double.NaN}, 1))
        .hasMessage("features[1] must be finite, but was NaN");
    assertThatThrownBy(() -> rls.observe(new double[] {1, 1}, Double.NaN))
        .hasMessage("target must be finite, but was NaN");
    assertThatThrownBy(() -> rls.predict(new double[1]))
        .hasMessage("features must have 2 entries, but has 1");
    assertThat(rls.observations()).isZero();
    assertThat(rls.coefficients()).containsExactly(0, 0);
    assertThatThrownBy(() -> new RecursiveLeastSquares(1, 1.5, 1, 1))
        .hasMessage("forgetting must be above 0 and at most 1, but was 1.5");
  }

  @Test
  void networkOfThePublishedExample() {
    TinyMlp mlp =
        new TinyMlp(
            new double[][] {{.5, -.2}, {.1, .4}},
            new double[] {0, .1},
            new double[] {1, -.5},
            .2,
            .1,
            Double.POSITIVE_INFINITY);
    assertThat(mlp.observe(new double[] {1, 2}, 1)).isCloseTo(-0.2, within(1e-12));
    assertThat(mlp.hiddenWeights()[0]).containsExactly(new double[] {.62, .04}, within(1e-12));
    assertThat(mlp.hiddenWeights()[1]).containsExactly(new double[] {.04, .28}, within(1e-12));
    assertThat(mlp.hiddenBiases()).containsExactly(new double[] {.12, .04}, within(1e-12));
    assertThat(mlp.outputWeights()).containsExactly(new double[] {1.012, -.38}, within(1e-12));
    assertThat(mlp.outputBias()).isCloseTo(.32, within(1e-12));
    assertThat(mlp.predict(new double[] {1, 2})).isCloseTo(0.90664, within(1e-12));
  }

  private static double loss(
      double[][] w1, double[] b1, double[] w2, double b2, double[] x, double y) {
    double o = new TinyMlp(w1, b1, w2, b2, 1, 1).predict(x);
    return (o - y) * (o - y) / 2;
  }

  @Property(seed = "42", tries = 100)
  void theStepFollowsTheGradient(@ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    int h = 3;
    int d = 2;
    double[][] w1 = new double[h][d];
    double[] b1 = new double[h];
    double[] w2 = new double[h];
    for (int i = 0; i < h; i++) {
      Arrays.setAll(w1[i], j -> 2 * random.nextDouble() - 1);
      b1[i] = random.nextDouble() - 0.5;
      w2[i] = 2 * random.nextDouble() - 1;
    }
    double[] x = {random.nextDouble() + 0.1, random.nextDouble() + 0.1};
    double y = 3 * random.nextDouble();
    double rate = 1e-3;
    TinyMlp mlp = new TinyMlp(w1, b1, w2, 0.1, rate, Double.POSITIVE_INFINITY);
    mlp.observe(x, y);
    double e = 1e-6;
    for (int i = 0; i < h; i++) {
      // Near a kink of the rectifier a difference quotient is no derivative.
      double z = b1[i] + w1[i][0] * x[0] + w1[i][1] * x[1];
      if (Math.abs(z) < 1e-4) {
        continue;
      }
      for (int j = 0; j < d; j++) {
        double kept = w1[i][j];
        w1[i][j] = kept + e;
        double up = loss(w1, b1, w2, 0.1, x, y);
        w1[i][j] = kept - e;
        double down = loss(w1, b1, w2, 0.1, x, y);
        w1[i][j] = kept;
        double gradient = (kept - mlp.hiddenWeights()[i][j]) / rate;
        assertThat(gradient).isCloseTo((up - down) / (2 * e), within(1e-5));
      }
    }
    assertThat(Math.abs(mlp.predict(x) - y))
        .isLessThanOrEqualTo(Math.abs(new TinyMlp(w1, b1, w2, 0.1, 1, 1).predict(x) - y) + 1e-12);
  }

  @Test
  void theClippedStepHasTheClipNorm() {
    double[][] w1 = {{1, 1}};
    TinyMlp mlp = new TinyMlp(w1, new double[1], new double[] {1}, 0, 1, 0.5);
    mlp.observe(new double[] {10, 10}, -100);
    double[] row = mlp.hiddenWeights()[0];
    double norm =
        Math.sqrt(
            Math.pow(row[0] - 1, 2)
                + Math.pow(row[1] - 1, 2)
                + Math.pow(mlp.hiddenBiases()[0], 2)
                + Math.pow(mlp.outputWeights()[0] - 1, 2)
                + Math.pow(mlp.outputBias(), 2));
    assertThat(norm).isCloseTo(0.5, within(1e-12));
  }

  @Test
  void equalSeedsGiveEqualNetworks() {
    TinyMlp a = TinyMlp.random(3, 4, 0.01, 1, RandomSource.seeded(7));
    TinyMlp b = TinyMlp.random(3, 4, 0.01, 1, RandomSource.seeded(7));
    for (int t = 0; t < 50; t++) {
      double[] x = {t % 3, t % 5, 1};
      assertThat(a.observe(x, t)).isEqualTo(b.observe(x, t));
    }
    assertThat(a.hiddenWeights()).isDeepEqualTo(b.hiddenWeights());
    assertThatThrownBy(() -> TinyMlp.random(0, 4, 0.01, 1, RandomSource.seeded(7)))
        .hasMessage("inputs and hiddenUnits must be at least 1, but were 0 and 4");
  }

  @Test
  void standardisedRowsHaveMean0AndDeviation1() {
    Standardiser standardiser = new Standardiser(2);
    double[] values = {3, 5, 7, 9, 100};
    for (double value : values) {
      standardiser.add(new double[] {value, 4});
    }
    double sum = 0;
    double squares = 0;
    for (double value : values) {
      double scaled = standardiser.scale(0, value);
      sum += scaled;
      squares += scaled * scaled;
      assertThat(standardiser.unscale(0, scaled)).isCloseTo(value, within(1e-9));
    }
    assertThat(sum).isCloseTo(0, within(1e-9));
    assertThat(squares / values.length).isCloseTo(1, within(1e-9));
    assertThat(standardiser.scale(1, 4)).isZero();
  }
}
