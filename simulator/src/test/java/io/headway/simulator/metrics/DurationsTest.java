package io.headway.simulator.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class DurationsTest {
  @Test
  void interpolatesBetweenOrderStatistics() {
    Durations d = new Durations();
    for (long nanos : new long[] {40, 10, 30, 20}) {
      d.add(nanos);
    }
    assertThat(d.quantilesNanos(0, 0.25, 0.5, 0.9, 1))
        .containsExactly(new double[] {10, 17.5, 25, 37, 40}, within(1e-12));
    assertThat(d.summary().meanNanos()).isEqualTo(25);
    assertThat(d.summary().count()).isEqualTo(4);
    assertThat(d.summary().maxNanos()).isEqualTo(40);
  }

  @Test
  void hasNoSummaryWithoutValues() {
    assertThat(new Durations().summary()).isEqualTo(Distribution.EMPTY);
    assertThatThrownBy(() -> new Durations().quantileNanos(0.5))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("there is no duration; ask count first");
  }

  @Test
  void refusesWhatCannotBe() {
    Durations d = new Durations();
    assertThatThrownBy(() -> d.add(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("nanos must be at least 0 ns, but was -1");
    assertThatThrownBy(() -> d.add(1, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("times must be at least 0, but was -1");
    d.add(1);
    assertThatThrownBy(() -> d.quantilesNanos(0.9, 0.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("probabilities must ascend in 0..1, but were [0.9, 0.5]");
  }

  @Property(tries = 300, seed = "42")
  void agreesWithSortingEverything(
      @ForAll("durations") List<Long> values, @ForAll("weights") List<Integer> weights) {
    Durations d = new Durations();
    List<Long> all = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      int times = weights.get(i % weights.size());
      d.add(values.get(i), times);
      all.addAll(Collections.nCopies(times, values.get(i)));
    }
    assertThat(d.count()).isEqualTo(all.size());
    if (all.isEmpty()) {
      return;
    }
    Collections.sort(all);
    for (double q : new double[] {0, 0.01, 0.37, 0.5, 0.9, 0.99, 1}) {
      double position = (all.size() - 1) * q;
      int low = (int) position;
      long below = all.get(low);
      long above = all.get(Math.min(low + 1, all.size() - 1));
      double expected = below + (position - low) * (above - below);
      assertThat(d.quantileNanos(q)).isEqualTo(expected);
    }
    double mean = all.stream().mapToLong(Long::longValue).average().orElseThrow();
    assertThat(d.meanNanos()).isCloseTo(mean, within(1e-9 * (1 + mean)));
    assertThat(d.maxNanos()).isEqualTo(all.get(all.size() - 1));
  }

  @Property(tries = 100, seed = "42")
  void dependsOnTheValuesNotOnTheirOrder(@ForAll("durations") List<Long> values) {
    Durations inOrder = new Durations();
    values.forEach(inOrder::add);
    List<Long> shuffled = new ArrayList<>(values);
    Collections.shuffle(shuffled, new Random(1));
    Durations other = new Durations();
    Durations part = new Durations();
    for (int i = 0; i < shuffled.size(); i++) {
      (i % 2 == 0 ? other : part).add(shuffled.get(i));
    }
    other.addAll(part);
    assertThat(other.summary()).isEqualTo(inOrder.summary());
  }

  @Provide
  Arbitrary<List<Long>> durations() {
    Arbitrary<Long> one =
        Arbitraries.oneOf(
            Arbitraries.longs().between(0, 20),
            Arbitraries.longs().between(0, 1L << 40),
            Arbitraries.longs().between(0, 3_000));
    return one.list().ofMaxSize(400);
  }

  @Provide
  Arbitrary<List<Integer>> weights() {
    return Arbitraries.integers().between(0, 5).list().ofMinSize(1).ofMaxSize(7);
  }
}
