package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

class TokenSamplerTest {
  @Property(seed = "21", tries = 300)
  void theChoiceIsThatOfASortedList(
      @ForAll @IntRange(min = 2, max = 40) int vocabulary,
      @ForAll @IntRange(min = 0, max = 12) int topK,
      @ForAll @DoubleRange(min = 0.05, max = 1) double topP,
      @ForAll @DoubleRange(min = 0.2, max = 3) double temperature,
      @ForAll int seed) {
    Random random = new Random(seed);
    // Rounded, so that there are ties.
    double[] logits = random.doubles(vocabulary, -3, 3).map(x -> Math.rint(2 * x) / 2).toArray();
    SamplingParameters parameters =
        new SamplingParameters(temperature, topK, topP, seed, List.of());
    int token = new TokenSampler(vocabulary).sample(logits, 0, parameters, seed);

    double top = Arrays.stream(logits).max().orElseThrow();
    double[] weights =
        Arrays.stream(logits).map(l -> StrictMath.exp((l - top) / temperature)).toArray();
    boolean truncates = topK > 0 || topP < 1;
    List<Integer> order =
        IntStream.range(0, vocabulary)
            .boxed()
            .sorted(
                truncates
                    ? Comparator.comparingDouble((Integer i) -> -weights[i]).thenComparing(i -> i)
                    : Comparator.comparing(i -> i))
            .toList();
    double total = Arrays.stream(weights).sum();
    int kept = 0;
    double mass = 0;
    while (kept < (topK == 0 ? vocabulary : Math.min(topK, vocabulary))
        && (kept == 0 || mass < topP * total)) {
      mass += weights[order.get(kept++)];
    }
    double target = TokenSampler.uniform(seed, seed) * mass;
    double reached = 0;
    int expected = order.get(kept - 1);
    for (int i = 0; i < kept; i++) {
      reached += weights[order.get(i)];
      if (target < reached) {
        expected = order.get(i);
        break;
      }
    }
    assertThat(token).isEqualTo(expected);
  }

  @Example
  void greedyTakesTheLowestOfEquals() {
    double[] logits = {9, 1, 3, 7, 7, 3};
    assertThat(new TokenSampler(5).sample(logits, 1, SamplingParameters.GREEDY, 0)).isEqualTo(2);
  }

  @Example
  void logitsThatAreNotFiniteAreReported() {
    TokenSampler sampler = new TokenSampler(3);
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -1.0 / 0}) {
      for (int at = 0; at < 3; at++) {
        double[] logits = new double[3];
        logits[at] = bad;
        assertThat(sampler.sample(logits, 0, SamplingParameters.GREEDY, 0))
            .isEqualTo(TokenSampler.NOT_FINITE);
      }
    }
  }

  @Example
  void uniformNumbersCoverTheUnitIntervalEvenly() {
    int[] counts = new int[10];
    for (int seed = 0; seed < 100; seed++) {
      for (int position = 0; position < 1_000; position++) {
        counts[(int) (10 * TokenSampler.uniform(seed, position))]++;
      }
    }
    // 10,000 expected in each; seven standard deviations are 664.
    for (int count : counts) {
      assertThat((double) count).isCloseTo(10_000, offset(664.0));
    }
  }

  @Example
  void parametersOutOfRangeAreNamed() {
    assertThatThrownBy(() -> SamplingParameters.seeded(-1, 0))
        .hasMessage("temperature must be finite and at least 0, but was -1.0");
    assertThatThrownBy(() -> new SamplingParameters(1, -1, 1, 0, List.of()))
        .hasMessage("topK must be at least 0 tokens, 0 meaning all, but was -1");
    assertThatThrownBy(() -> new SamplingParameters(1, 0, 0, 0, List.of()))
        .hasMessage("topP must be above 0 and at most 1, but was 0.0");
  }
}
