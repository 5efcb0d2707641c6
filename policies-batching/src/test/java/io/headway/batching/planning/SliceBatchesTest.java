package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SliceBatchesTest {
  private static final SliceBatches SHEET =
      new SliceBatches(16, new LatencySurface(0.01, 0, 0, 2), new LatencySurface(0.001, 0.1, 0, 4));

  private static SliceBatches.Capacity memory(SliceBatches slices, long tokens) {
    return (n, length) -> n * (long) (length + slices.sliceTokens()) <= tokens;
  }

  @Test
  void theWorkedExample() {
    int[] lengths = {12, 15, 28, 30, 100, 190, 200};
    assertThat(SHEET.cut(lengths, memory(SHEET, 700))).containsExactly(4, 7);
    double[] seconds = {SHEET.seconds(4, 30), SHEET.seconds(3, 200)};
    assertThat(seconds[0]).isCloseTo(76.064, within(1e-9));
    assertThat(seconds[1]).isCloseTo(86.808, within(1e-9));
    double[] load = {50, 0};
    assertThat(SliceBatches.longestFirst(seconds)).containsExactly(1, 0);
    assertThat(SliceBatches.offload(seconds[1], load)).isEqualTo(1);
    assertThat(SliceBatches.offload(seconds[0], load)).isZero();
    assertThat(load[0]).isCloseTo(126.064, within(1e-9));
    assertThat(load[1]).isCloseTo(86.808, within(1e-9));
    assertThat(SHEET.cut(lengths, memory(SHEET, Long.MAX_VALUE / 8))).containsExactly(7);
    assertThat(SHEET.seconds(7, 200)).isCloseTo(114.552, within(1e-9));
  }

  @Test
  void refusalsSayWhy() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SHEET.cut(new int[] {2, 1}, (n, length) -> true))
        .withMessage("lengthTokens must be ascending, but 1 follows 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SHEET.cut(new int[] {40}, memory(SHEET, 55)))
        .withMessage(
            "every request must fit alone with a slice of 16 tokens, but one of 40 tokens does"
                + " not");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LatencySurface.parse("decode", "1/2/3"))
        .withMessage(
            "decode must be four finite numbers product/batch/length/constant in seconds, such as"
                + " 4e-7/3e-5/0/0.012, but was '1/2/3'");
  }

  @Test
  void aSurfaceReadsWhatItWrites() {
    LatencySurface surface = LatencySurface.DEFAULT_PREFILL;
    assertThat(LatencySurface.parse("prefill", surface.text())).isEqualTo(surface);
  }

  @Property(seed = "71", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void theSumOverASliceIsThatOfItsIterations(
      @ForAll @IntRange(min = 1, max = 8) int batch,
      @ForAll @IntRange(max = 200) int length,
      @ForAll @IntRange(min = 1, max = 40) int slice) {
    SliceBatches slices = new SliceBatches(slice, SHEET.prefill(), SHEET.decode());
    double sum = 0;
    for (int l = length + 1; l <= length + slice; l++) {
      sum += SHEET.decode().seconds(batch, l);
    }
    assertThat(slices.decodeSeconds(batch, length)).isCloseTo(sum, within(1e-9 * (1 + sum)));
  }

  @Property(seed = "72", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void noContiguousPartitionIsFasterAndNoBatchPassesItsMemory(
      @ForAll @Size(min = 1, max = 8) List<@IntRange(min = 1, max = 120) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 32) int slice,
      @ForAll @DoubleRange(min = 0, max = 0.2) double perPair,
      @ForAll @DoubleRange(min = 0, max = 8) double fixed,
      @ForAll @IntRange(min = 160, max = 700) int memory) {
    SliceBatches slices =
        new SliceBatches(
            slice,
            new LatencySurface(perPair, 0, 0, fixed),
            new LatencySurface(perPair / 10, 0.1, 0, fixed));
    int[] sorted = lengths.stream().mapToInt(i -> i).sorted().toArray();
    int[] ends = slices.cut(sorted, memory(slices, memory));
    double total = 0;
    int begin = 0;
    for (int end : ends) {
      assertThat((end - begin) * (sorted[end - 1] + slice)).isLessThanOrEqualTo(memory);
      total += slices.seconds(end - begin, sorted[end - 1]);
      begin = end;
    }
    assertThat(begin).isEqualTo(sorted.length);
    assertThat(total).isLessThanOrEqualTo(least(slices, sorted, 0, memory) * (1 + 1e-9));
  }

  private static double least(SliceBatches slices, int[] sorted, int from, int memory) {
    if (from == sorted.length) {
      return 0;
    }
    double least = Double.POSITIVE_INFINITY;
    for (int to = from + 1; to <= sorted.length; to++) {
      if ((to - from) * (sorted[to - 1] + slices.sliceTokens()) <= memory) {
        double rest = least(slices, sorted, to, memory);
        least = Math.min(least, slices.seconds(to - from, sorted[to - 1]) + rest);
      }
    }
    return least;
  }

  @Property(seed = "73", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void longestFirstIsWithinGrahamsBound(
      @ForAll @Size(min = 1, max = 7) List<@IntRange(min = 1, max = 30) Integer> times,
      @ForAll @IntRange(min = 1, max = 3) int instances) {
    double[] seconds = times.stream().mapToDouble(i -> i).toArray();
    double[] load = new double[instances];
    for (int batch : SliceBatches.longestFirst(seconds)) {
      SliceBatches.offload(seconds[batch], load);
    }
    double bound = 4.0 / 3 - 1.0 / (3 * instances);
    double optimum = leastMakespan(seconds, 0, new double[instances]);
    assertThat(Arrays.stream(load).max().orElseThrow()).isLessThanOrEqualTo(bound * optimum + 1e-9);
  }

  private static double leastMakespan(double[] seconds, int at, double[] load) {
    if (at == seconds.length) {
      return Arrays.stream(load).max().orElseThrow();
    }
    double least = Double.POSITIVE_INFINITY;
    for (int w = 0; w < load.length; w++) {
      load[w] += seconds[at];
      least = Math.min(least, leastMakespan(seconds, at + 1, load));
      load[w] -= seconds[at];
    }
    return least;
  }
}
