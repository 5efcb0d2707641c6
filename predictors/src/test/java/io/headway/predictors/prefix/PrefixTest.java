package io.headway.predictors.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import java.util.HashSet;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PrefixTest {
  @Property(seed = "42")
  void theMirrorIsASet(@ForAll long seed, @ForAll @IntRange(min = 1, max = 600) int range) {
    PrefixMirror mirror = new PrefixMirror(16);
    Set<Long> model = new HashSet<>();
    RandomSource random = RandomSource.seeded(seed);
    for (int t = 0; t < 2000; t++) {
      // Keys that differ in their high bits only, so that probing clusters are long.
      long key = (long) random.nextInt(range) << 32;
      if (random.nextInt(5) < 3) {
        mirror.insert(key);
        model.add(key);
      } else {
        mirror.evict(key);
        model.remove(key);
      }
    }
    assertThat(mirror.size()).isEqualTo(model.size());
    for (int k = 0; k < range; k++) {
      assertThat(mirror.contains((long) k << 32)).isEqualTo(model.contains((long) k << 32));
    }
  }

  @Test
  void hitsAreWholeBlocksWithoutAGap() {
    PrefixMirror mirror = new PrefixMirror(16);
    for (long key : new long[] {0, 11, 12}) {
      mirror.insert(key);
    }
    assertThat(mirror.hitTokens(new long[] {0, 11, 12, 13}, 70)).isEqualTo(48);
    assertThat(mirror.hitTokens(new long[] {0, 11, 12}, 48)).isEqualTo(47);
    assertThat(mirror.hitTokens(new long[] {0, 99, 12}, 48)).isEqualTo(16);
    mirror.evict(11);
    assertThat(mirror.hitTokens(new long[] {0, 11, 12}, 50)).isEqualTo(16);
    assertThat(mirror.hitTokens(new long[0], 5)).isZero();
    Request request = Request.builder("r", 40, 5).blockKeys(new long[] {0, 11}).build();
    assertThat(mirror.hitTokens(request)).isEqualTo(16);
    mirror.insert(11);
    assertThat(mirror.hitTokens(request)).isEqualTo(32);
    assertThatThrownBy(() -> mirror.hitTokens(new long[0], 0))
        .hasMessage("promptTokens must be at least 1 token, but was 0");
  }

  @Property(seed = "42")
  void expectedHitsStayBelowThePrompt(
      @ForAll @Size(max = 20) byte[] raw, @ForAll @IntRange(min = 1, max = 200) int prompt) {
    double[] probabilities = new double[raw.length];
    for (int i = 0; i < raw.length; i++) {
      probabilities[i] = PrefixStatistics.probability(raw[i] & 7, 8);
    }
    double tokens = PrefixStatistics.expectedTokens(probabilities, 16, prompt);
    assertThat(tokens).isBetween(0.0, prompt - 1.0);
    double fresh = PrefixStatistics.freshness(raw.length, 10);
    assertThat(fresh).isGreaterThan(0).isLessThanOrEqualTo(1);
  }

  @Test
  void statisticsRefuseWhatIsOutOfRange() {
    assertThat(PrefixStatistics.probability(9, 10)).isCloseTo(10 / 12.0, within(1e-15));
    assertThatThrownBy(() -> PrefixStatistics.probability(2, 1))
        .hasMessage("hits must be 0 to trials, but they were 2 and 1");
    assertThatThrownBy(() -> PrefixStatistics.freshness(1, 0))
        .hasMessage(
            "ageSeconds must be at least 0 s and lifetimeSeconds above 0 s, but were 1.0 and 0.0");
  }

  @Test
  void cheOfThePublishedExample() {
    CheApproximation che = new CheApproximation(new double[] {5, 3, 1, .5, .5}, 2);
    assertThat(che.characteristicSeconds()).isCloseTo(.324097, within(1e-6));
    double[] expected = {.802197, .621784, .27682, .1496, .1496};
    for (int i = 0; i < 5; i++) {
      assertThat(che.hit(i)).isCloseTo(expected[i], within(1e-6));
    }
    assertThat(che.overall()).isCloseTo(.630276, within(1e-6));
    CheApproximation all = new CheApproximation(new double[] {1, 2}, 2);
    assertThat(all.characteristicSeconds()).isInfinite();
    assertThat(all.overall()).isEqualTo(1);
    assertThatThrownBy(() -> new CheApproximation(new double[] {0}, 1))
        .hasMessage("rates must have at least 1 rate above 0");
  }

  @Property(seed = "42")
  void cheFillsTheCacheExactlyAndIsMonotone(
      @ForAll long seed,
      @ForAll @IntRange(min = 2, max = 60) int items,
      @ForAll @DoubleRange(min = 0.05, max = 0.95) double share) {
    RandomSource random = RandomSource.seeded(seed);
    double[] rates = new double[items];
    for (int i = 0; i < items; i++) {
      rates[i] = Math.pow(10, 4 * random.nextDouble() - 2);
    }
    CheApproximation che = new CheApproximation(rates, share * items);
    CheApproximation larger = new CheApproximation(rates, Math.min(items, share * items + 0.5));
    double sum = 0;
    for (int i = 0; i < items; i++) {
      sum += che.hit(i);
      assertThat(larger.hit(i)).isGreaterThanOrEqualTo(che.hit(i) - 1e-12);
      if (i > 0 && rates[i] > rates[i - 1]) {
        assertThat(che.hit(i)).isGreaterThanOrEqualTo(che.hit(i - 1));
      }
    }
    assertThat(sum).isCloseTo(share * items, within(1e-9));
  }

  @Test
  void cheAgreesWithASimulatedCache() {
    int items = 100;
    double[] rates = new double[items];
    double total = 0;
    for (int i = 0; i < items; i++) {
      rates[i] = 1.0 / (i + 1);
      total += rates[i];
    }
    CheApproximation che = new CheApproximation(rates, 20);
    RandomSource random = RandomSource.seeded(11);
    java.util.LinkedHashMap<Integer, Boolean> lru = new java.util.LinkedHashMap<>(16, 0.75f, true);
    int hits = 0;
    int n = 200_000;
    for (int t = 0; t < n; t++) {
      double u = random.nextDouble() * total;
      int item = 0;
      while (item < items - 1 && u >= rates[item]) {
        u -= rates[item++];
      }
      if (lru.get(item) != null) {
        hits++;
      } else {
        lru.put(item, true);
        if (lru.size() > 20) {
          lru.remove(lru.keySet().iterator().next());
        }
      }
    }
    assertThat((double) hits / n).isCloseTo(che.overall(), within(0.02));
  }
}
