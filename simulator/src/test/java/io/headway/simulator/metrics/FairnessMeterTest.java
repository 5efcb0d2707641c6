package io.headway.simulator.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class FairnessMeterTest {
  private static final int TENANTS = 3;

  /** One iteration: what each tenant receives, then who has requests waiting. */
  private record Iteration(List<Integer> service, List<Boolean> waits) {}

  @Test
  void measuresTheLargestDifferenceWhileBothWait() {
    FairnessMeter meter = new FairnessMeter(2);
    meter.backlog(0, true);
    meter.serve(0, 100); // alone: no gap
    meter.settle();
    meter.backlog(1, true);
    meter.serve(0, 7);
    meter.settle();
    meter.serve(1, 30);
    meter.settle();
    assertThat(meter.maxServiceGapTokens()).as("from +7 to -23").isEqualTo(30);
    meter.backlog(1, false);
    meter.serve(0, 500);
    meter.settle();
    assertThat(meter.maxServiceGapTokens()).isEqualTo(30);
    assertThat(meter.serviceTokens()).containsExactly(607, 30);
  }

  @Test
  void comparesAtTheEndOfIterationsOnly() {
    FairnessMeter meter = new FairnessMeter(2);
    meter.backlog(0, true);
    meter.backlog(1, true);
    meter.serve(0, 50);
    meter.serve(1, 50);
    meter.settle();
    assertThat(meter.maxServiceGapTokens()).isZero();
  }

  @Property(tries = 300, seed = "42")
  void agreesWithTryingAllIntervals(@ForAll("history") List<Iteration> history) {
    FairnessMeter meter = new FairnessMeter(TENANTS);
    List<long[]> totals = new ArrayList<>();
    List<boolean[]> waiting = new ArrayList<>();
    totals.add(new long[TENANTS]);
    waiting.add(new boolean[TENANTS]);
    for (Iteration iteration : history) {
      long[] total = totals.get(totals.size() - 1).clone();
      boolean[] waits = new boolean[TENANTS];
      for (int t = 0; t < TENANTS; t++) {
        meter.serve(t, iteration.service.get(t));
        total[t] += iteration.service.get(t);
        waits[t] = iteration.waits.get(t);
      }
      meter.settle();
      for (int t = 0; t < TENANTS; t++) {
        meter.backlog(t, waits[t]);
      }
      totals.add(total);
      waiting.add(waits);
    }
    assertThat(meter.maxServiceGapTokens()).isEqualTo(naiveGap(totals, waiting));
  }

  /** Over all pairs and all intervals of iterations with both backlogged at every point before. */
  private static long naiveGap(List<long[]> totals, List<boolean[]> waiting) {
    long gap = 0;
    for (int u = 0; u < TENANTS; u++) {
      for (int v = 0; v < u; v++) {
        for (int from = 0; from < totals.size(); from++) {
          for (int to = from + 1; to < totals.size(); to++) {
            if (!waiting.get(to - 1)[u] || !waiting.get(to - 1)[v]) {
              break;
            }
            long a = totals.get(to)[u] - totals.get(from)[u];
            long b = totals.get(to)[v] - totals.get(from)[v];
            gap = Math.max(gap, Math.abs(a - b));
          }
        }
      }
    }
    return gap;
  }

  @Test
  void jainIsOneForEqualAndOneNthForOne() {
    assertThat(FairnessMeter.jainIndex(3, 3, 3)).isCloseTo(1, within(1e-12));
    assertThat(FairnessMeter.jainIndex(9, 0, 0)).isCloseTo(1.0 / 3, within(1e-12));
    assertThat(FairnessMeter.jainIndex(1, 2, 3)).isCloseTo(36.0 / 42, within(1e-12));
    assertThat(FairnessMeter.jainIndex()).isEqualTo(1);
    assertThat(FairnessMeter.jainIndex(0, 0)).isEqualTo(1);
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> new FairnessMeter(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tenants must be at least 1, but was 0");
    assertThatThrownBy(() -> new FairnessMeter(1).serve(0, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weightedTokens must be at least 0, but was -1");
  }

  @Provide
  Arbitrary<List<Iteration>> history() {
    return Combinators.combine(
            Arbitraries.integers().between(0, 9).list().ofSize(TENANTS),
            Arbitraries.integers().between(0, 3).map(i -> i > 0).list().ofSize(TENANTS))
        .as(Iteration::new)
        .list()
        .ofMaxSize(25);
  }
}
