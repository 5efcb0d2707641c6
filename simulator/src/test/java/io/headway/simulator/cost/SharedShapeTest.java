package io.headway.simulator.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.headway.api.model.DecoderShape;
import org.junit.jupiter.api.Test;

/** Cost models and executors mean the same models by the same names. */
class SharedShapeTest {
  @Test
  void presetsOfOneNameHaveOneShape() {
    int shared = 0;
    for (ModelShape preset : ModelShape.presets()) {
      for (DecoderShape decoder : DecoderShape.presets()) {
        if (decoder.name().equals(preset.name())) {
          ModelShape counted = ModelShape.of(decoder);
          // The presets give the figures rounded to four digits, as published.
          assertThat(counted.parameters()).isCloseTo(preset.parameters(), withPercentage(0.01));
          assertThat(counted.kvBytesPerToken(2)).isEqualTo(preset.kvBytesPerToken(2));
          assertThat(counted.layers()).isEqualTo(preset.layers());
          assertThat(counted.queryHeads()).isEqualTo(preset.queryHeads());
          assertThat(counted.hiddenSize()).isEqualTo(preset.hiddenSize());
          assertThat(counted.expertParameters()).isEqualTo(preset.expertParameters());
          assertThat(counted.experts()).isEqualTo(preset.experts());
          shared++;
        }
      }
    }
    assertThat(shared).isEqualTo(4);
  }
}
