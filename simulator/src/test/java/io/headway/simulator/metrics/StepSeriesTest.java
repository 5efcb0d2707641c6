package io.headway.simulator.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StepSeriesTest {
  private static final long W = StepSeries.INITIAL_WIDTH_NANOS;

  /** A value and how long it lasts. */
  private record Piece(long nanos, long value) {}

  @Test
  void averagesOverTime() {
    StepSeries s = new StepSeries();
    s.set(W, 4);
    s.set(W + W / 2, 10);
    s.advance(3 * W);
    assertThat(s.mean()).isCloseTo((4 * 0.5 + 10 * 1.5) / 3, within(1e-12));
    assertThat(s.max()).isEqualTo(10);
    Timeline t = StepSeries.sum(s);
    assertThat(t.buckets()).isEqualTo(3);
    assertThat(t.mean(0)).isZero();
    assertThat(t.mean(1)).isEqualTo(7);
    assertThat(t.max(1)).isEqualTo(10);
    assertThat(t.mean(2)).isEqualTo(10);
    assertThat(t.dividedBy(2).mean(2)).isEqualTo(5);
  }

  @Test
  void ignoresWhatLastsForNoTime() {
    StepSeries s = new StepSeries();
    s.set(5, 99);
    s.set(5, 1);
    s.advance(10);
    assertThat(s.max()).isEqualTo(1);
  }

  @Test
  void refusesToRunBackwards() {
    StepSeries s = new StepSeries();
    s.set(5, 1);
    assertThatThrownBy(() -> s.set(4, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("nowNanos must be at least 5 ns, the last change, but was 4");
    assertThatThrownBy(() -> s.set(6, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("value must be at least 0, but was -1");
  }

  @Test
  void boundsItsBuckets() {
    StepSeries s = new StepSeries();
    s.set(0, 3);
    s.advance(W * StepSeries.MAX_BUCKETS * 100);
    Timeline t = StepSeries.sum(s);
    assertThat(t.buckets()).isLessThanOrEqualTo(StepSeries.MAX_BUCKETS);
    assertThat(t.buckets()).isGreaterThan(StepSeries.MAX_BUCKETS / 2);
    for (int b = 0; b < t.buckets(); b++) {
      assertThat(t.mean(b)).isEqualTo(3);
    }
  }

  @Property(tries = 200, seed = "42")
  void agreesWithTheIntegral(@ForAll("pieces") List<Piece> pieces) {
    StepSeries whole = new StepSeries();
    StepSeries chopped = new StepSeries();
    long now = 0;
    double integral = 0;
    long max = 0;
    for (Piece piece : pieces) {
      whole.set(now, piece.value);
      chopped.set(now, piece.value);
      chopped.set(now + piece.nanos / 3, piece.value);
      now += piece.nanos;
      chopped.advance(now);
      integral += (double) piece.value * piece.nanos;
      max = piece.nanos > 0 ? Math.max(max, piece.value) : max;
    }
    whole.advance(now);
    double mean = now == 0 ? 0 : integral / now;
    assertThat(whole.mean()).isCloseTo(mean, within(1e-9 * (1 + mean)));
    assertThat(whole.max()).isEqualTo(max);
    assertThat(chopped.mean()).as("reporting in pieces changes nothing").isEqualTo(whole.mean());
    Timeline t = StepSeries.sum(whole, chopped);
    assertThat(t.mean()).isCloseTo(2 * mean, within(1e-9 * (1 + mean)));
    assertThat(t.max()).isEqualTo(2.0 * max);
    for (int limit : new int[] {1, 3, 100, 1_000}) {
      Timeline wider = t.atMost(limit);
      assertThat(wider.buckets()).isLessThanOrEqualTo(limit);
      assertThat(wider.mean()).isCloseTo(t.mean(), within(1e-9 * (1 + mean)));
      assertThat(wider.max()).isEqualTo(t.max());
    }
  }

  @Property(tries = 100, seed = "42")
  void addsSeriesOfDifferentWidths(@ForAll("pieces") List<Piece> pieces) {
    StepSeries fine = new StepSeries();
    StepSeries coarse = new StepSeries();
    long end = pieces.stream().mapToLong(Piece::nanos).sum() + 1;
    coarse.set(0, 2);
    coarse.advance(end);
    long now = 0;
    for (Piece piece : pieces) {
      fine.set(now, piece.value);
      now += piece.nanos;
    }
    fine.advance(end);
    Timeline sum = StepSeries.sum(coarse, fine);
    assertThat(sum.mean()).isCloseTo(fine.mean() + 2, within(1e-6));
    assertThat(sum.endNanos()).isEqualTo(end);
  }

  @Test
  void refusesPartsThatEndApart() {
    StepSeries a = new StepSeries();
    StepSeries b = new StepSeries();
    b.advance(7);
    assertThatThrownBy(() -> StepSeries.sum(a, b))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("parts must end at the same time, but ended at 0 and 7 ns");
  }

  @Provide
  Arbitrary<List<Piece>> pieces() {
    Arbitrary<Long> nanos =
        Arbitraries.oneOf(
            Arbitraries.longs().between(0, 3),
            Arbitraries.longs().between(0, 4 * W),
            Arbitraries.longs().between(0, 300 * W));
    return Combinators.combine(nanos, Arbitraries.longs().between(0, 1_000))
        .as(Piece::new)
        .list()
        .ofMaxSize(40);
  }
}
