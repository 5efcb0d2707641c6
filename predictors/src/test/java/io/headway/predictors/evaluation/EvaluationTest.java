package io.headway.predictors.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.predictors.evaluation.ErrorInjection.Distribution;
import java.util.Arrays;
import java.util.OptionalDouble;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.junit.jupiter.api.Test;

class EvaluationTest {
  @Test
  void pointErrors() {
    PointErrors errors = new PointErrors(1e-9);
    double[][] rows = {{10, 12}, {8, 8}, {20, 15}, {5, 9}};
    for (double[] row : rows) {
      errors.add(row[0], row[1]);
    }
    assertThat(errors.count()).isEqualTo(4);
    assertThat(errors.mae()).isEqualTo(2.75);
    assertThat(errors.bias()).isEqualTo(-0.25);
    assertThat(errors.mape()).isCloseTo(0.236111, within(1e-6));
    assertThatThrownBy(() -> new PointErrors(1).mae())
        .hasMessage("an error measure needs at least 1 row, but there is none");
    assertThatThrownBy(() -> errors.add(Double.NaN, 1))
        .hasMessage("predicted and actual must be finite, but were NaN and 1.0");
  }

  @Test
  void intervalErrors() {
    IntervalErrors errors = new IntervalErrors();
    errors.add(0, 10, 5);
    errors.add(2, 4, 5);
    errors.add(1, 3, 3);
    errors.add(0, 1, 0);
    assertThat(errors.coverage()).isEqualTo(0.75);
    assertThat(errors.meanWidth()).isEqualTo(3.75);
    assertThatThrownBy(() -> errors.add(2, 1, 0))
        .hasMessage("low must be at most high and actual a number, but they were 2.0, 1.0 and 0.0");
  }

  @Test
  void kendallOfThePublishedExamples() {
    assertThat(
            RankCorrelation.kendallTauB(new double[] {30, 20, 10, 40}, new double[] {2, 1, 0, 1.5}))
        .hasValueCloseTo(0.666667, within(1e-6));
    assertThat(RankCorrelation.kendallTauB(new double[] {1, 2, 2, 3}, new double[] {1, 3, 2, 2}))
        .hasValueCloseTo(0.4, within(1e-12));
    assertThat(RankCorrelation.kendallTauB(new double[] {1, 1}, new double[] {1, 2})).isEmpty();
    assertThat(RankCorrelation.kendallTauB(new double[0], new double[0])).isEmpty();
  }

  @Property(seed = "42")
  void kendallEqualsTheCountOfPairs(
      @ForAll @Size(min = 2, max = 15) byte[] raw, @ForAll long seed) {
    double[] a = new double[raw.length];
    double[] b = new double[raw.length];
    RandomSource random = RandomSource.seeded(seed);
    for (int i = 0; i < raw.length; i++) {
      a[i] = raw[i] & 7;
      b[i] = random.nextInt(5);
    }
    long difference = 0;
    long untiedA = 0;
    long untiedB = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < i; j++) {
        difference += (long) (Math.signum(a[i] - a[j]) * Math.signum(b[i] - b[j]));
        untiedA += a[i] == a[j] ? 0 : 1;
        untiedB += b[i] == b[j] ? 0 : 1;
      }
    }
    OptionalDouble tau = RankCorrelation.kendallTauB(a, b);
    if (untiedA == 0 || untiedB == 0) {
      assertThat(tau).isEmpty();
    } else {
      assertThat(tau)
          .hasValueCloseTo(difference / Math.sqrt((double) untiedA * untiedB), within(1e-9));
    }
  }

  @Test
  void injectedErrorsHaveTheStatedSize() {
    // Means over an even grid of the unit interval stand for expectations.
    int n = 100_000;
    NormalDistribution normal = new NormalDistribution(null, 0, 1);
    for (double level : new double[] {0.1, 0.3}) {
      double uniform = 0;
      double gaussian = 0;
      double logNormal = 0;
      for (int i = 0; i < n; i++) {
        double u = (i + 0.5) / n;
        double z = normal.inverseCumulativeProbability(u);
        uniform += Math.abs(inject(Distribution.UNIFORM, level, u) - 1) / n;
        gaussian += Math.abs(inject(Distribution.GAUSSIAN, level, z) - 1) / n;
        logNormal += inject(Distribution.LOG_NORMAL, level, z) / n;
      }
      assertThat(uniform).isCloseTo(level, within(1e-6));
      assertThat(gaussian).isCloseTo(level, within(2e-3));
      assertThat(logNormal).isCloseTo(1, within(1e-4));
      assertThat(inject(Distribution.BIASED, level, 0)).isEqualTo(1 - level);
    }
  }

  private static double inject(Distribution distribution, double level, double draw) {
    return new ErrorInjection(distribution, level, 1).disturb(1, draw);
  }

  @Property(seed = "42")
  void everyInjectionTakesOneDrawAndIsFinite(
      @ForAll @DoubleRange(min = 0, max = 5) double level, @ForAll long seed) {
    for (Distribution distribution : Distribution.values()) {
      RandomSource one = RandomSource.seeded(seed);
      RandomSource two = RandomSource.seeded(seed);
      ErrorInjection injection = new ErrorInjection(distribution, level, 2);
      assertThat(injection.disturb(7, one)).isFinite().isEqualTo(injection.disturb(7, two));
      two.nextLong();
      RandomSource three = RandomSource.seeded(seed);
      three.nextLong();
      three.nextLong();
      assertThat(two.nextLong()).isEqualTo(three.nextLong());
    }
    RandomSource extreme = () -> 0;
    assertThat(new ErrorInjection(Distribution.GAUSSIAN, 1, 1).disturb(1, extreme)).isEqualTo(0.05);
    RandomSource other = () -> -1L;
    assertThat(new ErrorInjection(Distribution.LOG_NORMAL, 1, 1).disturb(1, other)).isFinite();
  }

  @Property(seed = "42")
  void reversalSwapsTheExtremes(@ForAll @Size(max = 12) int[] raw) {
    double[] values = Arrays.stream(raw).asDoubleStream().toArray();
    double[] reversed = ErrorInjection.reversed(values);
    double[] sorted = values.clone();
    double[] sortedReversed = reversed.clone();
    Arrays.sort(sorted);
    Arrays.sort(sortedReversed);
    assertThat(sortedReversed).containsExactly(sorted);
    for (int i = 0; i < values.length; i++) {
      for (int j = 0; j < i; j++) {
        if (values[i] > values[j]) {
          assertThat(reversed[i]).isLessThanOrEqualTo(reversed[j]);
        }
      }
    }
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatThrownBy(() -> new ErrorInjection(Distribution.UNIFORM, -1, 1))
        .hasMessage("level must be finite and at least 0, but was -1.0");
    assertThatThrownBy(() -> new ErrorInjection(Distribution.UNIFORM, 1, 0))
        .hasMessage("biasFactor must be finite and above 0, but was 0.0");
  }
}
