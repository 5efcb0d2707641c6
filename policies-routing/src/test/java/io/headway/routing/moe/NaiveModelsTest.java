package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.RouterInput;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/**
 * Routers against straightforward models of the published rules: boxed, sorted, unoptimised, with
 * the exponential of the standard library.
 */
class NaiveModelsTest {
  private static final String SEED = "20261122";

  /** One decision as a model writes it; slot -2 stands for a drop. */
  private record Choice(int token, int rank, int expert, int slot, double gate) {}

  private static final int DROPPED = -2;

  private static double[][] softmax(double[] logits, int tokens, int experts) {
    double[][] p = new double[tokens][experts];
    for (int t = 0; t < tokens; t++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int e = 0; e < experts; e++) {
        max = Math.max(max, logits[t * experts + e]);
      }
      double sum = 0;
      for (int e = 0; e < experts; e++) {
        p[t][e] = StrictMath.exp(logits[t * experts + e] - max);
        sum += p[t][e];
      }
      for (int e = 0; e < experts; e++) {
        p[t][e] /= sum;
      }
    }
    return p;
  }

  private static List<Integer> ranked(double[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(i -> -scores[i]).thenComparing(i -> i))
        .toList();
  }

  private static double[] logits(boolean ties, long seed, int tokens, int experts) {
    return ties ? Batches.coarse(seed, tokens, experts) : Batches.logits(seed, tokens, experts);
  }

  private static void agree(ExpertAssignments out, List<Choice> expected) {
    Map<List<Integer>, Choice> byPair = new TreeMap<>(Comparator.comparing(List::toString));
    for (Choice choice : expected) {
      byPair.put(List.of(choice.token, choice.rank, choice.expert), choice);
    }
    assertThat(out.pairCount() + out.dropCount()).isEqualTo(byPair.size());
    for (int i = 0; i < out.pairCount(); i++) {
      Choice choice = byPair.get(List.of(out.token(i), out.rank(i), out.expert(i)));
      assertThat(choice).as("pair t%s e%s", out.token(i), out.expert(i)).isNotNull();
      assertThat(out.slot(i)).isEqualTo(choice.slot);
      assertThat(out.gate(i)).isCloseTo(choice.gate, within(1e-12));
    }
    for (int i = 0; i < out.dropCount(); i++) {
      assertThat(byPair.get(List.of(out.dropToken(i), out.dropRank(i), out.dropExpert(i))).slot)
          .isEqualTo(DROPPED);
    }
  }

  /** Choice-major filling; {@code order} lists tokens, {@code divide} gates by their sum. */
  private static List<Choice> topK(
      double[][] p, List<Integer> order, int k, int capacity, boolean divide) {
    Map<Integer, Integer> used = new HashMap<>();
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < k; i++) {
      for (int t : order) {
        List<Integer> best = ranked(p[t]);
        int e = best.get(i);
        double sum = 0;
        for (int j = 0; j < k; j++) {
          sum += p[t][best.get(j)];
        }
        double gate = divide ? p[t][e] / sum : p[t][e];
        int slot = used.getOrDefault(e, 0);
        if (slot < capacity) {
          used.put(e, slot + 1);
          choices.add(new Choice(t, i, e, slot, gate));
        } else {
          choices.add(new Choice(t, i, e, DROPPED, gate));
        }
      }
    }
    return choices;
  }

  @Property(tries = 600, seed = SEED)
  void topKFillsChoiceMajor(
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 40) int tokens,
      @ForAll @IntRange(min = 1, max = 20) int experts,
      @ForAll @IntRange(min = 1, max = 6) int wanted,
      @ForAll @IntRange(max = 9) int capacity,
      @ForAll FillOrder order) {
    int k = Math.min(wanted, experts);
    double[] logits = logits(ties, seed, tokens, experts);
    double[][] p = softmax(logits, tokens, experts);
    List<Integer> tokensInOrder = IntStream.range(0, tokens).boxed().toList();
    if (order != FillOrder.TOKEN) {
      // The router's own probabilities decide, for equal ones must tie in both.
      ExpertAssignments all =
          Batches.route(
              new TopKRouter(config(k, CapacityRule.unlimited(), FillOrder.TOKEN)),
              new RouterInput().logits(logits, tokens, experts));
      double[] priority = new double[tokens];
      for (int t = 0; t < tokens; t++) {
        priority[t] = all.gate(t * k);
        for (int i = 1; i < k && order == FillOrder.PRIORITY_SUM; i++) {
          priority[t] += all.gate(t * k + i);
        }
        if (order == FillOrder.PRIORITY_SUM && k == experts) {
          priority[t] = 1; // All of the probability, however its parts round.
        }
      }
      tokensInOrder = ranked(priority);
    }
    ExpertAssignments out =
        Batches.route(
            new TopKRouter(config(k, CapacityRule.fixed(capacity), order)),
            new RouterInput().logits(logits, tokens, experts));
    agree(out, topK(p, tokensInOrder, k, capacity, false));
  }

  private static TopKRouter.Config config(int k, CapacityRule capacity, FillOrder order) {
    return new TopKRouter.Config(
        k, capacity, order, GateNormalisation.NONE, 1, TieBreak.LOWEST_EXPERT);
  }

  @Property(tries = 400, seed = SEED)
  void switchIsTopOne(
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 60) int tokens,
      @ForAll @IntRange(min = 1, max = 12) int experts) {
    double[] logits = logits(ties, seed, tokens, experts);
    int capacity = Math.max(1, (int) Math.ceil(1.25 * tokens / experts - 1e-12));
    ExpertAssignments out =
        Batches.route(
            new SwitchRouter(SwitchRouter.Config.DEFAULT),
            new RouterInput().logits(logits, tokens, experts));
    assertThat(out.capacitySlots()).isEqualTo(capacity);
    agree(
        out,
        topK(
            softmax(logits, tokens, experts),
            IntStream.range(0, tokens).boxed().toList(),
            1,
            capacity,
            false));
  }

  @Property(tries = 400, seed = SEED)
  void glamIsTopTwoWithGatesOverBothAndGaps(
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 40) int tokens,
      @ForAll @IntRange(min = 2, max = 12) int experts,
      @ForAll @IntRange(max = 9) int capacity) {
    double[] logits = logits(ties, seed, tokens, experts);
    double[][] p = softmax(logits, tokens, experts);
    List<Choice> choices = new ArrayList<>();
    int[] position = new int[experts];
    for (int i = 0; i < 2; i++) {
      for (int t = 0; t < tokens; t++) {
        List<Integer> best = ranked(p[t]);
        int e = best.get(i);
        double gate = p[t][e] / (p[t][best.get(0)] + p[t][best.get(1)]);
        int slot = position[e]++;
        choices.add(new Choice(t, i, e, slot < capacity ? slot : DROPPED, gate));
      }
    }
    agree(
        Batches.route(
            GShardRouter.glam(new GShardRouter.Config(CapacityRule.fixed(capacity), 1)),
            new RouterInput().logits(logits, tokens, experts)),
        choices);
  }

  @Property(tries = 400, seed = SEED)
  void expertChoiceTakesTheBestOfEachColumn(
      @ForAll long seed,
      @ForAll @IntRange(max = 60) int tokens,
      @ForAll @IntRange(min = 1, max = 12) int experts,
      @ForAll @IntRange(max = 20) int wanted) {
    double[] logits = Batches.logits(seed, tokens, experts);
    double[][] p = softmax(logits, tokens, experts);
    int k = Math.min(wanted, tokens);
    List<Choice> choices = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      int column = e;
      List<Integer> best =
          ranked(IntStream.range(0, tokens).mapToDouble(t -> p[t][column]).toArray());
      for (int slot = 0; slot < k; slot++) {
        int t = best.get(slot);
        choices.add(new Choice(t, -1, e, slot, p[t][e]));
      }
    }
    agree(
        Batches.route(
            new ExpertChoiceRouter(
                new ExpertChoiceRouter.Config(
                    CapacityRule.fixed(wanted), ExpertChoiceRouter.SoftmaxAxis.EXPERTS)),
            new RouterInput().logits(logits, tokens, experts)),
        choices);
  }

  @Property(tries = 400, seed = SEED)
  void deepSeekV3ChoosesGroupsThenExpertsByBiasedAffinity(
      @ForAll long seed,
      @ForAll @IntRange(max = 20) int tokens,
      @ForAll @IntRange(min = 1, max = 4) int groups,
      @ForAll @IntRange(min = 1, max = 4) int perGroup,
      @ForAll @IntRange(min = 1, max = 4) int maxGroups,
      @ForAll @IntRange(min = 1, max = 6) int wanted) {
    int experts = groups * perGroup;
    int limit = Math.min(maxGroups, groups);
    int k = Math.min(wanted, limit * perGroup);
    double[] logits = Batches.logits(seed, tokens, experts);
    double[] bias = Batches.logits(~seed, 1, experts);
    DeepSeekV3Router router =
        new DeepSeekV3Router(new DeepSeekV3Router.Config(k, groups, maxGroups, 2.5, 0.0001));
    DeepSeekV3Router.Bias state = router.newState();
    state.set(bias);
    ExpertAssignments out = new ExpertAssignments();
    router.route(new RouterInput().logits(logits, tokens, experts), state, out);
    List<Choice> choices = new ArrayList<>();
    for (int t = 0; t < tokens; t++) {
      double[] s = new double[experts];
      double[] biased = new double[experts];
      for (int e = 0; e < experts; e++) {
        s[e] = 1 / (1 + StrictMath.exp(-logits[t * experts + e]));
        biased[e] = s[e] + bias[e];
      }
      double[] groupScore = new double[groups];
      for (int g = 0; g < groups; g++) {
        groupScore[g] =
            IntStream.range(g * perGroup, (g + 1) * perGroup)
                .mapToObj(e -> biased[e])
                .sorted(Comparator.reverseOrder())
                .limit(Math.max(1, k / maxGroups))
                .mapToDouble(v -> v)
                .sum();
      }
      List<Integer> kept = ranked(groupScore).subList(0, limit);
      List<Integer> chosen =
          ranked(biased).stream().filter(e -> kept.contains(e / perGroup)).limit(k).toList();
      double sum = chosen.stream().mapToDouble(e -> s[e]).sum();
      for (int i = 0; i < k; i++) {
        int e = chosen.get(i);
        choices.add(new Choice(t, i, e, ExpertAssignments.NO_SLOT, s[e] / sum * 2.5));
      }
    }
    agree(out, choices);
  }

  @Property(tries = 300, seed = SEED)
  void baseExactIsTheBestOfAllBalancedAssignments(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 3) int experts) {
    int k = experts == 3 ? 2 : 3;
    int tokens = experts * k;
    double[] scores = Batches.logits(seed, tokens, experts);
    ExpertAssignments exact = base(BaseRouter.Mode.EXACT, scores, tokens, experts);
    double best = best(scores, tokens, experts, 0, new int[experts], k);
    assertThat(exact.signals().value(MoeSignals.TOTAL_SCORE)).isCloseTo(best, within(1e-9));
    // The auction promises the best total up to one increment per token.
    ExpertAssignments auction = base(BaseRouter.Mode.AUCTION, scores, tokens, experts);
    double increment =
        auction.signals().has(MoeSignals.BID_INCREMENT)
            ? auction.signals().value(MoeSignals.BID_INCREMENT)
            : 0;
    if (auction.signals().value(MoeSignals.ROUNDS) < 100) {
      assertThat(auction.signals().value(MoeSignals.TOTAL_SCORE))
          .isGreaterThanOrEqualTo(best - tokens * increment - 1e-9);
    }
  }

  private static ExpertAssignments base(
      BaseRouter.Mode mode, double[] scores, int tokens, int experts) {
    return Batches.route(
        new BaseRouter(new BaseRouter.Config(mode, false)),
        new RouterInput().logits(scores, tokens, experts));
  }

  private static double best(
      double[] scores, int tokens, int experts, int token, int[] used, int k) {
    if (token == tokens) {
      return 0;
    }
    double best = Double.NEGATIVE_INFINITY;
    for (int e = 0; e < experts; e++) {
      if (used[e] < k) {
        used[e]++;
        best =
            Math.max(
                best,
                scores[token * experts + e] + best(scores, tokens, experts, token + 1, used, k));
        used[e]--;
      }
    }
    return best;
  }

  @Property(tries = 200, seed = SEED)
  void exactCappedChoiceIsTheBestAndKeepsTheCap(@ForAll long seed) {
    int tokens = 5;
    int experts = 3;
    int k = 2;
    int cap = 2;
    double[] logits = Batches.logits(seed, tokens, experts);
    double[][] p = softmax(logits, tokens, experts);
    ExpertAssignments out =
        Batches.route(
            new CappedExpertChoiceRouter(
                new CappedExpertChoiceRouter.Config(
                    CapacityRule.fixed(k),
                    cap,
                    CappedExpertChoiceRouter.Solver.EXACT,
                    0.001,
                    100,
                    true)),
            new RouterInput().logits(logits, tokens, experts));
    double best = Double.NEGATIVE_INFINITY;
    for (int mask = 0; mask < 1 << tokens * experts; mask++) {
      if (Integer.bitCount(mask) == k * experts) {
        best = Math.max(best, value(mask, p, tokens, experts, k, cap));
      }
    }
    assertThat(out.signals().value(MoeSignals.AFFINITY_SUM)).isCloseTo(best, within(1e-9));
    assertThat(out.signals().value(MoeSignals.CAP_VIOLATIONS)).isZero();
  }

  private static double value(int mask, double[][] p, int tokens, int experts, int k, int cap) {
    double sum = 0;
    for (int e = 0; e < experts; e++) {
      if (Integer.bitCount(mask >>> e * tokens & (1 << tokens) - 1) != k) {
        return Double.NEGATIVE_INFINITY;
      }
    }
    for (int t = 0; t < tokens; t++) {
      int count = 0;
      for (int e = 0; e < experts; e++) {
        if ((mask >>> e * tokens + t & 1) == 1) {
          count++;
          sum += p[t][e];
        }
      }
      if (count > cap) {
        return Double.NEGATIVE_INFINITY;
      }
    }
    return sum;
  }

  @Property(tries = 400, seed = SEED)
  void expertRaceTakesTheBestPairsOfAll(
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 30) int tokens,
      @ForAll @IntRange(min = 1, max = 10) int experts,
      @ForAll @IntRange(max = 90) int pairs) {
    double[] logits = logits(ties, seed, tokens, experts);
    ExpertAssignments out =
        Batches.route(
            new ExpertRaceRouter(
                new ExpertRaceRouter.Config(
                    ExpertRaceRouter.Mode.BATCH,
                    ExpertRaceRouter.Grouping.NONE,
                    0,
                    pairs,
                    0,
                    0.95,
                    0)),
            new RouterInput().logits(logits, tokens, experts));
    List<Choice> choices = new ArrayList<>();
    List<Integer> best = ranked(logits);
    for (int i : best.subList(0, Math.min(pairs, logits.length))) {
      choices.add(new Choice(i / experts, -1, i % experts, -1, logits[i]));
    }
    agree(out, choices);
  }

  @Property(tries = 300, seed = SEED)
  void deviceBudgetDropsTheWeakestUnprotectedPairs(
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 24) int tokens,
      @ForAll @IntRange(max = 12) int budget) {
    int experts = 8;
    int devices = 4;
    double[] logits = logits(ties, seed, tokens, experts);
    boolean[] kept = new boolean[tokens];
    for (int t = 0; t < tokens; t++) {
      kept[t] = (seed >>> t & 3) == 0;
    }
    DeepSeekV2Router free = v2(devices, DeviceBudget.UNLIMITED);
    ExpertAssignments all = Batches.route(free, new RouterInput().logits(logits, tokens, experts));
    ExpertAssignments out =
        Batches.route(
            v2(devices, DeviceBudget.pairs(budget)),
            new RouterInput().logits(logits, tokens, experts).protectedTokens(kept));
    for (int d = 0; d < devices; d++) {
      int before = 0;
      int guarded = 0;
      List<Double> weights = new ArrayList<>();
      for (int i = 0; i < all.pairCount(); i++) {
        if (all.expert(i) / 2 == d) {
          before++;
          if (kept[all.token(i)]) {
            guarded++;
          } else {
            weights.add(all.gate(i));
          }
        }
      }
      weights.sort(Comparator.naturalOrder());
      int dropped = Math.max(0, Math.min(weights.size(), before - budget));
      List<Double> left = new ArrayList<>();
      for (int i = 0; i < out.pairCount(); i++) {
        if (out.expert(i) / 2 == d && !kept[out.token(i)]) {
          left.add(out.gate(i));
        }
      }
      left.sort(Comparator.naturalOrder());
      assertThat(left).isEqualTo(weights.subList(dropped, weights.size()));
      assertThat(left.size() + guarded).isLessThanOrEqualTo(Math.max(budget, guarded));
    }
  }

  @Property(tries = 300, seed = SEED)
  void deepSeekV2ReportsTheLossesOfItsChoicesPerSequence(
      @ForAll boolean ties,
      @ForAll long seed,
      @ForAll @IntRange(max = 3) int power,
      @ForAll @IntRange(min = 1, max = 9) int maxDevices,
      @ForAll @IntRange(min = 1, max = 6) int first,
      @ForAll @IntRange(min = 1, max = 6) int second) {
    int experts = 8;
    int devices = 1 << power;
    int perDevice = experts / devices;
    int k = Math.min(3, Math.min(maxDevices, devices) * perDevice);
    int tokens = first + second;
    double[] logits = logits(ties, seed, tokens, experts);
    double[][] p = softmax(logits, tokens, experts);
    DeepSeekV2Router router =
        new DeepSeekV2Router(
            new DeepSeekV2Router.Config(
                k, devices, maxDevices, 1, 0.003, 0.05, 0.02, DeviceBudget.pairs(1), 0));
    ExpertAssignments out =
        Batches.route(
            router,
            new RouterInput()
                .logits(logits, tokens, experts)
                .sequenceLengths(new int[] {first, second}));
    for (int s = 0; s < 2; s++) {
      int from = s * first;
      int to = s == 0 ? first : tokens;
      int length = to - from;
      double[] f = new double[experts];
      double[] mean = new double[experts];
      double[] communication = new double[devices];
      for (int t = from; t < to; t++) {
        double[] best = new double[devices];
        for (int e = 0; e < experts; e++) {
          best[e / perDevice] = Math.max(best[e / perDevice], p[t][e]);
          mean[e] += p[t][e] / length;
        }
        List<Integer> allowed = ranked(best).stream().limit(maxDevices).toList();
        List<Integer> chosen =
            ranked(p[t]).stream().filter(e -> allowed.contains(e / perDevice)).limit(k).toList();
        chosen.forEach(e -> f[e] += (double) experts / (k * length));
        chosen.stream()
            .map(e -> e / perDevice)
            .distinct()
            .forEach(d -> communication[d] += (double) devices / (maxDevices * length));
      }
      double expertLoss = 0;
      double deviceLoss = 0;
      double communicationLoss = 0;
      for (int d = 0; d < devices; d++) {
        double share = 0;
        double weight = 0;
        for (int e = d * perDevice; e < (d + 1) * perDevice; e++) {
          share += f[e] / perDevice;
          weight += mean[e];
          expertLoss += 0.003 * f[e] * mean[e];
        }
        deviceLoss += 0.05 * share * weight;
        communicationLoss += 0.02 * communication[d] * weight;
      }
      assertThat(out.signals().value(MoeSignals.EXPERT_BALANCE_LOSS, 0, s))
          .isCloseTo(expertLoss, within(1e-12));
      assertThat(out.signals().value(MoeSignals.DEVICE_BALANCE_LOSS, 0, s))
          .isCloseTo(deviceLoss, within(1e-12));
      assertThat(out.signals().value(MoeSignals.COMMUNICATION_BALANCE_LOSS, 0, s))
          .isCloseTo(communicationLoss, within(1e-12));
    }
  }

  private static DeepSeekV2Router v2(int devices, DeviceBudget budget) {
    return new DeepSeekV2Router(new DeepSeekV2Router.Config(3, devices, 2, 1, 0, 0, 0, budget, 0));
  }
}
