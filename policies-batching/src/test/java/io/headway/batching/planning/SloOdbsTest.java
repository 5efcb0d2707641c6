package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
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

class SloOdbsTest {
  @Test
  void theWorkedExample() {
    double[] slo = {1, 1.5, 2, 4, 4};
    int[] output = {50, 60, 300, 40, 200};
    SloOdbs.Step[] steps = new SloOdbs(0.5, 0.01, 1, 1, 8, 4).steps(slo, output);
    double[] weighted = Arrays.stream(steps).mapToDouble(SloOdbs.Step::weighted).toArray();
    assertThat(weighted).containsExactly(new double[] {1, 4.7, 16.05, 12.8, 12.8}, within(1e-9));
    assertThat(Arrays.stream(steps).map(SloOdbs.Step::newBatch))
        .containsExactly(false, false, true, true, true);
  }

  @Property(seed = "111", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void aLowerThresholdNeverMakesFewerBatches(
      @ForAll @Size(max = 14) List<@IntRange(min = 1, max = 20) Integer> slos,
      @ForAll @Size(min = 1, max = 14) List<@IntRange(min = 1, max = 90) Integer> outputs,
      @ForAll @DoubleRange(min = 0, max = 60) double low,
      @ForAll @DoubleRange(min = 0, max = 60) double more,
      @ForAll @IntRange(min = 1, max = 5) int maxBatch) {
    double[] slo = slos.stream().mapToDouble(i -> i).sorted().toArray();
    int[] output = new int[slo.length];
    Arrays.setAll(output, i -> outputs.get(i % outputs.size()));
    SloOdbs.Step[] fewer = new SloOdbs(0.5, 0.05, 1, 1, low + more, maxBatch).steps(slo, output);
    SloOdbs.Step[] steps = new SloOdbs(0.5, 0.05, 1, 1, low, maxBatch).steps(slo, output);
    assertThat(batches(steps)).isGreaterThanOrEqualTo(batches(fewer));
    for (SloOdbs.Step step : steps) {
      assertThat(step.batchSizeBefore()).isLessThanOrEqualTo(maxBatch);
    }
    SloOdbs.Step[] alone = new SloOdbs(0.5, 0.05, 1, 1, 0, maxBatch).steps(slo, output);
    assertThat(batches(alone)).isEqualTo(slo.length);
  }

  private static long batches(SloOdbs.Step[] steps) {
    return Arrays.stream(steps).filter(SloOdbs.Step::newBatch).count()
        + (steps.length == 0 ? 0 : 1);
  }
}
