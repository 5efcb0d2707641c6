package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DeviceMap;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.RoutingSignals;
import io.headway.api.moe.Signal;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Sends each token to its {@code K} best routed experts on at most {@code M} devices and, if a
 * device budget is set, drops the weakest pairs of overloaded devices.
 *
 * <p>Affinities are the softmax over the routed experts, which lie on devices in equal consecutive
 * blocks. A device scores its largest affinity; the {@code M} best devices are kept (ties to the
 * lower device), then the {@code K} best experts on them. The gate is the affinity times {@code
 * routeScale}, undivided. With {@code M >= D} this is plain top-K.
 *
 * <p>Budget: while a device has more pairs than allowed, the pair with the lowest affinity is
 * dropped (ties: higher token, then higher expert, first), except those of protected tokens.
 * Without {@link RouterInput#protectedTokens}, {@code protectedFraction} of the sequences are
 * protected by one draw each from {@link RouterInput#random}, none without a source.
 *
 * <p>Losses per sequence, before dropping: expert and device level as {@link DeepSeekMoeRouter};
 * communication {@code a3 sum_d f''_d P''_d} with {@code f''_d = D / (M T) * (tokens with an expert
 * on d)} and the summed mean affinity {@code P''} of the device.
 *
 * <p>Cost: O(tokens x experts), and a sort of the pairs of every device over budget.
 * Batch-invariant without a budget. Safe for any number of threads.
 *
 * <p>DeepSeek-AI: DeepSeek-V2, 2024 (arXiv 2405.04434), Sections 2.2.1 to 2.2.4; 160 routed
 * experts, 6 active, D = 8, M = 3, scale 16. Departures: the rounding of the budget, the pair as
 * unit of dropping and its tie-break, which the report leaves open.
 */
public final class DeepSeekV2Router implements ExpertRouter<Stateless> {
  /** Active routed experts. */
  public static final int DEFAULT_TOP_K = 6;

  /** Devices that share the routed experts. */
  public static final int DEFAULT_DEVICES = 8;

  /** Devices a token may use. */
  public static final int DEFAULT_MAX_DEVICES = 3;

  /** Factor on the gates of the 236B model. */
  public static final double DEFAULT_ROUTE_SCALE = 16;

  /** Weight of the expert-level loss. */
  public static final double DEFAULT_EXPERT_COEFFICIENT = 0.003;

  /** Weight of the device-level loss. */
  public static final double DEFAULT_DEVICE_COEFFICIENT = 0.05;

  /** Weight of the communication loss. */
  public static final double DEFAULT_COMMUNICATION_COEFFICIENT = 0.02;

  private static final int DEVICE_SCORE = TokenChoice.OWN;
  private static final int BEST_SCORE = TokenChoice.OWN + 1;
  private static final int NEGATED = TokenChoice.OWN + 2;
  private static final int BEST_DEVICE = TokenChoice.OWN;
  private static final int TOKEN_DEVICE = TokenChoice.OWN + 1;
  private static final int PAIRS = TokenChoice.OWN + 2;
  private static final int DROP_ORDER = TokenChoice.OWN + 3;
  private static final int PROTECTED = 1;
  private static final double MASKED = -1;
  private static final double ELSEWHERE = -2;

  /**
   * Settings.
   *
   * @param topK active routed experts per token, at least 1; 6 by default
   * @param devices devices, a divisor of the number of routed experts; 8 by default
   * @param maxDevices devices a token may use, at least 1; 3 by default
   * @param routeScale factor on the gates, above 0; 16 by default
   * @param expertCoefficient weight of the expert-level loss, at least 0; 0.003 by default
   * @param deviceCoefficient weight of the device-level loss, at least 0; 0.05 by default
   * @param communicationCoefficient weight of the communication loss, at least 0; 0.02 by default
   * @param budget pairs per device; none by default, a factor of 1.0 in published training
   * @param protectedFraction share of sequences to protect by draw, from 0 to 1; 0 by default,
   *     about 0.1 in published training
   */
  public record Config(
      int topK,
      int devices,
      int maxDevices,
      double routeScale,
      double expertCoefficient,
      double deviceCoefficient,
      double communicationCoefficient,
      DeviceBudget budget,
      double protectedFraction) {
    /** The settings of the 236B model in serving. */
    public static final Config DEFAULT =
        new Config(
            DEFAULT_TOP_K,
            DEFAULT_DEVICES,
            DEFAULT_MAX_DEVICES,
            DEFAULT_ROUTE_SCALE,
            DEFAULT_EXPERT_COEFFICIENT,
            DEFAULT_DEVICE_COEFFICIENT,
            DEFAULT_COMMUNICATION_COEFFICIENT,
            DeviceBudget.UNLIMITED,
            0);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
      Checks.atLeast("devices", 1, devices, "device");
      Checks.atLeast("maxDevices", 1, maxDevices, "device");
      Checks.positive("routeScale", routeScale);
      Checks.coefficient("expertCoefficient", expertCoefficient);
      Checks.coefficient("deviceCoefficient", deviceCoefficient);
      Checks.coefficient("communicationCoefficient", communicationCoefficient);
      requireNonNull(budget, "budget");
      Checks.fraction("protectedFraction", protectedFraction);
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public DeepSeekV2Router(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "deepseek-v2";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return config.budget().kind() == DeviceBudget.Kind.NONE
        ? Traits.ofTokenChoice(CapacityRule.unlimited(), FillOrder.TOKEN, config.topK())
        : Traits.of(RouterTrait.ROW_SHIFT_INVARIANT, RouterTrait.CAPACITY_MONOTONE);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int devices = config.devices();
    int k = config.topK();
    int limit = Math.min(config.maxDevices(), devices);
    if (experts % devices != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          "experts must be a multiple of devices = " + devices + ", but was " + experts);
    }
    int perDevice = experts / devices;
    TokenChoice.requireTopK("topK", k, 1, limit * perDevice);
    int entries = Math.multiplyExact(tokens, k);
    int[] expert = work.ints(TokenChoice.EXPERT, entries);
    int[] slot = work.ints(TokenChoice.SLOT, entries);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, entries);
    int[] tokenDevice = work.ints(TOKEN_DEVICE, Math.multiplyExact(tokens, limit));
    choose(input, work, limit, expert, probability, tokenDevice);
    out.begin(input, CapacityRule.UNLIMITED_SLOTS, 1);
    boolean all = out.signalLevel() == SignalLevel.ALL;
    int[] pairs = work.ints(PAIRS, devices);
    countPairs(expert, slot, false, entries, perDevice, devices, pairs);
    if (all) {
      reportCounts(out, MoeSignals.PAIRS_PER_DEVICE, pairs, devices);
    }
    Arrays.fill(slot, 0, entries, ExpertAssignments.NO_SLOT);
    int budget = config.budget().pairs(k, input.realTokens(), devices);
    if (budget >= 0) {
      int dropped =
          dropWeakest(input, work, budget, perDevice, expert, probability, pairs, slot, entries);
      if (all) {
        out.signals().add(MoeSignals.DEVICE_BUDGET, budget);
        countPairs(expert, slot, true, entries, perDevice, devices, pairs);
        reportCounts(out, MoeSignals.KEPT_PAIRS_PER_DEVICE, pairs, devices);
        reportDropOrder(out, work, dropped, k, expert);
      }
    }
    out.reserve(entries, budget >= 0 ? entries : 0);
    TokenChoice.write(
        out, tokens, k, expert, slot, probability, GateNormalisation.NONE, config.routeScale());
    out.end();
    if (out.signalLevel() != SignalLevel.NONE) {
      DeviceMap map = DeviceMap.contiguous(experts, devices);
      SequenceLosses.report(
          input, out, expert, k, map, config.expertCoefficient(), config.deviceCoefficient());
      reportCommunication(input, out, expert, map);
    }
    if (all) {
      double[] rows = out.signals().add(MoeSignals.TOKEN_DEVICES, tokens, limit);
      for (int i = 0; i < tokens * limit; i++) {
        rows[i] = tokenDevice[i];
      }
    }
  }

  private void choose(
      RouterInput in,
      Workspace work,
      int limit,
      int[] expert,
      double[] probability,
      int[] tokenDevice) {
    int experts = in.experts();
    int devices = config.devices();
    int perDevice = experts / devices;
    int k = config.topK();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] score = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] deviceScore = work.doubles(DEVICE_SCORE, devices);
    double[] bestScore = work.doubles(BEST_SCORE, limit);
    int[] bestDevice = work.ints(BEST_DEVICE, limit);
    for (int t = 0; t < in.tokens(); t++) {
      int at = t * k;
      if (in.isPadding(t)) {
        Arrays.fill(expert, at, at + k, TokenChoice.NONE);
        Arrays.fill(tokenDevice, t * limit, (t + 1) * limit, -1);
        continue;
      }
      int best = in.loadRow(t, row);
      double sum = Exponentials.of(row, 1, row[best], score, scale, experts);
      for (int d = 0; d < devices; d++) {
        double max = ELSEWHERE;
        for (int e = d * perDevice; e < (d + 1) * perDevice; e++) {
          // Masked experts come after those whose affinity underflowed to 0.
          if (score[e] == 0 && row[e] == Double.NEGATIVE_INFINITY) {
            score[e] = MASKED;
          }
          if (score[e] > max) {
            max = score[e];
          }
        }
        deviceScore[d] = max;
      }
      Selection.addBest(deviceScore, 0, devices, limit, 0, bestDevice, bestScore, 0);
      Arrays.sort(bestDevice, 0, limit);
      int size = 0;
      for (int i = 0; i < limit; i++) {
        int d = bestDevice[i];
        tokenDevice[t * limit + i] = d;
        size =
            Selection.addBest(
                score, d * perDevice, (d + 1) * perDevice, k, size, expert, probability, at);
      }
      for (int i = at; i < at + k; i++) {
        probability[i] = Math.max(0, probability[i]) / sum;
      }
    }
  }

  private static void countPairs(
      int[] expert,
      int[] slot,
      boolean keptOnly,
      int entries,
      int perDevice,
      int devices,
      int[] pairs) {
    Arrays.fill(pairs, 0, devices, 0);
    for (int i = 0; i < entries; i++) {
      if (expert[i] != TokenChoice.NONE && (!keptOnly || slot[i] == ExpertAssignments.NO_SLOT)) {
        pairs[expert[i] / perDevice]++;
      }
    }
  }

  /** Marks dropped entries, lists them in the order of dropping and returns how many there are. */
  private int dropWeakest(
      RouterInput in,
      Workspace work,
      int budget,
      int perDevice,
      int[] expert,
      double[] probability,
      int[] pairs,
      int[] slot,
      int entries) {
    int k = config.topK();
    boolean[] kept = protectedTokens(in, work);
    double[] negated = work.doubles(NEGATED, entries);
    int[] order = work.ints(DROP_ORDER, entries);
    int[] scratch = work.ints(TokenChoice.SORT, entries);
    int dropped = 0;
    for (int d = 0; d < config.devices(); d++) {
      if (pairs[d] <= budget) {
        continue;
      }
      // Listed by descending token, then expert; the stable sort leaves equal affinities so.
      int count = 0;
      for (int t = in.tokens() - 1; t >= 0; t--) {
        if (kept[t]) {
          continue;
        }
        int first = dropped + count;
        for (int i = t * k; i < (t + 1) * k; i++) {
          if (expert[i] != TokenChoice.NONE && expert[i] / perDevice == d) {
            negated[i] = -probability[i];
            int j = dropped + count++;
            while (j > first && expert[order[j - 1]] < expert[i]) {
              order[j] = order[j - 1];
              j--;
            }
            order[j] = i;
          }
        }
      }
      Selection.sortDescending(order, dropped, count, negated, scratch);
      int over = Math.min(count, pairs[d] - budget);
      for (int n = dropped; n < dropped + over; n++) {
        slot[order[n]] = TokenChoice.DROPPED_DEVICE_BUDGET;
      }
      dropped += over;
    }
    return dropped;
  }

  private boolean[] protectedTokens(RouterInput in, Workspace work) {
    boolean[] kept = work.booleans(PROTECTED, in.tokens());
    RandomSource random = in.random();
    boolean draw = !in.hasProtectedTokens() && config.protectedFraction() > 0;
    int t = 0;
    for (int s = 0; s < in.sequenceCount(); s++) {
      boolean drawn = draw && random != null && random.nextDouble() < config.protectedFraction();
      for (int end = t + in.sequenceTokens(s); t < end; t++) {
        kept[t] = drawn || in.isProtected(t);
      }
    }
    return kept;
  }

  private static void reportCounts(ExpertAssignments out, Signal signal, int[] count, int devices) {
    double[] values = out.signals().add(signal, 1, devices);
    for (int d = 0; d < devices; d++) {
      values[d] = count[d];
    }
  }

  private static void reportDropOrder(
      ExpertAssignments out, Workspace work, int dropped, int k, int[] expert) {
    int[] order = work.ints(DROP_ORDER, dropped);
    double[] rows = out.signals().add(MoeSignals.DROP_ORDER, dropped, 2);
    for (int n = 0; n < dropped; n++) {
      int token = order[n] / k;
      rows[2 * n] = token;
      rows[2 * n + 1] = expert[order[n]];
    }
  }

  private void reportCommunication(
      RouterInput in, ExpertAssignments out, int[] expert, DeviceMap map) {
    RoutingSignals signals = out.signals();
    int sequences = in.sequenceCount();
    int devices = map.devices();
    int k = config.topK();
    double[] loss = signals.add(MoeSignals.COMMUNICATION_BALANCE_LOSS, 1, sequences);
    double[] share = signals.add(MoeSignals.DEVICE_TOKEN_SHARE, sequences, devices);
    int[] lastToken = out.workspace().ints(PAIRS, devices);
    Arrays.fill(lastToken, 0, devices, -1);
    int t = 0;
    for (int s = 0; s < sequences; s++) {
      int real = 0;
      for (int end = t + in.sequenceTokens(s); t < end; t++) {
        if (in.isPadding(t)) {
          continue;
        }
        real++;
        for (int i = t * k; i < (t + 1) * k; i++) {
          int d = map.device(expert[i]);
          if (lastToken[d] != t) {
            lastToken[d] = t;
            share[s * devices + d]++;
          }
        }
      }
      for (int d = 0; d < devices && real > 0; d++) {
        share[s * devices + d] *= devices / ((double) config.maxDevices() * real);
        loss[s] +=
            config.communicationCoefficient()
                * share[s * devices + d]
                * signals.value(MoeSignals.DEVICE_MEAN_PROBABILITY, s, d);
      }
    }
  }
}
