package io.headway.predictors.iteration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.prediction.IterationShape;
import io.headway.predictors.iteration.LinearIterationTime.Row;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class IterationTimeTest {
  private static final List<Row> PROFILE =
      List.of(
          new Row(0, 0, 1, 6.1),
          new Row(0, 2000, 4, 6.9),
          new Row(0, 16000, 16, 9.4),
          new Row(512, 4000, 8, 21.0),
          new Row(1024, 0, 1, 34.2),
          new Row(256, 32000, 32, 19.9),
          new Row(0, 64000, 64, 20.3),
          new Row(768, 8000, 16, 29.6));

  @Test
  void fitOfThePublishedExample() {
    LinearIterationTime model = LinearIterationTime.fit(PROFILE);
    assertThat(model.coefficients())
        .containsExactly(
            new double[] {5.99321453, 0.0273102061, 0.000120386853, 0.101207131}, within(1e-8));
    assertThat(model.millis(300, 10000, 20)).isCloseTo(17.414288, within(1e-6));
    assertThat(model.mape()).isCloseTo(0.01087598, within(1e-8));
  }

  @Test
  void shapesBecomeFeatures() {
    LinearIterationTime model = LinearIterationTime.fit(PROFILE);
    IterationShape shape = new IterationShape();
    assertThat(model.seconds(shape)).isZero();
    assertThat(model.extrapolates(shape)).isFalse();
    shape.addPrefill(290, 77);
    shape.addDecodes(18, 9900);
    shape.addVerify(100, 8);
    shape.addPadding(2);
    assertThat(model.seconds(shape)).isEqualTo(model.millis(300, 10000, 20) / 1e3);
    assertThat(model.nanos(shape)).isEqualTo(Math.round(model.millis(300, 10000, 20) * 1e6));
    assertThat(model.extrapolates(shape)).isFalse();
    shape.addDecodes(60, 0);
    assertThat(model.extrapolates(shape)).as("batch of 80").isTrue();
    IterationShape small = new IterationShape();
    small.addDecode(1);
    assertThat(model.seconds(small)).as("smallest profiled time").isEqualTo(6.1 / 1e3);
  }

  @Property(seed = "42", tries = 100)
  void noiselessCoefficientsAreRecovered(@ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    double[] truth = {
      1 + random.nextDouble(), random.nextDouble(), 1e-3 * random.nextDouble(), random.nextDouble()
    };
    List<Row> rows = new ArrayList<>();
    for (int t = 0; t < 12; t++) {
      int prefill = random.nextInt(2000);
      int context = random.nextInt(100_000);
      int batch = 1 + random.nextInt(256);
      rows.add(
          new Row(
              prefill,
              context,
              batch,
              truth[0] + truth[1] * prefill + truth[2] * context + truth[3] * batch));
    }
    assertThat(LinearIterationTime.fit(rows).coefficients()).containsExactly(truth, within(1e-7));
    assertThat(LinearIterationTime.fitNonNegative(rows).coefficients())
        .containsExactly(truth, within(1e-7));
  }

  @Property(seed = "42", tries = 100)
  void theNonNegativeFitIsMonotoneAndNoWorseThanItsNeighbours(@ForAll long seed) {
    RandomSource random = RandomSource.seeded(seed);
    List<Row> rows = new ArrayList<>();
    for (int t = 0; t < 10; t++) {
      int batch = 1 + random.nextInt(64);
      // Context goes with batch size, so that the plain fit often turns negative.
      rows.add(
          new Row(
              random.nextInt(500),
              batch * 1000L + random.nextInt(50),
              batch,
              5 + random.nextInt(10)));
    }
    LinearIterationTime model = LinearIterationTime.fitNonNegative(rows);
    double[] b = model.coefficients();
    for (double coefficient : b) {
      assertThat(coefficient).isGreaterThanOrEqualTo(0);
    }
    double least = squares(rows, b);
    for (int j = 0; j < 4; j++) {
      for (double step : new double[] {1e-3, -1e-3}) {
        double[] moved = b.clone();
        moved[j] = Math.max(0, b[j] + step * (1 + b[j]));
        assertThat(squares(rows, moved)).isGreaterThanOrEqualTo(least - 1e-6);
      }
    }
    assertThat(model.millis(101, 1000, 3)).isGreaterThanOrEqualTo(model.millis(100, 1000, 3));
  }

  private static double squares(List<Row> rows, double[] b) {
    double sum = 0;
    for (Row row : rows) {
      double e =
          row.millis()
              - b[0]
              - b[1] * row.prefillTokens()
              - b[2] * row.contextTokens()
              - b[3] * row.batchSize();
      sum += e * e;
    }
    return sum;
  }

  @Test
  void refusesAProfileThatDeterminesNothing() {
    assertThatThrownBy(() -> LinearIterationTime.fit(PROFILE.subList(0, 3)))
        .hasMessage(
            "rows must have at least 4 independent rows to fit 4 coefficients, but are 3 rows of"
                + " lower rank");
    assertThatThrownBy(() -> new Row(0, 0, -1, 1))
        .hasMessage(
            "prefillTokens, contextTokens and batchSize must be at least 0, but were 0, 0 and -1");
    assertThatThrownBy(() -> new Row(0, 0, 1, Double.NaN))
        .hasMessage("millis must be finite and at least 0 ms, but was NaN");
  }

  @Test
  void vidurRoundsAsPublished() {
    IterationShape shape = new IterationShape();
    shape.addPrefill(512, 1000);
    shape.addPrefill(256, 1024);
    shape.addPrefill(128, 0);
    for (int context : new int[] {100, 777, 1500}) {
      shape.addDecode(context);
    }
    VidurFeatures features = VidurFeatures.of(shape);
    assertThat(features.prefill()).isEqualTo(new VidurFeatures.Prefill(2048, 587, 1.1));
    assertThat(features.prefill().chunkSquared()).isEqualTo(344569);
    assertThat(features.decode()).isEqualTo(new VidurFeatures.Decode(3, 832, 1.1));
    VidurFeatures empty = VidurFeatures.of(new IterationShape());
    assertThat(empty.prefill()).isNull();
    assertThat(empty.decode()).isNull();
  }

  @Property(seed = "42")
  void vidurNeverRoundsDown(@ForAll @IntRange(min = 0, max = 100_000) int kv) {
    IterationShape shape = new IterationShape();
    shape.addPrefill(1, kv);
    shape.addDecode(kv);
    VidurFeatures features = VidurFeatures.of(shape);
    assertThat(features.prefill().kvTokens()).isBetween((long) kv, kv + 63L);
    assertThat(features.decode().kvTokens() % 64).isZero();
    assertThat(features.decode().kvTokens()).isBetween((long) kv, kv + 63L);
  }
}
