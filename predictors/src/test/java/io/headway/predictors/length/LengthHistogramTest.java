package io.headway.predictors.length;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class LengthHistogramTest {
  private static LengthHistogram sheet() {
    LengthHistogram histogram = new LengthHistogram(100, 5);
    double[] counts = {10, 40, 30, 15, 5};
    for (int b = 0; b < counts.length; b++) {
      histogram.add(b, counts[b]);
    }
    return histogram;
  }

  @Test
  void conditionalMeanAndQuantiles() {
    LengthHistogram histogram = sheet();
    assertThat(histogram.meanRemaining(0, 1000)).isEqualTo(215);
    assertThat(histogram.quantileRemaining(0, 0.5, 1000)).isEqualTo(200);
    assertThat(histogram.quantileRemaining(0, 0.9, 1000)).isCloseTo(366.666667, within(1e-6));
    assertThat(histogram.meanRemaining(150, 1000)).isCloseTo(114.285714, within(1e-6));
    assertThat(histogram.quantileRemaining(150, 0.5, 1000)).isEqualTo(100);
    assertThat(histogram.quantileRemaining(150, 0.9, 1000)).isCloseTo(236.666667, within(1e-6));
    assertThat(histogram.meanRemaining(420, 1000)).isCloseTo(40, within(1e-9));
    assertThat(histogram.quantileRemaining(420, 0.9, 1000)).isCloseTo(72, within(1e-9));
  }

  @Test
  void nothingLeftIsTheLimit() {
    assertThat(sheet().covers(500)).isFalse();
    assertThat(sheet().meanRemaining(500, 512)).isEqualTo(12);
    assertThat(sheet().quantileRemaining(600, 0.5, 512)).isZero();
    assertThat(new LengthHistogram(64, 8).meanRemaining(5, 512)).isEqualTo(507);
  }

  @Test
  void censoredLengthsAreLongerThanAnything() {
    LengthHistogram histogram = new LengthHistogram(10, 4);
    histogram.observe(5);
    histogram.observe(5);
    histogram.observeCensored();
    histogram.observeCensored();
    assertThat(histogram.observations()).isEqualTo(4);
    assertThat(histogram.quantileRemaining(0, 0.5, 100)).isEqualTo(10);
    assertThat(histogram.quantileRemaining(0, 0.75, 100)).isEqualTo(100);
    assertThat(histogram.meanRemaining(0, 100)).isEqualTo((2 * 5 + 2 * 100) / 4.0);
    histogram.halve();
    assertThat(histogram.meanRemaining(0, 100)).isEqualTo((2 * 5 + 2 * 100) / 4.0);
    histogram.clear();
    assertThat(histogram.covers(0)).isFalse();
    assertThat(histogram.observations()).isZero();
  }

  @Property(seed = "42", tries = 300)
  void quantilesRiseAndBracketTheMean(
      @ForAll @Size(min = 1, max = 12) int[] raw,
      @ForAll @IntRange(min = 1, max = 300) int width,
      @ForAll @IntRange(min = 0, max = 2000) int generated,
      @ForAll @DoubleRange(min = 0.01, max = 1) double a,
      @ForAll @DoubleRange(min = 0.01, max = 1) double b) {
    LengthHistogram histogram = new LengthHistogram(width, raw.length);
    for (int i = 0; i < raw.length; i++) {
      histogram.add(i, (raw[i] & 0xFF) / 8.0);
    }
    int limit = width * raw.length;
    double low = histogram.quantileRemaining(generated, Math.min(a, b), limit);
    double high = histogram.quantileRemaining(generated, Math.max(a, b), limit);
    assertThat(low).isBetween(0.0, high);
    assertThat(high).isLessThanOrEqualTo(Math.max(0, limit - generated) + 1e-6);
    if (histogram.covers(generated)) {
      assertThat(histogram.meanRemaining(generated, limit))
          .isBetween(0.0, histogram.quantileRemaining(generated, 1, limit) + 1e-6);
    }
  }

  @Property(seed = "42", tries = 200)
  void equalsTheMeanOverUniformLengthsInsideBuckets(
      @ForAll @Size(min = 1, max = 8) int[] raw,
      @ForAll @IntRange(min = 0, max = 90) int generated) {
    int width = 10;
    int parts = 200;
    LengthHistogram histogram = new LengthHistogram(width, raw.length);
    double mass = 0;
    double sum = 0;
    for (int b = 0; b < raw.length; b++) {
      int count = raw[b] & 15;
      histogram.add(b, count);
      // Midpoints of a fine grid stand for the uniform spread; 200 parts align with whole tokens.
      for (int k = 0; k < parts; k++) {
        double length = b * width + (k + 0.5) * width / parts;
        if (length >= generated) {
          mass += (double) count / parts;
          sum += (double) count / parts * (length - generated);
        }
      }
    }
    if (mass > 0) {
      assertThat(histogram.meanRemaining(generated, 1000)).isCloseTo(sum / mass, within(1e-9));
    } else {
      assertThat(histogram.covers(generated)).isFalse();
    }
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatThrownBy(() -> new LengthHistogram(0, 1))
        .hasMessage("widthTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> new LengthHistogram(1, 0))
        .hasMessage("buckets must be at least 1, but was 0");
    assertThatThrownBy(() -> sheet().observe(-1))
        .hasMessage("lengthTokens must be at least 0 tokens, but was -1");
    assertThatThrownBy(() -> sheet().quantileRemaining(0, 0, 1))
        .hasMessage("tau must be above 0 and at most 1, but was 0.0");
    assertThatThrownBy(() -> sheet().meanRemaining(-1, 1))
        .hasMessage("generatedTokens must be at least 0 tokens, but was -1");
  }
}
