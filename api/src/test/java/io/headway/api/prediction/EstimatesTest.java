package io.headway.api.prediction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class EstimatesTest {
  @Test
  void anEstimateIsNothingAValueOrAnInterval() {
    Estimate estimate = new Estimate();
    assertThat(estimate.isPresent()).isFalse();
    assertThat(estimate).hasToString("none");
    assertThatThrownBy(estimate::value)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("there is no prediction; ask first");
    estimate.interval(2, 1, Double.POSITIVE_INFINITY);
    assertThat(estimate.value()).isEqualTo(2);
    assertThat(estimate.low()).isEqualTo(1);
    assertThat(estimate.high()).isInfinite();
    assertThat(estimate).hasToString("2.0 in [1.0, Infinity]");
    estimate.point(3);
    assertThat(estimate.hasInterval()).isFalse();
    assertThatThrownBy(estimate::low).hasMessage("there is no interval; ask first");
    estimate.none();
    assertThat(estimate.isPresent()).isFalse();
  }

  @Test
  void anEstimateRefusesWhatIsNoNumber() {
    Estimate estimate = new Estimate();
    assertThatThrownBy(() -> estimate.point(Double.NaN))
        .hasMessage("prediction must be finite, but was NaN");
    assertThatThrownBy(() -> estimate.interval(1, 2, 1))
        .hasMessage("lowest must be at most highest, but they were 2.0 and 1.0");
    assertThat(estimate.isPresent()).isFalse();
  }

  @Test
  void aLengthIsNothingANumberARangeOrARank() {
    LengthEstimate estimate = new LengthEstimate();
    assertThat(estimate.kind()).isEqualTo(LengthEstimate.Kind.NONE);
    assertThat(estimate.hasTokens()).isFalse();
    assertThatThrownBy(estimate::remainingTokens)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the estimate is none; ask for its kind first");
    estimate.point(0.4);
    assertThat(estimate.remainingTokens()).isEqualTo(0.4);
    assertThat(estimate.wholeRemainingTokens()).isEqualTo(1);
    estimate.point(2.5);
    assertThat(estimate.wholeRemainingTokens()).isEqualTo(3);
    estimate.range(10, 5, LengthEstimate.OPEN);
    assertThat(estimate.lowTokens()).isEqualTo(5);
    assertThat(estimate.highTokens()).isEqualTo(LengthEstimate.OPEN);
    assertThat(estimate.score()).isEqualTo(10);
    assertThat(estimate).hasToString("10.0 tokens in [5, open)");
    estimate.rank(-3);
    assertThat(estimate.hasTokens()).isFalse();
    assertThat(estimate.score()).isEqualTo(-3);
    assertThatThrownBy(estimate::lowTokens)
        .hasMessage("the estimate is rank -3.0; ask for its kind first");
    estimate.none();
    assertThatThrownBy(estimate::score).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aLengthRefusesWhatIsOutOfRange() {
    LengthEstimate estimate = new LengthEstimate();
    assertThatThrownBy(() -> estimate.point(-1))
        .hasMessage("remainingTokens must be finite and at least 0, but was -1.0");
    assertThatThrownBy(() -> estimate.range(1, 3, 3))
        .hasMessage("lowTokens must be at least 0 and below highTokens, but they were 3 and 3");
    assertThatThrownBy(() -> estimate.rank(Double.NaN))
        .hasMessage("score must be finite, but was NaN");
    assertThat(estimate.kind()).isEqualTo(LengthEstimate.Kind.NONE);
  }
}
