package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.RouterInput;
import io.headway.routing.moe.ExpertChoiceRouter.SoftmaxAxis;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Expert Choice against sorting every column by the scores as their formula gives them row by row:
 * the same tokens in the same slots, the same gates to the last bit.
 */
class ExpertChoiceColumnsTest {
  private static final int[] TOKENS = {1, 15, 16, 17, 100, 777};
  private static final int[] EXPERTS = {1, 2, 3, 4, 5, 18, 64};

  /** Logits that are hard to select from. */
  enum Kind {
    SMOOTH,
    ALL_EQUAL,
    SIGNED_ZEROS,
    RISING,
    FALLING,
    FEW_VALUES,
    NEAR_TIES,
    HUGE_RANGE,
    UNDERFLOWING,
    MASKED,
    MASKED_COLUMN,
    ONE_EXPERT_FOR_ALL,
    BEST_TOKENS_TOGETHER;

    double logit(RandomSource random, int token, int expert, int experts) {
      double u = 2 * random.nextDouble() - 1;
      return switch (this) {
        case SMOOTH -> 3 * u;
        case ALL_EQUAL -> 1.25;
        case SIGNED_ZEROS -> u < 0 ? -0.0 : 0.0;
        case RISING -> expert == token % experts ? 0 : 1e-3 * token * (1 + expert);
        case FALLING -> expert == token % experts ? 0 : -1e-3 * token * (1 + expert);
        case FEW_VALUES -> Math.rint(2 * u);
        case NEAR_TIES -> Math.rint(2 * u) + 4e-16 * random.nextInt(3);
        case HUGE_RANGE -> 1e30 * u * u * u;
        case UNDERFLOWING -> 1500 * u;
        case MASKED -> expert > 0 && u < 0.5 ? Double.NEGATIVE_INFINITY : u;
        case MASKED_COLUMN -> expert == 1 ? Double.NEGATIVE_INFINITY : u;
        case ONE_EXPERT_FOR_ALL -> expert == 0 ? 30 + u : u;
        case BEST_TOKENS_TOGETHER -> token >= 32 && token < 64 && expert == 0 ? 9 + u : u;
      };
    }
  }

  private static double[] logits(Kind kind, long seed, int tokens, int experts) {
    RandomSource random = RandomSource.seeded(seed);
    double[] logits = new double[tokens * experts];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = kind.logit(random, i / experts, i % experts, experts);
    }
    return logits;
  }

  private static ExpertAssignments route(SoftmaxAxis axis, int slots, RouterInput input) {
    ExpertChoiceRouter router =
        new ExpertChoiceRouter(new ExpertChoiceRouter.Config(CapacityRule.fixed(slots), axis));
    return Batches.route(router, input).indexByExpert();
  }

  /** Returns the probabilities, row by row, as the router documents them. */
  private static double[][] probabilities(double[] logits, int tokens, int experts) {
    double[][] p = new double[tokens][experts];
    for (int t = 0; t < tokens; t++) {
      double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
      double max = Arrays.stream(row).max().orElseThrow();
      double sum = Exponentials.of(row, 1, max, p[t], new double[experts], experts);
      for (int e = 0; e < experts; e++) {
        p[t][e] /= sum;
      }
    }
    return p;
  }

  private static void check(double[] logits, boolean[] padding, int tokens, int experts, int k) {
    double[][] p = probabilities(logits, tokens, experts);
    ExpertAssignments out =
        route(
            SoftmaxAxis.EXPERTS,
            k,
            new RouterInput().logits(logits, tokens, experts).padding(padding));
    for (int e = 0; e < experts; e++) {
      int expert = e;
      List<Integer> best =
          IntStream.range(0, tokens)
              .filter(t -> !padding[t])
              .filter(t -> logits[t * experts + expert] > Double.NEGATIVE_INFINITY)
              .boxed()
              .sorted(
                  (a, b) ->
                      p[a][expert] == p[b][expert]
                          ? Integer.compare(a, b)
                          : Double.compare(p[b][expert], p[a][expert]))
              .limit(k)
              .toList();
      int from = out.expertOffset(e);
      List<Integer> taken =
          IntStream.range(from, out.expertOffset(e + 1))
              .mapToObj(i -> out.token(out.pairByExpert(i)))
              .toList();
      assertThat(taken).as("%d tokens, %d experts, k %d", tokens, experts, k).isEqualTo(best);
      for (int i = 0; i < taken.size(); i++) {
        int pair = out.pairByExpert(from + i);
        assertThat(out.slot(pair)).isEqualTo(i);
        assertThat(out.gate(pair)).isEqualTo(p[taken.get(i)][e]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void takesTheBestOfEachColumn(Kind kind) {
    for (int tokens : TOKENS) {
      for (int experts : EXPERTS) {
        double[] logits = logits(kind, 31L * tokens + experts, tokens, experts);
        boolean[] padding = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
          padding[t] = experts == 5 && t % 7 == 3;
        }
        for (int k : new int[] {0, 1, 1 + tokens / 30, 1 + tokens / 3, tokens, tokens + 5}) {
          check(logits, padding, tokens, experts, k);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SMOOTH", "RISING", "FALLING", "FEW_VALUES", "MASKED"})
  void takesTheBestOfEachColumnWhereNotAllScoresAreKeptAtOnce(Kind kind) {
    int tokens = 4_500;
    int experts = 257;
    double[] logits = logits(kind, 7, tokens, experts);
    boolean[] padding = new boolean[tokens];
    check(logits, padding, tokens, experts, 3);
    check(logits, padding, tokens, experts, 60);
  }

  @ParameterizedTest
  @EnumSource
  void overTokensGatesAreSharedSoftmaxOfTheColumn(Kind kind) {
    int tokens = 50;
    int experts = 6;
    int k = 9;
    double[] logits = logits(kind, 3, tokens, experts);
    ExpertAssignments out =
        route(SoftmaxAxis.TOKENS, k, new RouterInput().logits(logits, tokens, experts));
    int[] choosers = new int[tokens];
    for (int i = 0; i < out.pairCount(); i++) {
      choosers[out.token(i)]++;
    }
    for (int i = 0; i < out.pairCount(); i++) {
      int e = out.expert(i);
      double max =
          IntStream.range(0, tokens).mapToDouble(t -> logits[t * experts + e]).max().orElseThrow();
      double sum =
          IntStream.range(0, tokens)
              .mapToDouble(t -> StrictMath.exp(logits[t * experts + e] - max))
              .sum();
      double own = logits[out.token(i) * experts + e];
      assertThat(out.gate(i))
          .isCloseTo(StrictMath.exp(own - max) / sum / choosers[out.token(i)], within(1e-13));
      // Scores that underflow are equal.
      double least = StrictMath.exp(own - max) * (1 + 1e-12);
      long better =
          IntStream.range(0, tokens)
              .filter(t -> StrictMath.exp(logits[t * experts + e] - max) > least)
              .count();
      assertThat(better).isLessThan(k);
    }
  }

  @Test
  void aFloorLeavesWhatMayEnterAndLittleElse() {
    RandomSource random = RandomSource.seeded(5);
    int[] buckets = new int[ColumnFloors.BUCKETS];
    for (int k : new int[] {1, 10, 100}) {
      double[] maxima = new double[3 * k];
      for (int i = 0; i < maxima.length; i++) {
        maxima[i] = Math.pow(random.nextDouble(), 4);
      }
      double floor = ColumnFloors.raised(maxima, 0, maxima.length, k, -0.5, buckets);
      double kth = Arrays.stream(maxima).sorted().toArray()[maxima.length - k];
      assertThat(floor).isBetween(kth * 31 / 32, Math.nextDown(kth));
      assertThat(ColumnFloors.raised(maxima, 0, maxima.length, k, 2, buckets)).isEqualTo(2);
    }
    // Fewer maxima than entries, or only tiny ones, say nothing.
    assertThat(ColumnFloors.raised(new double[] {1, 1}, 0, 2, 3, -0.5, buckets)).isEqualTo(-0.5);
    assertThat(ColumnFloors.raised(new double[] {1e-300}, 0, 1, 1, -0.5, buckets)).isEqualTo(-0.5);
    assertThat(ColumnFloors.raised(new double[] {1}, 0, 1, 1, -0.5, buckets))
        .isEqualTo(Math.nextDown(1.0));
  }

  @Test
  void topOneOfFewExpertsIsTheSameInBlocks() {
    for (Kind kind : Kind.values()) {
      for (int experts = 1; experts < 12; experts++) {
        int tokens = 40;
        float[] single = new float[tokens * experts];
        double[] twice = logits(kind, experts, tokens, experts);
        for (int i = 0; i < single.length; i++) {
          single[i] = (float) twice[i];
          twice[i] = single[i];
        }
        SwitchRouter router = new SwitchRouter(SwitchRouter.Config.DEFAULT);
        ExpertAssignments out = new ExpertAssignments();
        router.route(new RouterInput().logits(single, tokens, experts), router.newState(), out);
        String inBlocks = Batches.show(out);
        router.route(new RouterInput().logits(twice, tokens, experts), router.newState(), out);
        assertThat(inBlocks).as("%s, %d experts", kind, experts).isEqualTo(Batches.show(out));
      }
    }
  }
}
