package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import java.math.BigDecimal;
import java.math.MathContext;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The own exponential against the one of the standard library and against exact arithmetic. */
class ExponentialsTest {
  private static double exp(double x) {
    double[] out = new double[1];
    Exponentials.of(new double[] {x}, 1, 0, out, new double[1], 1);
    return out[0];
  }

  @Property(tries = 20_000, seed = "20261122")
  void isWithinTwoUnitsOfStrictMath(@ForAll @DoubleRange(min = -700, max = 700) double x) {
    double expected = StrictMath.exp(x);
    assertThat(Math.abs(exp(x) - expected)).isLessThanOrEqualTo(2 * Math.ulp(expected));
  }

  @Property(tries = 500, seed = "20261122")
  void isWithinOneUnitOfTheExactValue(@ForAll @DoubleRange(min = -1, max = 1) double x) {
    MathContext digits = new MathContext(40);
    BigDecimal exact = BigDecimal.ONE;
    BigDecimal term = BigDecimal.ONE;
    for (int i = 1; i < 40; i++) {
      term = term.multiply(new BigDecimal(x), digits).divide(BigDecimal.valueOf(i), digits);
      exact = exact.add(term, digits);
    }
    double y = exp(x);
    assertThat(new BigDecimal(y).subtract(exact).abs())
        .isLessThanOrEqualTo(new BigDecimal(Math.ulp(y)));
  }

  @Test
  void hasExactEnds() {
    assertThat(exp(0)).isEqualTo(1);
    assertThat(exp(-0.0)).isEqualTo(1);
    assertThat(exp(Double.NEGATIVE_INFINITY)).isZero();
    assertThat(exp(-710)).isZero();
    assertThat(exp(-1e308)).isZero();
    assertThat(exp(709)).isFinite();
    assertThat(exp(711)).isInfinite();
    assertThat(exp(1e308)).isInfinite();
  }

  @Test
  void sumsWhatItWrites() {
    double[] row = new double[37];
    for (int i = 0; i < row.length; i++) {
      row[i] = Math.sin(i);
    }
    double[] out = new double[row.length];
    for (int n = 0; n <= row.length; n++) {
      double sum = Exponentials.of(row, 1, 1, out, new double[n], n);
      double expected = 0;
      for (int i = 0; i < n; i++) {
        assertThat(out[i]).isEqualTo(exp(row[i] - 1));
        expected += out[i];
      }
      assertThat(sum).isCloseTo(expected, within(1e-13));
    }
  }

  @Property(tries = 20_000, seed = "20261122")
  void weightsAreCloseEnough(@ForAll @DoubleRange(min = -60, max = 0) double x) {
    assertThat(weights(x)[0] / Exponentials.WEIGHT).isCloseTo(StrictMath.exp(x), within(2e-14));
  }

  @Test
  void theWeightOfZeroIsExactAndNoneIsZero() {
    double[] out = weights(0, -0.0, -44, -45, -1e300, Double.NEGATIVE_INFINITY);
    assertThat(out).startsWith(Exponentials.WEIGHT, Exponentials.WEIGHT);
    assertThat(out[2] / Exponentials.WEIGHT).isBetween(1e-20, 1e-18);
    assertThat(out).endsWith(out[2], out[2], out[2]);
  }

  @Property(tries = 2_000, seed = "20261122")
  void weightsAddUp(@ForAll @IntRange(min = 1, max = 300) int n, @ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    double[] x = new double[n];
    double[] weight = new double[n + SoftmaxBlock.PARTS];
    double shift = 40 * random.nextDouble() - 20;
    x[0] = shift;
    double expected = 1;
    for (int i = 1; i < n; i++) {
      x[i] = shift - 20 * random.nextDouble() * random.nextDouble();
      expected += StrictMath.exp(x[i] - shift);
    }
    assertThat(Exponentials.sumOfWeights(x, shift, weight, n) / Exponentials.WEIGHT)
        .isCloseTo(expected, within(3e-14 * expected));
  }

  private static double[] weights(double... x) {
    double[] root = x.clone();
    Exponentials.roots(root, x.length);
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double[] sum = new double[SoftmaxBlock.STEP + 1];
      Exponentials.gatherPowers(new double[] {root[i]}, sum, 1);
      out[i] = sum[SoftmaxBlock.STEP];
    }
    return out;
  }

  @Test
  void sigmoidIsAccurateOnBothSides() {
    double[] row = {0, 40, -40, 800, -800, Double.NEGATIVE_INFINITY, 1, -1};
    double[] out = new double[row.length];
    Exponentials.sigmoids(row, out, new double[row.length], row.length);
    assertThat(out[0]).isEqualTo(0.5);
    assertThat(out[1]).isEqualTo(1);
    assertThat(out[2]).isCloseTo(4.248354255291589e-18, within(1e-32));
    assertThat(out[3]).isEqualTo(1);
    assertThat(out[4]).isZero();
    assertThat(out[5]).isZero();
    assertThat(out[6] + out[7]).isCloseTo(1, within(1e-15));
  }
}
