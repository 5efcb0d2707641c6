package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract of expert routers for every one that is registered, fitted to shapes from no token
 * and one expert up to shapes where selection and lists take their fast paths.
 */
class RegisteredRouterContractsTest {
  private static final String SEED = "20261130";
  private static final List<PolicyProvider> ROUTERS = new ExpertRouters().providers();

  /** A registered router whose counts fit the number of experts. */
  private static ExpertRouter<?> fitted(PolicyProvider provider, int experts, int k, String more) {
    PolicySpec spec = PolicySpec.parse(provider.id() + more);
    int blocks = experts % 2 == 0 ? 2 : 1;
    for (String[] setting :
        new String[][] {
          {"topK", "" + k},
          {"devices", "" + blocks},
          {"groups", "" + (provider.parameters().has("maxGroups") ? blocks : 1)},
          {"maxGroups", "" + blocks},
          {"maxDevices", "" + blocks},
          {"tokenCap", "" + experts},
          {"stages", "" + Math.min(2, experts)},
          {"padToDivisible", "true"}
        }) {
      if (provider.parameters().has(setting[0])) {
        spec = spec.withDefault(setting[0], setting[1]);
      }
    }
    return (ExpertRouter<?>) provider.create(spec);
  }

  private static RouterInput input(double[] logits, int tokens, int experts, long seed) {
    long[] ids = new long[tokens];
    for (int t = 0; t < tokens; t++) {
      ids[t] = Double.doubleToLongBits(logits[t * experts]);
    }
    return new RouterInput()
        .logits(logits, tokens, experts)
        .tokenIds(ids)
        .random(RandomSource.seeded(seed));
  }

  @Provide
  Arbitrary<PolicyProvider> routers() {
    return Arbitraries.of(ROUTERS);
  }

  /** Wide enough for the fast paths; the capped solver and the auction are slow on such shapes. */
  @Provide
  Arbitrary<PolicyProvider> fastRouters() {
    return Arbitraries.of(ROUTERS)
        .filter(p -> !p.id().equals("expert-choice-capped") && !p.id().equals("base"));
  }

  @Property(tries = 1200, seed = SEED)
  void conservesPairsAtEveryShape(
      @ForAll("routers") PolicyProvider provider,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 30) int tokens,
      @ForAll @IntRange(min = 1, max = 12) int experts) {
    int k = 1 + (int) Long.remainderUnsigned(seed, experts);
    check(fitted(provider, experts, k, ""), ties, seed, tokens, experts);
  }

  @Property(tries = 250, seed = SEED)
  void conservesPairsAmongManyExperts(
      @ForAll("fastRouters") PolicyProvider provider,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 60) int tokens,
      @ForAll @IntRange(min = 40, max = 260) int experts) {
    int k = 1 + (int) Long.remainderUnsigned(seed, 9);
    check(fitted(provider, experts, k, ""), ties, seed, tokens, experts);
  }

  private static <S> void check(
      ExpertRouter<S> router, boolean ties, long seed, int tokens, int experts) {
    double[] logits =
        ties ? Batches.coarse(seed, tokens, experts) : Batches.logits(seed, tokens, experts);
    ExpertAssignments out = Batches.route(router, input(logits, tokens, experts, seed));
    Set<Long> pairs = new HashSet<>();
    int[] load = new int[experts];
    Set<Long> slots = new HashSet<>();
    for (int i = 0; i < out.pairCount(); i++) {
      assertThat(pairs.add((long) out.token(i) * experts + out.expert(i)))
          .as("token %s at most once at expert %s", out.token(i), out.expert(i))
          .isTrue();
      load[out.expert(i)]++;
      assertThat(out.gate(i)).isFinite();
      if (out.slot(i) != ExpertAssignments.NO_SLOT) {
        assertThat(out.slot(i)).isLessThan(out.capacitySlots());
        assertThat(slots.add((long) out.expert(i) << 32 | out.slot(i))).as("a slot once").isTrue();
      }
    }
    assertThat(Arrays.copyOf(out.loads(), experts)).isEqualTo(load);
    if (out.capacitySlots() != CapacityRule.UNLIMITED_SLOTS) {
      assertThat(IntStream.of(load).max().orElse(0)).isLessThanOrEqualTo(out.capacitySlots());
    }
    if (router.traits().contains(RouterTrait.DROPLESS)) {
      assertThat(out.dropCount()).isZero();
    }
    assertThat(Batches.show(Batches.route(router, input(logits, tokens, experts, seed))))
        .as("equal inputs and draws, equal decisions")
        .isEqualTo(Batches.show(out));
    ExpertAssignments quiet = new ExpertAssignments();
    router.route(input(logits, tokens, experts, seed), router.newState(), quiet);
    assertThat(Batches.show(quiet)).as("signals change nothing").isEqualTo(Batches.show(out));
  }

  static List<PolicyProvider> all() {
    return ROUTERS;
  }

  static List<PolicyProvider> withLogits() {
    return ROUTERS.stream().filter(p -> !p.id().equals("hash-random")).toList();
  }

  static List<PolicyProvider> withCapacity() {
    return ROUTERS.stream().filter(p -> p.parameters().has("slots")).toList();
  }

  @ParameterizedTest
  @MethodSource("all")
  void noTokensAndOneExpertAreLegal(PolicyProvider provider) {
    ExpertRouter<?> router = fitted(provider, 1, 1, "");
    ExpertAssignments none = Batches.route(router, input(new double[0], 0, 1, 1));
    assertThat(none.pairCount() + none.dropCount() + none.unroutedCount()).isZero();
    double[] logits = {0.5, -1, 2};
    ExpertAssignments one = Batches.route(router, input(logits, 3, 1, 1));
    assertThat(one.pairCount() + one.unroutedCount()).isEqualTo(3);
  }

  @ParameterizedTest
  @MethodSource("withCapacity")
  void withoutSlotsNothingIsAssigned(PolicyProvider provider) {
    ExpertRouter<?> router = fitted(provider, 4, 2, ":slots=0,dropless=false");
    ExpertAssignments out = Batches.route(router, input(Batches.A, 8, 4, 1));
    assertThat(out.pairCount()).isZero();
    assertThat(out.unroutedCount()).isEqualTo(8);
    if (!router.traits().contains(RouterTrait.DROPLESS)) {
      assertThat(out.dropCount()).isGreaterThanOrEqualTo(8);
    }
  }

  @Provide
  Arbitrary<PolicyProvider> monotone() {
    return Arbitraries.of(
        withCapacity().stream()
            .filter(
                p ->
                    fitted(p, 4, 2, ":slots=1,dropless=false")
                        .traits()
                        .contains(RouterTrait.CAPACITY_MONOTONE))
            .toList());
  }

  /** Every registered router that claims the law, with its other parameters at their defaults. */
  @Property(tries = 600, seed = SEED)
  void moreSlotsKeepEveryPair(
      @ForAll("monotone") PolicyProvider provider,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(min = 2, max = 10) int experts,
      @ForAll @IntRange(max = 6) int slots,
      @ForAll @IntRange(min = 1, max = 6) int more) {
    double[] logits =
        ties ? Batches.coarse(seed, tokens, experts) : Batches.logits(seed, tokens, experts);
    assertThat(pairs(provider, slots + more, logits, tokens, experts, seed))
        .containsAll(pairs(provider, slots, logits, tokens, experts, seed));
  }

  private static Set<Long> pairs(
      PolicyProvider provider, int slots, double[] logits, int tokens, int experts, long seed) {
    ExpertRouter<?> router = fitted(provider, experts, 2, ":slots=" + slots + ",dropless=false");
    ExpertAssignments out = Batches.route(router, input(logits, tokens, experts, seed));
    Set<Long> pairs = new HashSet<>();
    for (int i = 0; i < out.pairCount(); i++) {
      pairs.add((long) out.token(i) * experts + out.expert(i));
    }
    return pairs;
  }

  @Test
  void mostRoutersWithSlotsClaimTheLaw() {
    assertThat(monotone().allValues().orElseThrow()).hasSizeGreaterThan(5);
  }

  @ParameterizedTest
  @MethodSource("withLogits")
  void logitsThatAreNoNumbersAreRefusedByPosition(PolicyProvider provider) {
    for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      double[] logits = Batches.logits(1, 6, 8);
      logits[3 * 8 + 5] = wrong;
      ExpertRouter<?> router = fitted(provider, 8, 2, "");
      assertThatThrownBy(() -> Batches.route(router, input(logits, 6, 8, 1)))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("logits[3][5] must be finite or -Infinity, but was " + wrong);
    }
    double[] masked = Batches.logits(1, 6, 8);
    Arrays.fill(masked, 16, 24, Double.NEGATIVE_INFINITY);
    ExpertRouter<?> router = fitted(provider, 8, 2, "");
    assertThatThrownBy(() -> Batches.route(router, input(masked, 6, 8, 1)))
        .isInstanceOf(MoeInputException.class)
        .hasMessage(
            "logits of token 2 must leave at least 1 expert unmasked, but all were -Infinity");
  }

  /** A masked expert is never used by routers in which tokens choose freely among the others. */
  @Property(tries = 300, seed = SEED)
  void maskedExpertsAreLeftAloneWhileOthersRemain(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 12) int tokens,
      @ForAll @IntRange(min = 20, max = 90) int experts) {
    Random random = new Random(seed);
    double[] logits = Batches.logits(seed, tokens, experts);
    for (int i = 0; i < logits.length; i++) {
      if (random.nextInt(3) == 0 && i % experts >= 4) {
        logits[i] = Double.NEGATIVE_INFINITY;
      }
    }
    for (String id : List.of("top-k", "qwen-moe", "tutel", "gshard-top2", "vmoe", "glam")) {
      PolicyProvider provider =
          ROUTERS.stream().filter(p -> p.id().equals(id)).findFirst().orElseThrow();
      ExpertAssignments out =
          Batches.route(fitted(provider, experts, 3, ""), input(logits, tokens, experts, seed));
      for (int i = 0; i < out.pairCount(); i++) {
        assertThat(logits[out.token(i) * experts + out.expert(i)]).as(id).isFinite();
      }
    }
  }

  // ---- fast paths against the plain rule

  @Property(tries = 600, seed = SEED)
  void theBestLogitsAreThoseOfTheRoundedProbabilities(
      @ForAll long seed,
      @ForAll @IntRange(min = 2, max = 300) int experts,
      @ForAll @IntRange(min = 2, max = 12) int wanted,
      @ForAll @IntRange(max = 3) int kind) {
    int k = Math.min(wanted, experts);
    Random random = new Random(seed);
    double[] logits = new double[experts];
    for (int e = 0; e < experts; e++) {
      logits[e] =
          switch (kind) {
            case 0 -> random.nextGaussian();
            case 1 -> random.nextInt(6);
            // Neighbours of a few values, so close that probabilities round alike.
            case 2 -> random.nextInt(3) + (random.nextInt(5) - 2) * 2e-16;
            default ->
                random.nextInt(4) == 0 ? Double.NEGATIVE_INFINITY : random.nextGaussian() * 400;
          };
    }
    logits[random.nextInt(experts)] = 1;
    double max = Arrays.stream(logits).max().orElseThrow();
    double[] p = new double[experts];
    Exponentials.of(logits, 1, max, p, new double[experts], experts);
    List<Integer> order =
        IntStream.range(0, experts)
            .boxed()
            .sorted(
                (a, b) -> {
                  int byProbability = Double.compare(p[b], p[a]);
                  // Masked experts come after those whose probability underflows.
                  int byMask =
                      Boolean.compare(
                          logits[a] == Double.NEGATIVE_INFINITY,
                          logits[b] == Double.NEGATIVE_INFINITY);
                  return byProbability != 0
                      ? byProbability
                      : p[a] == 0 && byMask != 0 ? byMask : Integer.compare(a, b);
                })
            .limit(k)
            .toList();
    ExpertAssignments out =
        Batches.route(
            new QwenMoeRouter(new QwenMoeRouter.Config(k, true)),
            new RouterInput().logits(logits, 1, experts));
    assertThat(IntStream.range(0, k).mapToObj(out::expert).toList()).isEqualTo(order);
    double sum = 0;
    for (int i = 0; i < k; i++) {
      sum += p[order.get(i)];
    }
    for (int i = 0; i < k; i++) {
      assertThat(out.gate(i)).isCloseTo(p[order.get(i)] / sum, within(1e-12));
    }
  }

  @Property(tries = 60, seed = SEED)
  void expertsTakeTheirBestTokensHoweverLongTheirLists(
      @ForAll long seed,
      @ForAll boolean ties,
      @ForAll @IntRange(min = 200, max = 1500) int tokens,
      @ForAll @IntRange(min = 1, max = 4) int experts,
      @ForAll @IntRange(min = 1, max = 120) int slots) {
    double[] logits =
        ties ? Batches.coarse(seed, tokens, experts) : Batches.logits(seed, tokens, experts);
    ExpertAssignments out =
        Batches.route(
            new ExpertChoiceRouter(
                new ExpertChoiceRouter.Config(
                    CapacityRule.fixed(slots), ExpertChoiceRouter.SoftmaxAxis.EXPERTS)),
            new RouterInput().logits(logits, tokens, experts));
    double[][] p = new double[tokens][experts];
    for (int t = 0; t < tokens; t++) {
      double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
      double max = Arrays.stream(row).max().orElseThrow();
      double sum = Exponentials.of(row, 1, max, p[t], new double[experts], experts);
      for (int e = 0; e < experts; e++) {
        p[t][e] /= sum;
      }
    }
    out.indexByExpert();
    for (int e = 0; e < experts; e++) {
      int expert = e;
      List<Integer> best =
          IntStream.range(0, tokens)
              .boxed()
              .sorted(
                  (a, b) ->
                      p[a][expert] != p[b][expert]
                          ? Double.compare(p[b][expert], p[a][expert])
                          : Integer.compare(a, b))
              .limit(slots)
              .toList();
      List<Integer> taken =
          IntStream.range(out.expertOffset(e), out.expertOffset(e + 1))
              .mapToObj(i -> out.token(out.pairByExpert(i)))
              .toList();
      assertThat(taken).isEqualTo(best);
    }
  }

  // ---- facts that the papers state

  @Property(tries = 200, seed = SEED)
  void biasesOfOverloadedExpertsFallAndOfUnderloadedOnesRise(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 40) int experts) {
    Random random = new Random(seed);
    int[] load = random.ints(experts, 0, 20).toArray();
    double mean = IntStream.of(load).average().orElseThrow();
    DeepSeekV3Router.Bias bias = new DeepSeekV3Router(DeepSeekV3Router.Config.DEFAULT).newState();
    bias.update(load, experts, 0.25);
    for (int e = 0; e < experts; e++) {
      assertThat(bias.of(e)).isEqualTo(0.25 * Math.signum(mean - load[e]));
    }
    bias.update(new int[experts], experts, 0.25);
    assertThat(bias.of(0)).as("no tokens, no change").isEqualTo(0.25 * Math.signum(mean - load[0]));
  }

  @Property(tries = 200, seed = SEED)
  void batchPrioritizedRoutingVisitsTokensByDescendingPriority(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 40) int tokens,
      @ForAll boolean bySum,
      @ForAll boolean ties) {
    double[] logits = ties ? Batches.coarse(seed, tokens, 6) : Batches.logits(seed, tokens, 6);
    ExpertAssignments out =
        Batches.route(
            new VMoeRouter(
                new VMoeRouter.Config(
                    2,
                    CapacityRule.fixed(3),
                    bySum ? VMoeRouter.Priority.SUM : VMoeRouter.Priority.MAX,
                    0,
                    0)),
            new RouterInput().logits(logits, tokens, 6));
    for (int n = 1; n < tokens; n++) {
      int before = (int) out.signals().value(MoeSignals.PROCESSING_ORDER, 0, n - 1);
      int after = (int) out.signals().value(MoeSignals.PROCESSING_ORDER, 0, n);
      double earlier = out.signals().value(MoeSignals.PRIORITY_SCORE, 0, before);
      double later = out.signals().value(MoeSignals.PRIORITY_SCORE, 0, after);
      assertThat(earlier > later || (earlier == later && before < after)).isTrue();
    }
  }

  @Property(tries = 200, seed = SEED)
  void gatesOverTheKeptPairsSumToOne(
      @ForAll long seed,
      @ForAll boolean topTwo,
      @ForAll @IntRange(min = 1, max = 30) int tokens,
      @ForAll @IntRange(max = 8) int slots) {
    String id = topTwo ? "deepspeed-top2" : "deepspeed-topk";
    PolicyProvider provider =
        ROUTERS.stream().filter(p -> p.id().equals(id)).findFirst().orElseThrow();
    ExpertAssignments out =
        Batches.route(
            fitted(provider, 6, 3, ":slots=" + slots),
            input(Batches.logits(seed, tokens, 6), tokens, 6, seed));
    for (int t = 0; t < tokens; t++) {
      double sum = 0;
      for (int i = out.tokenOffset(t); i < out.tokenOffset(t + 1); i++) {
        sum += out.gate(i);
      }
      assertThat(sum).isCloseTo(out.isUnrouted(t) ? 0 : 1, within(1e-12));
    }
  }

  @Property(tries = 60, seed = SEED)
  void uniformRoutingHasTheDocumentedLosses(@ForAll @IntRange(min = 2, max = 12) int experts) {
    // Token t prefers expert t: every expert gets equally many choices and equal probability.
    double[] logits = new double[experts * experts];
    for (int t = 0; t < experts; t++) {
      logits[t * experts + t] = 2;
      logits[t * experts + (t + 1) % experts] = 1;
    }
    assertThat(loss(new SwitchRouter(SwitchRouter.Config.DEFAULT), logits, experts))
        .isCloseTo(0.01, within(1e-12));
    assertThat(loss(new QwenMoeRouter(new QwenMoeRouter.Config(2, false)), logits, experts))
        .isCloseTo(1, within(1e-12));
    ExpertAssignments gshard =
        Batches.route(
            new GShardRouter(GShardRouter.Config.DEFAULT),
            new RouterInput().logits(logits, experts, experts));
    assertThat(gshard.signals().value(MoeSignals.AUXILIARY_LOSS_SCALED))
        .isCloseTo(1, within(1e-12));
    ExpertAssignments deepSeek =
        Batches.route(
            new DeepSeekMoeRouter(new DeepSeekMoeRouter.Config(2, 1, 1, 1)),
            new RouterInput().logits(logits, experts, experts));
    assertThat(deepSeek.signals().value(MoeSignals.EXPERT_BALANCE_LOSS))
        .isCloseTo(1, within(1e-12));
  }

  private static double loss(ExpertRouter<?> router, double[] logits, int experts) {
    return Batches.route(router, new RouterInput().logits(logits, experts, experts))
        .signals()
        .value(MoeSignals.AUXILIARY_LOSS);
  }
}
