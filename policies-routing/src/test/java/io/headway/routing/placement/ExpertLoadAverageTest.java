package io.headway.routing.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ExpertLoadAverageTest {
  @Property(tries = 200, seed = "20261122")
  void agreesWithTheWholeHistory(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 6) int window,
      @ForAll @IntRange(max = 20) int steps,
      @ForAll @IntRange(max = 99) int percent) {
    double beta = percent / 100.0;
    RandomSource random = RandomSource.seeded(seed);
    ExpertLoadAverage average = new ExpertLoadAverage(2, beta, window);
    int[][] history = new int[steps][2];
    for (int[] counts : history) {
      counts[0] = random.nextInt(50);
      counts[1] = random.nextInt(3);
      average.add(counts);
    }
    for (int e = 0; e < 2; e++) {
      double expected = 0;
      int most = 0;
      for (int s = 0; s < steps; s++) {
        expected += (1 - beta) * Math.pow(beta, steps - 1 - s) * history[s][e];
        most = s >= steps - window ? Math.max(most, history[s][e]) : most;
      }
      assertThat(average.average(e)).isCloseTo(expected, within(1e-9));
      assertThat(average.windowMaximum(e)).isEqualTo(most);
    }
  }

  @Test
  void forgetsEverythingOnReset() {
    ExpertLoadAverage average = new ExpertLoadAverage(2, 0.5, 3);
    average.add(new int[] {4, 2});
    average.reset(2);
    assertThat(average.average(0)).isZero();
    assertThat(average.windowMaximum(0)).isZero();
    average.reset(3);
    assertThat(average.experts()).isEqualTo(3);
    average.add(new int[] {1, 2, 3});
    assertThat(average.average(2)).isEqualTo(1.5);
  }

  @Test
  void refusesBadCountsAndSettingsUnchanged() {
    ExpertLoadAverage average = new ExpertLoadAverage(2, 0.5, 3);
    assertThatThrownBy(() -> average.add(new int[] {1, -1}))
        .hasMessage("counts[1] must be at least 0 pairs, but was -1");
    assertThat(average.average(0)).isZero();
    assertThatThrownBy(() -> average.add(new int[] {1}))
        .hasMessage("counts must have at least 2 entries, but had 1");
    assertThatThrownBy(() -> new ExpertLoadAverage(2, 1, 3))
        .hasMessage("beta must be at least 0 and below 1, but was 1.0");
    assertThatThrownBy(() -> new ExpertLoadAverage(2, 0.5, 0))
        .hasMessage("window must be at least 1 batch, but was 0");
  }
}
