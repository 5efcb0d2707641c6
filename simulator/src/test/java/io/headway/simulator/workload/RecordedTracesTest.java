package io.headway.simulator.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.common.hash.Hashing;
import com.google.common.io.Files;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds the readers to what was measured in the published files. */
class RecordedTracesTest {
  private static final String CODE = "AzureLLMInferenceTrace_code.csv";
  private static final String CONVERSATION = "AzureLLMInferenceTrace_conv.csv";
  private static final String MOONCAKE = "conversation_trace.jsonl";

  @ParameterizedTest
  @CsvSource({
    CODE + ", 54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6",
    CONVERSATION + ", 2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8",
    MOONCAKE + ", b8cbb061a85206d729d91cdc2981f43c9e0d99209dce588d3af5f7934408b9df",
  })
  void filesAreThePublishedOnes(String name, String sha256) throws IOException {
    assertThat(Files.asByteSource(TestTraces.find(name).toFile()).hash(Hashing.sha256()))
        .hasToString(sha256);
  }

  @Test
  void readsTheCodeTrace() throws IOException {
    Workload w = read(CODE);
    WorkloadStatistics s = new WorkloadStatistics(w);
    assertThat(w.size()).isEqualTo(8819);
    assertThat(w.durationNanos()).isEqualTo(3_435_948_056_000L);
    assertThat(s.totalPromptTokens()).isEqualTo(18_059_974);
    assertThat(s.totalOutputTokens()).isEqualTo(245_896);
    assertThat(s.meanRatePerSecond()).isCloseTo(2.5663950258507633, within(1e-9));
    assertThat(s.promptSd()).isCloseTo(1973.7653686465558, within(1e-6));
    assertThat(s.interArrivalCv()).isCloseTo(13.151290974387395, within(1e-9));
    assertThat(s.pearson()).isCloseTo(0.0011524830971106634, within(1e-9));
    assertThat(s.spearman()).isCloseTo(-0.021462355756450335, within(1e-9));
    assertThat(s.pearsonLog1p()).isCloseTo(-0.0039252372755351, within(1e-9));
    assertThat(s.windowMax(10)).isEqualTo(327);
    assertThat(s.windowVarianceToMean(10)).isCloseTo(71.64146924411058, within(1e-6));
    assertThat(s.windowEmptyShare(1)).isCloseTo(0.7339155749636099, within(1e-9));
    assertThat(s.windowLag1(10)).isCloseTo(0.46751280680892254, within(1e-9));
    assertThat(s.windowCounts(60, 58))
        .startsWith(63, 0, 0, 531, 187, 130)
        .endsWith(113, 47, 196)
        .satisfies(c -> assertThat(java.util.Arrays.stream(c).sum()).isEqualTo(8819));
    assertThat(s.promptQuantiles(0.5, 0.9, 0.95, 0.99, 1))
        .containsExactly(new double[] {1469, 5187.6, 7303.3, 7436, 7437}, within(1e-9));
    assertThat(w.types().names()).containsExactly("code");
  }

  @Test
  void readsTheConversationTrace() throws IOException {
    Workload w = read(CONVERSATION);
    WorkloadStatistics s = new WorkloadStatistics(w);
    assertThat(w.size()).isEqualTo(19_366);
    assertThat(w.durationNanos()).isEqualTo(3_501_721_937_000L);
    assertThat(s.totalPromptTokens()).isEqualTo(22_361_870);
    assertThat(s.totalOutputTokens()).isEqualTo(4_088_665);
    assertThat(s.interArrivalCv()).isCloseTo(1.0941699818437776, within(1e-9));
    assertThat(s.pearson()).isCloseTo(-0.11235295061404169, within(1e-9));
    assertThat(s.outputsByPrompt(703, 1071)).hasSize(3870);
    assertThat(s.outputQuantilesByPrompt(703, 1071, 0, 0.5, 1))
        .containsExactly(new double[] {10, 399, 1000}, within(1e-9));
    assertThat(s.windowCounts(60, 58))
        .startsWith(191, 265, 329)
        .endsWith(246, 225)
        .satisfies(c -> assertThat(java.util.Arrays.stream(c).sum()).isEqualTo(19_329));
    assertThat(s.promptShareAbove(2048)).isCloseTo(0.13957451202139523, within(1e-9));
    assertThat(s.outputQuantiles(0.99)[0]).isCloseTo(601, within(1e-9));
    assertThat(s.windowMax(1)).isEqualTo(16);
  }

  @Test
  void readsTheMooncakeTrace() throws IOException {
    Workload w = read(MOONCAKE);
    WorkloadStatistics s = new WorkloadStatistics(w);
    assertThat(w.size()).isEqualTo(12_031);
    assertThat(w.durationNanos()).isEqualTo(3_536_999_000_000L);
    assertThat(s.totalPromptTokens()).isEqualTo(144_793_823);
    assertThat(s.totalOutputTokens()).isEqualTo(4_122_048);
    assertThat(s.distinctTimestamps()).isEqualTo(1180);
    assertThat(s.maxRowsPerTimestamp()).isEqualTo(28);
    assertThat(s.interArrivalCv()).isCloseTo(3.0337374429459936, within(1e-9));
    assertThat(w.blocks().total()).isEqualTo(288_500);
    assertThat(s.distinctBlocks()).isEqualTo(182_790);
    assertThat(s.blocksUsedOnce()).isEqualTo(138_646);
    assertThat(s.maxReferences()).isEqualTo(12_031);
    assertThat(s.prefixHitBlocks()).isEqualTo(105_710);
    assertThat(s.lruPrefixHitBlocks(1_000)).isEqualTo(12_831);
    assertThat(s.lruPrefixHitBlocks(10_000)).isEqualTo(60_921);
    assertThat(s.lruPrefixHitBlocks(50_000)).isEqualTo(102_290);
    assertThat(s.requestHitBlocksQuantiles(0, 0.7, 0.99, 1))
        .containsExactly(new double[] {0, 4, 105.7, 240}, within(1e-9));
    assertPrefixLaw(w);
    assertThat(
            new WorkloadStatistics(w.spreadTicks(io.headway.api.RandomSource.seeded(1)))
                .interArrivalCv())
        .as("without the ticks arrivals are close to Poisson")
        .isBetween(0.9, 1.2);
  }

  @Test
  void writesAndReadsThemUnchanged() throws IOException {
    for (String name : new String[] {CODE, MOONCAKE}) {
      Workload w = read(name).limit(3_000);
      WorkloadTest.assertSame(w, WorkloadTest.reread(w));
    }
  }

  /** Equal ids at a position mean equal ids at all positions before it. */
  static void assertPrefixLaw(Workload w) {
    BlockKeys blocks = w.blocks();
    Map<Long, Long> parentOf = new HashMap<>();
    for (int row = 0; row < w.size(); row++) {
      for (int k = 0; k < blocks.count(row); k++) {
        // An id fixes the one before it, hence by induction all before it, and its position.
        long parent = k == 0 ? Long.MIN_VALUE : blocks.id(row, k - 1);
        Long known = parentOf.putIfAbsent(blocks.id(row, k), parent);
        assertThat(known == null || known == parent).as("row %d block %d", row, k).isTrue();
      }
    }
  }

  private static Workload read(String name) throws IOException {
    return TraceFormat.read(TestTraces.find(name), TraceOptions.DEFAULTS);
  }
}
