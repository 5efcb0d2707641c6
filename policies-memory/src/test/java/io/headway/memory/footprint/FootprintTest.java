package io.headway.memory.footprint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvFormat;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FootprintTest {
  private static final KiviFormat LLAMA_2_7B = new KiviFormat(32, 4096, 2, 32, 128);

  @ParameterizedTest
  @CsvSource({
    "100, 52428800",
    "128, 39845888",
    "200, 62259200",
    "1000, 147718144",
    "4096, 429916160"
  })
  void kiviOfThePaper(int tokens, long bytes) {
    assertThat(LLAMA_2_7B.bytes(tokens)).isEqualTo(bytes);
  }

  @Test
  void publishedTokenSizes() {
    assertThat(AttentionFormat.heads(32, 8, 128, 2).bytesPerToken()).isEqualTo(131_072);
    assertThat(AttentionFormat.latent(60, 512, 64, 2).bytesPerToken()).isEqualTo(69_120);
    assertThat(AttentionFormat.heads(80, 8, 128, 2).bytesPerTokenPerRank(16)).isEqualTo(40_960);
    assertThat(AttentionFormat.latent(60, 512, 64, 2).bytesPerTokenPerRank(8)).isEqualTo(69_120);
    assertThat(FourBitFormat.qserve(32, 8, 128).bytesPerToken()).isEqualTo(34_816);
    assertThat(FourBitFormat.flexgen(96, 96, 128, 64).bytesPerToken()).isEqualTo(1_327_104);
  }

  /** The short cut for the peak against asking for every length. */
  @Property(tries = 300, seed = "20261122")
  void kiviPeakIsTheLargestSizeOnTheWay(
      @ForAll @IntRange(min = 0, max = 600) int from,
      @ForAll @IntRange(min = 0, max = 600) int more) {
    KvFormat slow = LLAMA_2_7B::bytes;
    assertThat(LLAMA_2_7B.peakBytes(from, from + more))
        .isEqualTo(slow.peakBytes(from, from + more));
  }

  @Property(tries = 300, seed = "20261122")
  void reachIsWithinWhatTheBlocksHold(
      @ForAll @IntRange(min = 1, max = 40) int blockTokens,
      @ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll @IntRange(min = 0, max = 500) int length) {
    for (KvFootprint footprint :
        new KvFootprint[] {
          new PagedFootprint(blockTokens, groups), new TokenFootprint(), new ContextFootprint(600)
        }) {
      int blocks = footprint.blocks(length);
      int reach = footprint.reachTokens(length, blocks);
      assertThat(reach).isGreaterThanOrEqualTo(length);
      assertThat(footprint.blocks(reach)).isLessThanOrEqualTo(Math.max(blocks, 0));
    }
  }

  @Test
  void messages() {
    assertThatThrownBy(() -> new PagedFootprint(0, 1))
        .hasMessage("blockTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> new PagedFootprint(1, 3).blocks(1 << 30))
        .hasMessage("blocks must be at most 2147483647, but would be 3221225472");
    assertThatThrownBy(() -> new KiviFormat(32, 4096, 2, 48, 128))
        .hasMessage("kvWidth must be a multiple of groupSize 48, but was 4096");
    assertThatThrownBy(() -> FourBitFormat.qserve(2, 1, 63))
        .hasMessage("headDim must be even for two elements per byte, but was 63");
    assertThatThrownBy(() -> new TokenFootprint().blocks(-1))
        .hasMessage("lengthTokens must be at least 0 tokens, but was -1");
  }
}
