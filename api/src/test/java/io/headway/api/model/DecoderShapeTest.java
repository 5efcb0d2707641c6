package io.headway.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class DecoderShapeTest {
  @Test
  void presetsHaveThePublishedNumbersOfParameters() {
    // As the models' cards and checkpoints count them.
    assertThat(DecoderShape.LLAMA2_7B.storedParameters()).isEqualTo(6_738_415_616L);
    assertThat(DecoderShape.LLAMA2_70B.storedParameters()).isEqualTo(68_976_648_192L);
    assertThat(DecoderShape.LLAMA3_8B.storedParameters()).isEqualTo(8_030_261_248L);
    assertThat(DecoderShape.QWEN2_5_7B.storedParameters()).isEqualTo(7_615_616_512L);
    assertThat(DecoderShape.MIXTRAL_8X7B.storedParameters()).isEqualTo(46_702_792_704L);
  }

  @Test
  void keysAndValuesTakeTwoElementsPerHeadAndLayer() {
    assertThat(DecoderShape.LLAMA3_8B.kvElementsPerToken()).isEqualTo(2 * 32 * 8 * 128);
    assertThat(DecoderShape.QWEN2_5_7B.kvElementsPerToken() * 2).isEqualTo(57_344);
  }

  @Test
  void presetsAreFoundByName() {
    for (DecoderShape shape : DecoderShape.presets()) {
      assertThat(DecoderShape.named(shape.name())).isSameAs(shape);
    }
    assertThatThrownBy(() -> DecoderShape.named("gpt"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("model must be one of [tiny, tiny-bias,")
        .hasMessageEndingWith("but was 'gpt'");
  }

  @Test
  void figuresThatDisagreeAreNamed() {
    refused(0, 32, 4, 2, 8, 0, 0, "vocabularySize must be at least 2 token ids, but was 0");
    refused(9, 0, 4, 2, 8, 0, 0, "hiddenSize must be at least 1 elements, but was 0");
    refused(9, 32, 4, 3, 8, 0, 0, "queryHeads must be a multiple of kvHeads (3), but was 4");
    refused(9, 32, 4, 2, 7, 0, 0, "headDim must be even, since rotary positions turn pairs");
    refused(9, 32, 4, 2, 8, 0, 1, "expertsPerToken must be 0 in a dense model, but was 1");
    refused(9, 32, 4, 2, 8, 4, 5, "expertsPerToken must be from 1 to experts = 4, but was 5");
  }

  private static void refused(
      int vocabulary,
      int hidden,
      int queryHeads,
      int kvHeads,
      int headDim,
      int experts,
      int expertsPerToken,
      String message) {
    assertThatThrownBy(
            () ->
                new DecoderShape(
                    "x",
                    vocabulary,
                    hidden,
                    64,
                    2,
                    queryHeads,
                    kvHeads,
                    headDim,
                    128,
                    1e4,
                    1e-5,
                    false,
                    false,
                    experts,
                    expertsPerToken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
