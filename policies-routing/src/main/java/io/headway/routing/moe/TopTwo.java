package io.headway.routing.moe;

import io.headway.api.RandomSource;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.Workspace;
import java.util.Arrays;

/** Top-2 gating in groups with a test of the second choice, as GShard and its descendants do it. */
final class TopTwo {
  private static final int CHOICES = 2;

  private TopTwo() {}

  static void requireGroups(int groups) {
    if (groups < 1 || groups > GShardRouter.MAX_GROUPS) {
      throw new IllegalArgumentException(
          "groups must lie in 1.." + GShardRouter.MAX_GROUPS + " groups, but was " + groups);
    }
  }

  /** Decides whether a second choice is dispatched, given its gate and a draw from [0, 1). */
  @FunctionalInterface
  interface SecondChoice {
    boolean dispatched(double secondGate, double draw);
  }

  /**
   * Routes group by group.
   *
   * @param positionsOfRejected whether refused and overflowing choices take positions, as
   *     published; otherwise second choices start after the kept first ones and refused ones take
   *     none
   */
  static void route(
      RouterInput in,
      ExpertAssignments out,
      int groups,
      CapacityRule rule,
      SecondChoice second,
      boolean positionsOfRejected) {
    int tokens = in.tokens();
    int experts = in.experts();
    if (tokens % groups != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          "tokens must be a multiple of groups = " + groups + ", but was " + tokens);
    }
    Workspace work = out.workspace();
    int k = Math.min(CHOICES, experts);
    int size = tokens / groups;
    int entries = Math.multiplyExact(tokens, k);
    int[] expert = work.ints(TokenChoice.EXPERT, entries);
    int[] slot = work.ints(TokenChoice.SLOT, entries);
    int[] used = work.ints(TokenChoice.COUNT, experts);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, entries);
    double[] sums = TokenChoice.sumsIfAsked(in, out);
    double[] raw = work.doubles(TokenChoice.OWN, groups);
    int demand = 0;
    for (int g = 0; g < groups; g++) {
      int from = g * size;
      if (sums != null) {
        Arrays.fill(sums, 0, experts, 0);
      }
      TokenChoice.choose(
          in,
          work,
          from,
          from + size,
          k,
          TieBreak.LOWEST_EXPERT,
          false,
          true,
          expert,
          probability,
          sums);
      if (rule.readsDemand()) {
        TokenChoice.countChoices(expert, from * k, (from + size) * k, experts, used);
        demand = Math.max(demand, TokenChoice.largest(used, experts));
      }
      if (sums != null) {
        raw[g] = rawLoss(in, from, from + size, k, experts, expert, used, sums);
      }
    }
    int capacity = rule.slots(size, experts, CHOICES, demand);
    int limit = capacity == CapacityRule.UNLIMITED_SLOTS ? Integer.MAX_VALUE : capacity;
    out.begin(in, capacity, groups);
    for (int g = 0; g < groups; g++) {
      fill(
          in,
          g * size,
          (g + 1) * size,
          k,
          limit,
          second,
          positionsOfRejected,
          expert,
          probability,
          used,
          slot);
    }
    if (capacity == CapacityRule.UNLIMITED_SLOTS) {
      for (int i = 0; i < entries; i++) {
        slot[i] = Math.min(slot[i], ExpertAssignments.NO_SLOT);
      }
    }
    out.reserve(entries, entries);
    TokenChoice.write(out, tokens, k, expert, slot, probability, GateNormalisation.CHOSEN, 1);
    out.end();
    if (sums != null) {
      double[] rawByGroup = out.signals().add(MoeSignals.AUXILIARY_LOSS_RAW, 1, groups);
      double[] scaledByGroup = out.signals().add(MoeSignals.AUXILIARY_LOSS_SCALED, 1, groups);
      for (int g = 0; g < groups; g++) {
        rawByGroup[g] = raw[g];
        scaledByGroup[g] = raw[g] * experts * experts;
      }
    }
  }

  private static double rawLoss(
      RouterInput in,
      int from,
      int to,
      int k,
      int experts,
      int[] expert,
      int[] count,
      double[] sums) {
    Arrays.fill(count, 0, experts, 0);
    int real = 0;
    for (int t = from; t < to; t++) {
      if (!in.isPadding(t)) {
        count[expert[t * k]]++;
        real++;
      }
    }
    double loss = 0;
    for (int e = 0; e < experts && real > 0; e++) {
      loss += (double) count[e] / real * (sums[e] / real);
    }
    return loss / experts;
  }

  private static void fill(
      RouterInput in,
      int from,
      int to,
      int k,
      int limit,
      SecondChoice second,
      boolean positionsOfRejected,
      int[] expert,
      double[] probability,
      int[] used,
      int[] slot) {
    Arrays.fill(used, 0, in.experts(), 0);
    for (int t = from; t < to; t++) {
      int e = expert[t * k];
      if (e != TokenChoice.NONE) {
        int position = used[e]++;
        slot[t * k] = position < limit ? position : TokenChoice.DROPPED_CAPACITY;
      }
    }
    if (!positionsOfRejected) {
      for (int e = 0; e < in.experts(); e++) {
        used[e] = Math.min(used[e], limit);
      }
    }
    RandomSource random = in.random();
    for (int t = from; t < to && k == CHOICES; t++) {
      // Padding draws too, so that the draws of a token do not depend on what is padded before it.
      double draw = random == null ? 0 : random.nextDouble();
      int entry = t * k + 1;
      int e = expert[entry];
      if (e == TokenChoice.NONE) {
        continue;
      }
      double gate = probability[entry] / (probability[entry - 1] + probability[entry]);
      boolean dispatched = second.dispatched(gate, draw);
      if (dispatched || positionsOfRejected) {
        int position = used[e]++;
        slot[entry] = position < limit ? position : TokenChoice.DROPPED_CAPACITY;
      }
      if (!dispatched) {
        slot[entry] = TokenChoice.DROPPED_RANDOM;
      }
    }
  }
}
