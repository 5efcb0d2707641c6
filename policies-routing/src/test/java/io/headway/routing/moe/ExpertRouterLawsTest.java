package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/**
 * Laws that every router obeys, and those that a router claims by its traits, over random shapes,
 * logits with and without ties, and settings that drop much, little or nothing.
 */
class ExpertRouterLawsTest {
  private static final String SEED = "20261122";

  /** Every registered router in several settings; shapes must allow 2 devices or groups. */
  private static final List<String> SPECS =
      List.of(
          "switch",
          "switch:slots=2",
          "switch:slots=0",
          "switch:dropless=true",
          "switch:slots=2,order=priority-max",
          "switch-no-token-left-behind:slots=2",
          "gshard-top2:slots=3",
          "gshard-top2",
          "glam:slots=2",
          "gshard-top2-mesh-tf:slots=3",
          "gshard-top2-mesh-tf:secondPolicy=all,slots=2",
          "gshard-top2-mesh-tf:secondPolicy=none",
          "gshard-top2-mesh-tf:secondPolicy=threshold,threshold=0.3",
          "deepspeed-top2:slots=2",
          "deepspeed-topk:slots=2",
          "deepspeed-topk:slots=2,dropPolicy=position",
          "expert-choice",
          "expert-choice:slots=2",
          "expert-choice:axis=tokens",
          "expert-choice-capped:tokenCap=8,lambda=0.1,slots=1",
          "expert-choice-capped:tokenCap=8,solver=exact,slots=1",
          "vmoe:slots=2",
          "vmoe:priority=none,slots=2",
          "vmoe:priority=sum,capacityFactor=0.5",
          "vmoe:skipFraction=0.3,slots=3",
          "deepseek-moe:topK=2,devices=2",
          "deepseek-v2:topK=2,devices=2,maxDevices=1",
          "deepseek-v2:topK=2,devices=2,maxDevices=2,deviceBudgetFactor=0.8",
          "deepseek-v3:topK=2,groups=2,maxGroups=1",
          "deepseek-v3:topK=2,groups=1,maxGroups=1",
          "qwen-moe:topK=2",
          "qwen-moe:topK=2,normTopkProb=true",
          "hunyuan-recycle",
          "hunyuan-recycle:slots=1",
          "expert-race",
          "expert-race:mode=threshold",
          "base:padToDivisible=true",
          "base:mode=exact,padToDivisible=true",
          "base:mode=greedy",
          "sinkhorn",
          "sinkhorn:topK=2",
          "sinkhorn:mode=inference,topK=2",
          "hash-random",
          "top-k",
          "top-k:dropless=false,slots=2,gates=kept",
          "top-k:dropless=false,slots=2,order=priority-sum,gates=none",
          "top-k:tieBreak=rotating",
          "tutel",
          "tutel:capacityFactor=-1,batchPrioritized=true",
          "tutel:capacityFactor=1,alignment=2");

  @Provide
  Arbitrary<String> specs() {
    return Arbitraries.of(SPECS);
  }

  private static Arbitrary<String> claiming(RouterTrait trait) {
    return Arbitraries.of(
        SPECS.stream().filter(spec -> router(spec).traits().contains(trait)).toList());
  }

  @Provide
  Arbitrary<String> rowShiftInvariant() {
    return claiming(RouterTrait.ROW_SHIFT_INVARIANT);
  }

  @Provide
  Arbitrary<String> permutationEquivariant() {
    return claiming(RouterTrait.PERMUTATION_EQUIVARIANT);
  }

  @Provide
  Arbitrary<String> batchInvariant() {
    return claiming(RouterTrait.BATCH_INVARIANT);
  }

  /** The claim is made for a fixed capacity, so only settings with one are tried. */
  @Provide
  Arbitrary<String> prefixStable() {
    return claiming(RouterTrait.PREFIX_STABLE).filter(spec -> !spec.equals("switch"));
  }

  @Provide
  Arbitrary<String> exactlyBalanced() {
    return Arbitraries.oneOf(
        claiming(RouterTrait.EXACT_BALANCE), Arbitraries.of("base", "base:mode=exact"));
  }

  static ExpertRouter<?> router(String spec) {
    PolicySpec parsed = PolicySpec.parse(spec);
    for (PolicyProvider provider : new ExpertRouters().providers()) {
      if (provider.id().equals(parsed.name())) {
        return (ExpertRouter<?>) provider.create(parsed);
      }
    }
    throw new AssertionError("no router for " + spec);
  }

  @Test
  void everyRegisteredRouterIsTestedHere() {
    Set<String> tested = new HashSet<>();
    SPECS.forEach(spec -> tested.add(PolicySpec.parse(spec).name()));
    assertThat(new ExpertRouters().providers())
        .extracting(PolicyProvider::id)
        .containsExactlyInAnyOrderElementsOf(tested);
    for (String spec : SPECS) {
      assertThat(router(spec).id()).isEqualTo(PolicySpec.parse(spec).name());
    }
  }

  private static double[] logits(boolean ties, long seed, int tokens, int experts) {
    return ties ? Batches.coarse(seed, tokens, experts) : Batches.logits(seed, tokens, experts);
  }

  private static RouterInput input(double[] logits, int tokens, int experts, long seed) {
    RouterInput input = new RouterInput().logits(logits, tokens, experts);
    long[] ids = new long[tokens];
    for (int t = 0; t < tokens; t++) {
      ids[t] = Double.doubleToLongBits(logits[t * experts]);
    }
    return input.tokenIds(ids).random(RandomSource.seeded(seed));
  }

  @Property(tries = 3000, seed = SEED)
  void conservesPairsAndRespectsSlots(
      @ForAll("specs") String spec,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 24) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    int experts = 2 * half;
    ExpertRouter<?> router = router(spec);
    ExpertAssignments out =
        Batches.route(router, input(logits(ties, seed, tokens, experts), tokens, experts, seed));
    assertThat(out.tokens()).isEqualTo(tokens);
    Set<Long> seen = new HashSet<>();
    Set<Long> choices = new HashSet<>();
    int[] load = new int[experts];
    for (int i = 0; i < out.pairCount(); i++) {
      assertThat(i).isBetween(out.tokenOffset(out.token(i)), out.tokenOffset(out.token(i) + 1) - 1);
      assertThat(seen.add((long) out.token(i) * experts + out.expert(i)))
          .as("token %s at most once at expert %s", out.token(i), out.expert(i))
          .isTrue();
      if (out.rank(i) != ExpertAssignments.NO_RANK
          && !(router instanceof NoTokenLeftBehindRouter)) {
        assertThat(choices.add((long) out.token(i) * 64 + out.rank(i))).isTrue();
      }
      load[out.expert(i)]++;
      if (!router.traits().contains(RouterTrait.RAW_GATES)) {
        assertThat(out.gate(i)).isNotNegative();
      }
    }
    for (int i = 0; i < out.dropCount(); i++) {
      assertThat(choices.add((long) out.dropToken(i) * 64 + out.dropRank(i)))
          .as(
              "choice %s of token %s is assigned or dropped once",
              out.dropRank(i), out.dropToken(i))
          .isTrue();
    }
    if (router.traits().contains(RouterTrait.DROPLESS)) {
      assertThat(out.dropCount()).isZero();
    }
    for (int e = 0; e < experts; e++) {
      assertThat(out.load(e)).isEqualTo(load[e]);
    }
    checkSlots(router, out, load);
    checkChoiceCount(router, out, choices.size(), tokens, experts);
  }

  private static void checkSlots(ExpertRouter<?> router, ExpertAssignments out, int[] load) {
    out.indexByExpert();
    for (int e = 0; e < out.experts(); e++) {
      assertThat(out.expertOffset(e + 1) - out.expertOffset(e)).isEqualTo(load[e]);
      int last = -1;
      for (int i = out.expertOffset(e); i < out.expertOffset(e + 1); i++) {
        int pair = out.pairByExpert(i);
        assertThat(out.expert(pair)).isEqualTo(e);
        int slot = out.slot(pair);
        if (slot == ExpertAssignments.NO_SLOT) {
          assertThat(out.token(pair)).isGreaterThan(last);
          last = out.token(pair);
        } else {
          assertThat(slot).isGreaterThan(last).isLessThan(out.capacitySlots());
          if (!router.traits().contains(RouterTrait.SLOT_GAPS)
              && !(router instanceof MeshTensorFlowTop2Router)) {
            assertThat(slot).isEqualTo(last + 1);
          }
          last = slot;
        }
      }
    }
  }

  /** Token-choice routers account for every (token, rank); others for none. */
  private static void checkChoiceCount(
      ExpertRouter<?> router, ExpertAssignments out, int choices, int tokens, int experts) {
    boolean tokensChoose =
        !router.traits().contains(RouterTrait.VARIABLE_EXPERTS_PER_TOKEN)
            && !(router instanceof NoTokenLeftBehindRouter);
    if (tokensChoose) {
      int k =
          tokens == 0
              ? 0
              : (int)
                  IntStream.range(0, out.pairCount() + out.dropCount())
                      .map(
                          i ->
                              i < out.pairCount()
                                  ? out.token(i)
                                  : out.dropToken(i - out.pairCount()))
                      .filter(t -> t == 0)
                      .count();
      assertThat(choices).isEqualTo(k * tokens);
    } else if (router instanceof NoTokenLeftBehindRouter) {
      assertThat(out.pairCount() + out.dropCount()).isEqualTo(tokens);
    } else {
      assertThat(out.dropCount()).isZero();
    }
    assertThat(out.unroutedCount())
        .isEqualTo(
            (int)
                IntStream.range(0, tokens)
                    .filter(t -> out.tokenOffset(t) == out.tokenOffset(t + 1))
                    .count());
  }

  @Property(tries = 1500, seed = SEED)
  void isDeterministicAndIndependentOfTheReusedResult(
      @ForAll("specs") String spec,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    int experts = 2 * half;
    double[] logits = logits(ties, seed, tokens, experts);
    ExpertRouter<?> router = router(spec);
    String fresh = Batches.show(Batches.route(router, input(logits, tokens, experts, seed)));
    ExpertAssignments reused = new ExpertAssignments();
    routeTwice(router, logits(!ties, ~seed, 17, experts), 17, experts, reused);
    assertThat(Batches.show(routeAgain(router, input(logits, tokens, experts, seed), reused)))
        .isEqualTo(fresh);
  }

  private static <S> void routeTwice(
      ExpertRouter<S> router, double[] logits, int tokens, int experts, ExpertAssignments out) {
    router.route(input(logits, tokens, experts, 1), router.newState(), out);
    router.route(input(logits, tokens, experts, 2), router.newState(), out);
    out.indexByExpert();
  }

  private static <S> ExpertAssignments routeAgain(
      ExpertRouter<S> router, RouterInput input, ExpertAssignments out) {
    router.route(input, router.newState(), out);
    return out;
  }

  @Property(tries = 1500, seed = SEED)
  void shiftingARowChangesNothingWhereClaimed(
      @ForAll("rowShiftInvariant") String spec,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 16) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half,
      @ForAll @IntRange(min = -40, max = 40) int shift) {
    ExpertRouter<?> router = router(spec);
    int experts = 2 * half;
    double[] logits = Batches.logits(seed, tokens, experts);
    double[] shifted = logits.clone();
    for (int i = 0; i < shifted.length; i++) {
      shifted[i] += shift * (i / experts % 3);
    }
    ExpertAssignments before = Batches.route(router, input(logits, tokens, experts, seed));
    ExpertAssignments after = Batches.route(router, input(shifted, tokens, experts, seed));
    assertThat(pairs(after)).isEqualTo(pairs(before));
    for (int i = 0; i < before.pairCount(); i++) {
      assertThat(after.gate(i)).isCloseTo(before.gate(i), within(1e-9));
    }
  }

  private static List<List<Integer>> pairs(ExpertAssignments out) {
    List<List<Integer>> pairs = new ArrayList<>();
    for (int i = 0; i < out.pairCount(); i++) {
      pairs.add(List.of(out.token(i), out.rank(i), out.expert(i)));
    }
    return pairs;
  }

  @Property(tries = 1500, seed = SEED)
  void permutingTokensPermutesTheResultWhereClaimed(
      @ForAll("permutationEquivariant") String spec,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 16) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    ExpertRouter<?> router = router(spec);
    int experts = 2 * half;
    double[] logits = Batches.logits(seed, tokens, experts);
    int[] to = new int[tokens];
    RandomSource random = RandomSource.seeded(seed ^ 5);
    for (int t = 0; t < tokens; t++) {
      int j = random.nextInt(t + 1);
      to[t] = to[j];
      to[j] = t;
    }
    double[] permuted = new double[logits.length];
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(logits, t * experts, permuted, to[t] * experts, experts);
    }
    // Rotating ties look at the token index; distinct scores leave no ties to rotate.
    ExpertAssignments before = Batches.route(router, input(logits, tokens, experts, seed));
    ExpertAssignments after = Batches.route(router, input(permuted, tokens, experts, seed));
    Map<List<Integer>, Double> expected = new HashMap<>();
    for (int i = 0; i < before.pairCount(); i++) {
      expected.put(List.of(to[before.token(i)], before.rank(i), before.expert(i)), before.gate(i));
    }
    Map<List<Integer>, Double> actual = new HashMap<>();
    for (int i = 0; i < after.pairCount(); i++) {
      actual.put(List.of(after.token(i), after.rank(i), after.expert(i)), after.gate(i));
    }
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    actual.forEach((pair, gate) -> assertThat(gate).isCloseTo(expected.get(pair), within(1e-12)));
  }

  @Property(tries = 1500, seed = SEED)
  void aTokensExpertsDoNotDependOnItsNeighboursWhereClaimed(
      @ForAll("batchInvariant") String spec,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(min = 2, max = 16) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    ExpertRouter<?> router = router(spec);
    int experts = 2 * half;
    double[] logits = logits(ties, seed, tokens, experts);
    double[] others = logits(!ties, ~seed, tokens, experts);
    int kept = tokens / 2;
    System.arraycopy(logits, 0, others, 0, kept * experts);
    ExpertAssignments one = Batches.route(router, input(logits, tokens, experts, seed));
    ExpertAssignments two = Batches.route(router, input(others, tokens, experts, seed));
    assertThat(two.tokenOffset(kept)).isEqualTo(one.tokenOffset(kept));
    for (int i = 0; i < one.tokenOffset(kept); i++) {
      assertThat(two.expert(i)).isEqualTo(one.expert(i));
      assertThat(two.gate(i)).isEqualTo(one.gate(i));
    }
  }

  @Property(tries = 1500, seed = SEED)
  void appendingTokensChangesNoEarlierDecisionWhereClaimed(
      @ForAll("prefixStable") String spec,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 16) int tokens,
      @ForAll @IntRange(min = 1, max = 8) int more,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    ExpertRouter<?> router = router(spec);
    int experts = 2 * half;
    double[] longer = logits(ties, seed, tokens + more, experts);
    ExpertAssignments all = Batches.route(router, input(longer, tokens + more, experts, seed));
    double[] prefix = Arrays.copyOf(longer, tokens * experts);
    ExpertAssignments some = Batches.route(router, input(prefix, tokens, experts, seed));
    assertThat(all.tokenOffset(tokens)).isEqualTo(some.pairCount());
    for (int i = 0; i < some.pairCount(); i++) {
      assertThat(all.token(i)).isEqualTo(some.token(i));
      assertThat(all.expert(i)).isEqualTo(some.expert(i));
      assertThat(all.gate(i)).isEqualTo(some.gate(i));
      assertThat(all.slot(i)).isEqualTo(some.slot(i));
    }
  }

  @Provide
  Arbitrary<String> slotRouters() {
    return Arbitraries.of(
        "switch:slots=%d",
        "switch:order=priority-max,slots=%d",
        "gshard-top2:slots=%d",
        "glam:slots=%d",
        "deepspeed-top2:slots=%d",
        "deepspeed-topk:slots=%d",
        "deepspeed-topk:dropPolicy=position,slots=%d",
        "expert-choice:slots=%d",
        "expert-choice:axis=tokens,slots=%d",
        "vmoe:slots=%d",
        "vmoe:priority=none,slots=%d",
        "vmoe:skipFraction=0.3,slots=%d",
        "top-k:dropless=false,order=priority-sum,slots=%d");
  }

  @Property(tries = 1500, seed = SEED)
  void aLargerCapacityKeepsWhatASmallerOneKept(
      @ForAll("slotRouters") String template,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half,
      @ForAll @IntRange(max = 6) int slots,
      @ForAll @IntRange(min = 1, max = 6) int more) {
    int experts = 2 * half;
    double[] logits = logits(ties, seed, tokens, experts);
    ExpertRouter<?> small = router(template.formatted(slots));
    assertThat(small.traits()).contains(RouterTrait.CAPACITY_MONOTONE);
    ExpertAssignments few = Batches.route(small, input(logits, tokens, experts, seed));
    ExpertAssignments many =
        Batches.route(
            router(template.formatted(slots + more)), input(logits, tokens, experts, seed));
    assertThat(pairs(many)).containsAll(pairs(few));
  }

  @Property(tries = 1000, seed = SEED)
  void expertsAreEquallyBusyWhereClaimed(
      @ForAll("exactlyBalanced") String spec,
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 4) int share,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    ExpertRouter<?> router = router(spec);
    int experts = 2 * half;
    int tokens = share * experts;
    ExpertAssignments out =
        Batches.route(router, input(logits(ties, seed, tokens, experts), tokens, experts, seed));
    for (int e = 0; e < experts; e++) {
      assertThat(out.load(e)).isEqualTo(out.load(0));
    }
  }

  @Property(tries = 600, seed = SEED)
  void lossesDoNotDependOnCapacity(
      @ForAll("slotRouters") String template,
      @ForAll long seed,
      @ForAll @IntRange(max = 12) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    int experts = 2 * half;
    double[] logits = Batches.logits(seed, tokens, experts);
    ExpertAssignments none =
        Batches.route(router(template.formatted(0)), input(logits, tokens, experts, seed));
    ExpertAssignments all =
        Batches.route(router(template.formatted(99)), input(logits, tokens, experts, seed));
    for (var loss :
        List.of(
            MoeSignals.AUXILIARY_LOSS,
            MoeSignals.AUXILIARY_LOSS_RAW,
            MoeSignals.Z_LOSS,
            MoeSignals.IMPORTANCE_LOSS)) {
      assertThat(none.signals().has(loss)).isEqualTo(all.signals().has(loss));
      if (none.signals().has(loss)) {
        assertThat(none.signals().value(loss)).isEqualTo(all.signals().value(loss));
      }
    }
  }

  /**
   * Draws belong to token positions, capacity factors to the padded group and rotating ties to
   * token indices, so these see padding by design.
   */
  @Provide
  Arbitrary<String> blindToPadding() {
    return Arbitraries.of(SPECS)
        .filter(
            spec ->
                spec.contains("slots=")
                    || router(spec).traits().contains(RouterTrait.BATCH_INVARIANT))
        .filter(spec -> !spec.contains("rotating") && !spec.contains("hash"));
  }

  @Property(tries = 800, seed = SEED)
  void paddingIsAsIfItWereNotThere(
      @ForAll("blindToPadding") String spec,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 14) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    int experts = 2 * half;
    double[] logits = Batches.logits(seed, tokens, experts);
    boolean[] padding = new boolean[tokens];
    List<Integer> real = new ArrayList<>();
    for (int t = 0; t < tokens; t++) {
      padding[t] = (seed >>> t & 1) == 1;
      if (!padding[t]) {
        real.add(t);
      }
    }
    double[] packed = new double[real.size() * experts];
    for (int i = 0; i < real.size(); i++) {
      System.arraycopy(logits, real.get(i) * experts, packed, i * experts, experts);
    }
    ExpertRouter<?> router = router(spec);
    ExpertAssignments with =
        Batches.route(router, new RouterInput().logits(logits, tokens, experts).padding(padding));
    ExpertAssignments without =
        Batches.route(router, new RouterInput().logits(packed, real.size(), experts));
    List<List<Integer>> expected = new ArrayList<>();
    for (List<Integer> pair : pairs(without)) {
      expected.add(List.of(real.get(pair.get(0)), pair.get(1), pair.get(2)));
    }
    assertThat(pairs(with)).isEqualTo(expected);
    assertThat(with.unroutedCount()).isEqualTo(without.unroutedCount());
    for (int i = 0; i < with.pairCount(); i++) {
      assertThat(with.gate(i)).isEqualTo(without.gate(i));
      assertThat(with.slot(i)).isEqualTo(without.slot(i));
    }
  }

  @Property(tries = 800, seed = SEED)
  void singlePrecisionLogitsRouteAsTheirExactDoubles(
      @ForAll("specs") String spec,
      @ForAll long seed,
      @ForAll @IntRange(max = 14) int tokens,
      @ForAll @IntRange(min = 2, max = 4) int half) {
    int experts = 2 * half;
    double[] logits = Batches.logits(seed, tokens, experts);
    float[] single = new float[3 + tokens * (experts + 2)];
    for (int i = 0; i < logits.length; i++) {
      float value = (float) logits[i];
      logits[i] = value;
      single[3 + i / experts * (experts + 2) + i % experts] = value;
    }
    ExpertRouter<?> router = router(spec);
    RouterInput doubles = input(logits, tokens, experts, seed);
    RouterInput floats =
        new RouterInput()
            .logits(single, 3, experts + 2, tokens, experts)
            .tokenIds(doubles.tokenIds())
            .random(RandomSource.seeded(seed));
    assertThat(Batches.show(Batches.route(router, floats)))
        .isEqualTo(Batches.show(Batches.route(router, doubles)));
  }

  @Test
  void expertChoiceIsNotCausalAndTopKIs() {
    // Adding a token evicts an earlier one from an expert that chooses, never from a token's own.
    double[] two = {2, 0, 1, 0};
    double[] three = {2, 0, 1, 0, 3, 0};
    ExpertRouter<?> choosing = router("expert-choice:slots=1");
    assertThat(Batches.route(choosing, new RouterInput().logits(two, 2, 2)).isUnrouted(0))
        .isFalse();
    assertThat(Batches.route(choosing, new RouterInput().logits(three, 3, 2)).isUnrouted(0))
        .isTrue();
    assertThat(choosing.traits())
        .doesNotContain(RouterTrait.PREFIX_STABLE, RouterTrait.BATCH_INVARIANT);
  }

  @Test
  void unlimitedCapacityIsReportedAsSuch() {
    for (String spec :
        List.of("switch:dropless=true", "top-k", "qwen-moe:topK=2", "vmoe:dropless=true")) {
      assertThat(Batches.route(router(spec), Batches.a()).capacitySlots())
          .isEqualTo(CapacityRule.UNLIMITED_SLOTS);
    }
  }
}
