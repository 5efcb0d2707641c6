package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ChunkScheduleTest {
  @Test
  void fallsLinearlyInMultiplesOf32() {
    // From 1024 to 256 in 5 stages: 1024, 832, 640, 448, 256.
    ChunkSchedule chunks = ChunkSchedule.falling(1024, 256, 5, 5000);
    assertThat(chunks.limitTokens(0)).isEqualTo(1024);
    assertThat(chunks.limitTokens(999)).isEqualTo(1024);
    assertThat(chunks.limitTokens(1000)).isEqualTo(832);
    assertThat(chunks.limitTokens(2500)).isEqualTo(640);
    assertThat(chunks.limitTokens(3999)).isEqualTo(448);
    assertThat(chunks.limitTokens(4000)).isEqualTo(256);
    assertThat(chunks.limitTokens(1_000_000)).as("beyond the last stage").isEqualTo(256);
  }

  @Test
  void roundsHalvesToTheEvenMultipleAndSmallOnesToTheLowLimit() {
    // 512, 464, 416: 464 = 14.5 * 32 goes to 14 * 32.
    assertThat(ChunkSchedule.falling(512, 416, 3, 3).limitTokens(1)).isEqualTo(448);
    // Multiples of 10 where the low limit is below 32: 50, 36, 23, 10 cut, then 40 and 20.
    ChunkSchedule small = ChunkSchedule.falling(50, 10, 4, 4);
    assertThat(small.limitTokens(1)).isEqualTo(40);
    assertThat(small.limitTokens(2)).isEqualTo(20);
  }

  @Test
  void oneStageIsTheLowLimit() {
    assertThat(ChunkSchedule.falling(1024, 256, 1, 100).limitTokens(0)).isEqualTo(256);
    assertThat(ChunkSchedule.constant(7).limitTokens(Integer.MAX_VALUE)).isEqualTo(7);
  }

  @Test
  void refusesNonsense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChunkSchedule.falling(128, 256, 4, 100))
        .withMessage("highTokens must be at least lowTokens = 256 tokens, but was 128");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChunkSchedule.constant(0))
        .withMessage("tokens must be at least 1 token, but was 0");
  }
}
