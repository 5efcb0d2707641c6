package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DropReason;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.LoadBalance;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.SignalLevel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What the papers promise of single algorithms, with the exact conditions. */
class PublishedLawsTest {
  private static final String SEED = "20261122";
  private static final int TRIES = 300;

  private static RouterInput input(long seed, int tokens, int experts) {
    return new RouterInput().logits(Batches.logits(seed, tokens, experts), tokens, experts);
  }

  private static ExpertAssignments switchWith(RouterInput input, int capacity, FillOrder order) {
    return Batches.route(
        new SwitchRouter(new SwitchRouter.Config(CapacityRule.fixed(capacity), order, 0.01)),
        input);
  }

  @Property(tries = TRIES, seed = SEED)
  void switchDropsExactlyTheExcessOfEachExpertInAnyOrder(
      @ForAll long seed, @ForAll @IntRange(max = 40) int tokens, @ForAll @IntRange(max = 9) int c) {
    ExpertAssignments all = switchWith(input(seed, tokens, 5), tokens, FillOrder.TOKEN);
    int excess = IntStream.range(0, 5).map(e -> Math.max(0, all.load(e) - c)).sum();
    assertThat(switchWith(input(seed, tokens, 5), c, FillOrder.TOKEN).dropCount())
        .isEqualTo(excess);
    assertThat(switchWith(input(seed, tokens, 5), c, FillOrder.PRIORITY_MAX).dropCount())
        .isEqualTo(excess);
  }

  @Test
  void switchLossIsItsCoefficientForUniformRoutingAndCanBeLess() {
    double[] uniform = {1, 0, 0, 1};
    assertThat(loss(new RouterInput().logits(uniform, 2, 2))).isCloseTo(0.01, within(1e-15));
    // Shares and probabilities can be anti-correlated: six tokens barely for expert 0, four
    // strongly for expert 1.
    double[] logits = new double[20];
    for (int t = 0; t < 10; t++) {
      double p = t < 6 ? 0.51 : 0.01;
      logits[2 * t] = Math.log(p);
      logits[2 * t + 1] = Math.log(1 - p);
    }
    assertThat(loss(new RouterInput().logits(logits, 10, 2))).isCloseTo(0.00924, within(1e-9));
  }

  private static double loss(RouterInput input) {
    return switchWith(input, 9, FillOrder.TOKEN).signals().value(MoeSignals.AUXILIARY_LOSS);
  }

  @Property(tries = TRIES, seed = SEED)
  void deterministicGShardKeepsThePairsOfVanillaTopTwo(
      @ForAll long seed, @ForAll @IntRange(max = 40) int tokens, @ForAll @IntRange(max = 9) int c) {
    ExpertAssignments gshard =
        Batches.route(
            new GShardRouter(new GShardRouter.Config(CapacityRule.fixed(c), 1)),
            input(seed, tokens, 5));
    ExpertAssignments vanilla =
        Batches.route(
            new VMoeRouter(
                new VMoeRouter.Config(2, CapacityRule.fixed(c), VMoeRouter.Priority.NONE, 0, 0)),
            input(seed, tokens, 5));
    assertThat(gshard.pairCount()).isEqualTo(vanilla.pairCount());
    for (int i = 0; i < gshard.pairCount(); i++) {
      assertThat(gshard.token(i)).isEqualTo(vanilla.token(i));
      assertThat(gshard.expert(i)).isEqualTo(vanilla.expert(i));
    }
  }

  @Property(tries = TRIES, seed = SEED)
  void gshardGatesSumToOneIffBothChoicesAreKept(
      @ForAll long seed, @ForAll @IntRange(max = 30) int tokens, @ForAll @IntRange(max = 9) int c) {
    ExpertAssignments out =
        Batches.route(
            new GShardRouter(new GShardRouter.Config(CapacityRule.fixed(c), 1)),
            input(seed, tokens, 5).random(RandomSource.seeded(seed)));
    for (int t = 0; t < tokens; t++) {
      double sum = 0;
      for (int i = out.tokenOffset(t); i < out.tokenOffset(t + 1); i++) {
        sum += out.gate(i);
      }
      int kept = out.tokenOffset(t + 1) - out.tokenOffset(t);
      assertThat(kept).isLessThanOrEqualTo(2);
      if (kept == 2) {
        assertThat(sum).isCloseTo(1, within(1e-12));
      } else {
        assertThat(sum).isLessThan(1);
      }
    }
    assertThat(out.signals().value(MoeSignals.AUXILIARY_LOSS_RAW)).isBetween(0.0, 1.0 / 5);
  }

  @Property(tries = TRIES, seed = SEED)
  void firstChoicesOfGShardDoNotDependOnTheDraws(
      @ForAll long seed, @ForAll @IntRange(max = 30) int tokens) {
    GShardRouter router = new GShardRouter(new GShardRouter.Config(CapacityRule.fixed(3), 1));
    ExpertAssignments one =
        Batches.route(router, input(seed, tokens, 5).random(RandomSource.seeded(1)));
    ExpertAssignments two =
        Batches.route(router, input(seed, tokens, 5).random(RandomSource.seeded(2)));
    assertThat(firstChoices(one)).isEqualTo(firstChoices(two));
  }

  private static List<Integer> firstChoices(ExpertAssignments out) {
    List<Integer> kept = new ArrayList<>();
    for (int i = 0; i < out.pairCount(); i++) {
      if (out.rank(i) == 0) {
        kept.add(out.token(i) * 100 + out.slot(i));
      }
    }
    return kept;
  }

  @Property(tries = TRIES, seed = SEED)
  void prioritisedTokensLoseTheirFirstChoiceOnlyToMoreImportantOnes(
      @ForAll long seed, @ForAll @IntRange(max = 30) int tokens, @ForAll @IntRange(max = 5) int c) {
    ExpertAssignments out =
        Batches.route(
            new VMoeRouter(
                new VMoeRouter.Config(2, CapacityRule.fixed(c), VMoeRouter.Priority.MAX, 0, 0)),
            input(seed, tokens, 5));
    for (int d = 0; d < out.dropCount(); d++) {
      if (out.dropRank(d) == 0) {
        double lost = out.signals().value(MoeSignals.PRIORITY_SCORE, 0, out.dropToken(d));
        for (int i = 0; i < out.pairCount(); i++) {
          if (out.rank(i) == 0 && out.expert(i) == out.dropExpert(d)) {
            assertThat(out.signals().value(MoeSignals.PRIORITY_SCORE, 0, out.token(i)))
                .isGreaterThanOrEqualTo(lost);
          }
        }
      }
    }
  }

  @Property(tries = TRIES, seed = SEED)
  void budgetsBoundThePairsOfEverySequence(
      @ForAll long seed,
      @ForAll @IntRange(max = 12) int first,
      @ForAll @IntRange(max = 12) int second,
      @ForAll @IntRange(max = 20) int budget,
      @ForAll @IntRange(max = 6) int c) {
    int tokens = first + second;
    VMoeRouter router =
        new VMoeRouter(
            new VMoeRouter.Config(2, CapacityRule.fixed(c), VMoeRouter.Priority.MAX, 0, 0));
    ExpertAssignments out =
        Batches.route(
            router,
            input(seed, tokens, 5)
                .sequenceLengths(new int[] {first, second})
                .pairBudgets(new int[] {budget, 1000}));
    int spent = out.tokenOffset(first);
    assertThat(spent).isLessThanOrEqualTo(budget);
    for (int d = 0; d < out.dropCount(); d++) {
      if (out.dropReason(d) == DropReason.PRIORITY) {
        assertThat(out.dropToken(d)).isLessThan(first);
        assertThat(spent).isEqualTo(budget);
      }
    }
    if (budget >= 2 * first) {
      ExpertAssignments free = Batches.route(router, input(seed, tokens, 5));
      assertThat(out.pairCount()).isEqualTo(free.pairCount());
    }
  }

  @Property(tries = TRIES, seed = SEED)
  void deepSeekMoeLossesObeyTheirIdentities(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 20) int tokens,
      @ForAll @IntRange(min = 1, max = 8) int k) {
    ExpertAssignments one = deepSeekMoe(seed, tokens, k, 1);
    assertThat(one.signals().value(MoeSignals.DEVICE_BALANCE_LOSS)).isCloseTo(1, within(1e-12));
    ExpertAssignments each = deepSeekMoe(seed, tokens, k, 8);
    assertThat(each.signals().value(MoeSignals.DEVICE_BALANCE_LOSS))
        .isCloseTo(each.signals().value(MoeSignals.EXPERT_BALANCE_LOSS), within(1e-12));
    double mean = 0;
    for (int e = 0; e < 8; e++) {
      mean += each.signals().value(MoeSignals.CHOICE_SHARE, 0, e) / 8;
    }
    assertThat(mean).isCloseTo(1, within(1e-12));
  }

  private static ExpertAssignments deepSeekMoe(long seed, int tokens, int k, int devices) {
    return Batches.route(
        new DeepSeekMoeRouter(new DeepSeekMoeRouter.Config(k, devices, 1, 1)),
        input(seed, tokens, 8));
  }

  @Property(tries = TRIES, seed = SEED)
  void deviceLimitedRoutingKeepsTheBestExpertAndFewDevices(
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(min = 1, max = 4) int limit,
      @ForAll @IntRange(min = 1, max = 4) int wanted) {
    int k = Math.min(wanted, 2 * limit);
    ExpertAssignments out = v2(seed, tokens, k, limit);
    ExpertAssignments free = v2(seed, tokens, k, 4);
    double share = 0;
    for (int t = 0; t < tokens; t++) {
      Set<Integer> devices = new HashSet<>();
      double sum = 0;
      double most = 0;
      for (int i = out.tokenOffset(t); i < out.tokenOffset(t + 1); i++) {
        devices.add(out.expert(i) / 2);
        sum += out.gate(i);
        most += free.gate(i);
      }
      assertThat(devices).hasSizeLessThanOrEqualTo(Math.min(limit, k));
      assertThat(out.expert(out.tokenOffset(t))).isEqualTo(free.expert(free.tokenOffset(t)));
      assertThat(sum).isLessThanOrEqualTo(most + 1e-12);
    }
    for (int d = 0; d < 4; d++) {
      share += out.signals().value(MoeSignals.DEVICE_TOKEN_SHARE, 0, d);
    }
    assertThat(share).isLessThanOrEqualTo(4 + 1e-9);
  }

  private static ExpertAssignments v2(long seed, int tokens, int k, int limit) {
    return Batches.route(
        new DeepSeekV2Router(
            new DeepSeekV2Router.Config(
                k, 4, limit, 1, 0.003, 0.05, 0.02, DeviceBudget.UNLIMITED, 0)),
        input(seed, tokens, 8));
  }

  @Test
  void protectedSequencesAreDrawnOncePerSequence() {
    DeepSeekV2Router router =
        new DeepSeekV2Router(
            new DeepSeekV2Router.Config(2, 2, 2, 1, 0, 0, 0, DeviceBudget.pairs(0), 0.5));
    int total = 0;
    for (int seed = 0; seed < 10; seed++) {
      ExpertAssignments out =
          Batches.route(
              router,
              input(seed, 12, 4)
                  .sequenceLengths(new int[] {3, 3, 3, 3})
                  .random(RandomSource.seeded(seed)));
      RandomSource same = RandomSource.seeded(seed);
      for (int s = 0; s < 4; s++) {
        boolean drawn = same.nextDouble() < 0.5;
        assertThat(out.tokenOffset(3 * s + 3) - out.tokenOffset(3 * s)).isEqualTo(drawn ? 6 : 0);
        total += drawn ? 1 : 0;
      }
    }
    assertThat(total).isBetween(10, 30);
  }

  private static ExpertAssignments v3(DeepSeekV3Router.Bias bias, long seed, int tokens) {
    ExpertAssignments out = new ExpertAssignments();
    new DeepSeekV3Router(new DeepSeekV3Router.Config(4, 4, 2, 2.5, 0.0001))
        .route(input(seed, tokens, 16), bias, out);
    return out;
  }

  private static DeepSeekV3Router.Bias bias(double... values) {
    DeepSeekV3Router.Bias bias = new DeepSeekV3Router(DeepSeekV3Router.Config.DEFAULT).newState();
    bias.set(values);
    return bias;
  }

  @Property(tries = TRIES, seed = SEED)
  void biasSelectsButNeverEntersTheGate(
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(max = 15) int raised) {
    double[] b = Batches.logits(~seed, 1, 16);
    ExpertAssignments out = v3(bias(b), seed, tokens);
    double[] lifted = IntStream.range(0, 16).mapToDouble(e -> b[e] + 0.5).toArray();
    ExpertAssignments shifted = v3(bias(lifted), seed, tokens);
    double[] more = b.clone();
    more[raised] += 0.25;
    ExpertAssignments favoured = v3(bias(more), seed, tokens);
    for (int t = 0; t < tokens; t++) {
      double sum = 0;
      Set<Integer> groups = new HashSet<>();
      for (int i = out.tokenOffset(t); i < out.tokenOffset(t + 1); i++) {
        sum += out.gate(i);
        groups.add(out.expert(i) / 4);
        assertThat(shifted.expert(i)).isEqualTo(out.expert(i));
        assertThat(shifted.gate(i)).isEqualTo(out.gate(i));
      }
      assertThat(sum).isCloseTo(2.5, within(1e-11));
      assertThat(groups).hasSizeLessThanOrEqualTo(2);
      assertThat(takes(favoured, t, raised) || !takes(out, t, raised)).isTrue();
    }
  }

  private static boolean takes(ExpertAssignments out, int token, int expert) {
    return IntStream.range(out.tokenOffset(token), out.tokenOffset(token + 1))
        .anyMatch(i -> out.expert(i) == expert);
  }

  @Test
  void biasUpdatesBalanceAPopularitySkew() {
    // E = 64, K = 6, 2,048 tokens a step, popularity skew 0.5: MaxVio falls below 0.2.
    DeepSeekV3Router router =
        new DeepSeekV3Router(new DeepSeekV3Router.Config(6, 1, 1, 2.5, 0.0001));
    DeepSeekV3Router.Bias bias = router.newState();
    ExpertAssignments out = new ExpertAssignments();
    Random normal = new Random(42);
    double[] skew = IntStream.range(0, 64).mapToDouble(e -> normal.nextGaussian() * 0.5).toArray();
    float[] logits = new float[2048 * 64];
    double first = 0;
    double last = 0;
    int steps = 160;
    for (int step = 0; step < steps; step++) {
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) (normal.nextGaussian() + skew[i % 64]);
      }
      router.route(new RouterInput().logits(logits, 2048, 64), bias, out);
      last = LoadBalance.of(out.loads(), 64).maxViolation();
      first = step == 0 ? last : first;
      bias.update(out.loads(), 64, DeepSeekV3Router.Bias.DEFAULT_GAMMA);
    }
    assertThat(first).isGreaterThan(1);
    assertThat(last).isLessThan(0.3);
    for (int e = 0; e < 64; e++) {
      assertThat(Math.abs(bias.of(e)))
          .isLessThanOrEqualTo(steps * DeepSeekV3Router.Bias.DEFAULT_GAMMA + 1e-12);
    }
  }

  @Property(tries = TRIES, seed = SEED)
  void globalBalanceOfEqualMicroBatchesIsThatOfTheirConcatenation(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int parts,
      @ForAll @IntRange(min = 1, max = 8) int size) {
    double[] all = Batches.logits(seed, parts * size, 6);
    QwenMoeRouter router = new QwenMoeRouter(new QwenMoeRouter.Config(2, false));
    GlobalBatchBalance balance = new GlobalBatchBalance(6, 2);
    List<ExpertAssignments> routed = new ArrayList<>();
    for (int p = 0; p < parts; p++) {
      double[] part = Arrays.copyOfRange(all, p * size * 6, (p + 1) * size * 6);
      routed.add(Batches.route(router, new RouterInput().logits(part, size, 6)));
      balance.add(routed.get(p));
    }
    double mean = routed.stream().mapToDouble(balance::loss).average().orElseThrow();
    double whole =
        Batches.route(router, new RouterInput().logits(all, parts * size, 6))
            .signals()
            .value(MoeSignals.AUXILIARY_LOSS);
    assertThat(mean).isCloseTo(whole, within(1e-12));
    assertThat(IntStream.range(0, 6).mapToDouble(balance::share).sum()).isCloseTo(1, within(1e-12));
  }

  @Property(tries = TRIES, seed = SEED)
  void recyclingLosesNobodyWhileThereAreSlots(
      @ForAll long seed,
      @ForAll @IntRange(max = 30) int tokens,
      @ForAll @IntRange(max = 10) int c) {
    RecycleRouter router = new RecycleRouter(new RecycleRouter.Config(CapacityRule.fixed(c)));
    ExpertAssignments out =
        Batches.route(router, input(seed, tokens, 5).random(RandomSource.seeded(seed)));
    assertThat(out.unroutedCount()).isEqualTo(Math.max(0, tokens - 5 * c));
    ExpertAssignments plain = switchWith(input(seed, tokens, 5), c, FillOrder.TOKEN);
    int kept = 0;
    for (int i = 0; i < out.pairCount(); i++) {
      if (out.rank(i) == 0) {
        assertThat(takes(plain, out.token(i), out.expert(i))).isTrue();
        kept++;
      }
    }
    assertThat(kept).isEqualTo(plain.pairCount());
    ExpertAssignments other =
        Batches.route(router, input(seed, tokens, 5).random(RandomSource.seeded(~seed)));
    assertThat(other.pairCount()).isEqualTo(out.pairCount());
  }

  @Test
  void recyclingNeverSendsATokenToAnExpertItMasks() {
    double minus = Double.NEGATIVE_INFINITY;
    double[] logits = {3, 0, 3, minus, 3, 1};
    ExpertAssignments out =
        Batches.route(
            new RecycleRouter(new RecycleRouter.Config(CapacityRule.fixed(2))),
            new RouterInput().logits(logits, 3, 2).permutation(new int[] {0, 1}));
    assertThat(takes(out, 2, 1)).isTrue();
    double[] masked = {3, 0, 3, 0, 3, minus};
    ExpertAssignments refused =
        Batches.route(
            new RecycleRouter(new RecycleRouter.Config(CapacityRule.fixed(2))),
            new RouterInput().logits(masked, 3, 2));
    assertThat(refused.isUnrouted(2)).isTrue();
    assertThat(refused.dropReason(0)).isEqualTo(DropReason.CAPACITY);
  }

  @Property(tries = TRIES, seed = SEED)
  void aHigherRaceThresholdSelectsASubset(
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(max = 30) int at) {
    ExpertAssignments low = race(seed, tokens, at / 10.0 - 1.5);
    ExpertAssignments high = race(seed, tokens, at / 10.0 - 1);
    for (int i = 0; i < high.pairCount(); i++) {
      assertThat(takes(low, high.token(i), high.expert(i))).isTrue();
    }
  }

  private static ExpertAssignments race(long seed, int tokens, double tau) {
    ExpertRaceRouter router =
        new ExpertRaceRouter(
            new ExpertRaceRouter.Config(
                ExpertRaceRouter.Mode.THRESHOLD,
                ExpertRaceRouter.Grouping.NONE,
                2,
                -1,
                2,
                0.95,
                0));
    ExpertRaceRouter.Threshold state = router.newState();
    state.set(tau);
    ExpertAssignments out = new ExpertAssignments();
    router.route(input(seed, tokens, 6), state, out);
    return out;
  }

  @Test
  void theRaceThresholdStaysWithinWhatItHasSeen() {
    ExpertRaceRouter router = new ExpertRaceRouter(ExpertRaceRouter.Config.DEFAULT);
    ExpertRaceRouter.Threshold state = router.newState();
    assertThat(state.isCold()).isTrue();
    ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.ALL);
    double least = 0;
    double most = 0;
    for (int step = 0; step < 50; step++) {
      router.route(input(step, 16, 6), state, out);
      least = Math.min(least, out.signals().value(MoeSignals.SELECTION_THRESHOLD));
      most = Math.max(most, out.signals().value(MoeSignals.SELECTION_THRESHOLD));
      assertThat(state.tau()).isBetween(least, most);
      assertThat(state.isCold()).isFalse();
      assertThat(out.pairCount()).isEqualTo(32);
    }
  }

  @Property(tries = TRIES, seed = SEED)
  void sinkhornPlansHaveNearlyUniformMarginals(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 20) int tokens) {
    ExpertAssignments out =
        Batches.route(new SinkhornRouter(SinkhornRouter.Config.DEFAULT), input(seed, tokens, 6));
    for (int e = 0; e < 6; e++) {
      assertThat(out.signals().value(MoeSignals.PLAN_COLUMN_SUMS, 0, e))
          .isCloseTo(1.0 / 6, within(1e-4));
    }
    for (int t = 0; t < tokens; t++) {
      double row = 0;
      for (int e = 0; e < 6; e++) {
        row += out.signals().value(MoeSignals.PLAN, t, e);
      }
      assertThat(row).isCloseTo(1.0 / tokens, within(1e-2 / tokens));
    }
  }

  @Test
  void sinkhornDoesNotOverflow() {
    double[] logits = {900, -900, 800, 850};
    ExpertAssignments out =
        Batches.route(
            new SinkhornRouter(SinkhornRouter.Config.DEFAULT),
            new RouterInput().logits(logits, 2, 2));
    assertThat(out.expert(0)).isZero();
    assertThat(out.expert(1)).isEqualTo(1);
  }

  @Property(tries = TRIES, seed = SEED)
  void balancedHashTablesDifferByAtMostTheLargestFrequency(
      @ForAll long seed,
      @ForAll @IntRange(max = 60) int words,
      @ForAll @IntRange(min = 1, max = 9) int experts) {
    RandomSource random = RandomSource.seeded(seed);
    long[] frequencies = new long[words];
    long largest = 0;
    for (int v = 0; v < words; v++) {
      frequencies[v] = random.nextInt(100);
      largest = Math.max(largest, frequencies[v]);
    }
    HashRouter router = HashRouter.balanced(frequencies, experts);
    long[] load = new long[experts];
    for (int v = 0; v < words; v++) {
      load[router.expert(v, experts)] += frequencies[v];
    }
    long most = IntStream.range(0, experts).mapToLong(e -> load[e]).max().orElseThrow();
    long least = IntStream.range(0, experts).mapToLong(e -> load[e]).min().orElseThrow();
    assertThat(most - least).isLessThanOrEqualTo(largest);
  }

  @Property(tries = TRIES, seed = SEED)
  void tutelCapacityBehavesAsItsFactorSays(
      @ForAll @IntRange(min = 1, max = 200) int tokens,
      @ForAll @IntRange(min = 1, max = 20) int experts,
      @ForAll @IntRange(min = 1, max = 4) int k,
      @ForAll @IntRange(min = 1, max = 60) int tenths,
      @ForAll @IntRange(max = 200) int extra) {
    int demand = Math.min(tokens, (k * tokens + experts - 1) / experts + extra);
    int dropless = new TutelCapacity(0, 1).slots(tokens, experts, k, demand);
    assertThat(dropless).isEqualTo(demand);
    int limited = new TutelCapacity(-tenths / 10.0, 1).slots(tokens, experts, k, demand);
    assertThat(limited).isLessThanOrEqualTo(dropless);
    for (int sign : new int[] {1, -1}) {
      int less = new TutelCapacity(sign * tenths / 10.0, 1).slots(tokens, experts, k, demand);
      int more = new TutelCapacity(sign * (tenths + 1) / 10.0, 1).slots(tokens, experts, k, demand);
      assertThat(more).isGreaterThanOrEqualTo(less);
    }
  }

  @Test
  void rotatingTiesSpreadTokensWhoseLogitsAreAllAlike() {
    double[] alike = new double[8 * 4];
    TopKRouter.Config lowest = TopKRouter.Config.DEFAULT;
    assertThat(LoadBalance.of(topK(lowest.tieBreak(), alike).loads(), 4).maxOverMean())
        .isEqualTo(2);
    assertThat(LoadBalance.of(topK(TieBreak.ROTATING, alike).loads(), 4).maxOverMean())
        .isEqualTo(1);
  }

  private static ExpertAssignments topK(TieBreak ties, double[] logits) {
    return Batches.route(
        new TopKRouter(
            new TopKRouter.Config(
                2, CapacityRule.unlimited(), FillOrder.TOKEN, GateNormalisation.CHOSEN, 1, ties)),
        new RouterInput().logits(logits, 8, 4));
  }

  @Test
  void headroomCuresNoiseNotPopularity() {
    // 4,096 tokens, 64 experts: without skew a factor of 1.25 drops almost nothing, with skew 0.5
    // even 2.0 drops plenty.
    Random normal = new Random(7);
    for (double skew : new double[] {0, 0.5}) {
      double[] popularity =
          IntStream.range(0, 64).mapToDouble(e -> normal.nextGaussian() * skew).toArray();
      double[] logits =
          IntStream.range(0, 4096 * 64)
              .mapToDouble(i -> normal.nextGaussian() + popularity[i % 64])
              .toArray();
      ExpertAssignments out =
          Batches.route(
              new SwitchRouter(
                  new SwitchRouter.Config(
                      CapacityRule.factor(skew == 0 ? 1.25 : 2.0), FillOrder.TOKEN, 0.01)),
              new RouterInput().logits(logits, 4096, 64));
      double dropped =
          LoadBalance.droppedFraction(out.pairCount(), out.pairCount() + out.dropCount());
      if (skew == 0) {
        assertThat(dropped).isLessThan(0.01);
      } else {
        assertThat(dropped).isGreaterThan(0.05);
      }
    }
  }
}
