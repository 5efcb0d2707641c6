package io.headway.memory.tiering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.memory.tiering.SwapBreakEven.Recovery;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SwapBreakEvenTest {
  private static SwapBreakEven llama3(double link, double overhead, int blockTokens) {
    return new SwapBreakEven(8.03e9, 131072, link, blockTokens, 64, overhead, 156e12, 32, 4096, 2);
  }

  @Test
  void workedExamples() {
    SwapBreakEven llama = llama3(25e9, 1e-6, 16);
    assertThat(llama.swapSeconds(1024).getAsDouble()).isCloseTo(18.9294e-3, within(1e-7));
    assertThat(llama.recomputeSeconds(1024).getAsDouble()).isCloseTo(107.1815e-3, within(1e-7));
    assertThat(llama.breakEvenCopyOverheadSeconds().getAsDouble())
        .isCloseTo(11.5579e-6, within(1e-10));
    assertThat(llama.breakEvenBytesPerSecond().getAsDouble()).isCloseTo(1.2732e9, within(1e5));
    assertThat(llama.decide(1024)).isEqualTo(Recovery.SWAP);
    assertThat(llama.decide(0)).isEqualTo(Recovery.NONE);
    assertThat(llama3(0, 1e-6, 16).decide(5)).isEqualTo(Recovery.RECOMPUTE);
  }

  @Property(tries = 300, seed = "20261122")
  void aSwapThatWinsGoesOnWinningAndLargerBlocksNeverHurt(
      @ForAll @IntRange(min = 1, max = 400) int blocks,
      @ForAll @IntRange(min = 1, max = 400) int more,
      @ForAll @IntRange(min = 0, max = 100) int overheadMicros,
      @ForAll @IntRange(min = 100, max = 100_000) int linkMegabytes) {
    double overhead = 1e-6 * overheadMicros;
    double link = 1e6 * linkMegabytes;
    SwapBreakEven model = llama3(link, overhead, 16);
    int tokens = 16 * blocks;
    if (model.decide(tokens) == Recovery.SWAP) {
      assertThat(model.decide(tokens + 16 * more)).isEqualTo(Recovery.SWAP);
    }
    SwapBreakEven coarser = llama3(link, overhead, 32);
    assertThat(coarser.swapSeconds(tokens).getAsDouble())
        .isLessThanOrEqualTo(model.swapSeconds(tokens).getAsDouble());
    assertThat(coarser.recomputeSeconds(tokens)).isEqualTo(model.recomputeSeconds(tokens));
  }

  @Test
  void messages() {
    assertThatThrownBy(() -> llama3(-1, 0, 16))
        .hasMessage("linkBytesPerSecond must be finite and at least 0 bytes/s, but was -1.0");
    assertThatThrownBy(() -> llama3(1, 0, 0))
        .hasMessage("blockTokens must be finite and at least 1 tokens, but was 0.0");
    assertThatThrownBy(() -> new SwapBreakEven(1, 1, 1, 1, 1, 0, 1, 1, 1, 3))
        .hasMessage("directions must be 1 or 2, but was 3");
    assertThatThrownBy(() -> new SwapBreakEven(1, 1, 0, 1, 1, 0, 0, 1, 1, 2))
        .hasMessage(
            "linkBytesPerSecond and flopsPerSecond must not both be 0: nothing could come back");
    assertThatThrownBy(() -> llama3(1, 0, 16).decide(-1))
        .hasMessage("tokens must be at least 0 tokens, but was -1");
  }
}
