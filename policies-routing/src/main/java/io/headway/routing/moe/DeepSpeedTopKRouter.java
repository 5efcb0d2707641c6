package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Sends each token to its {@code k} most probable experts and lets every full expert keep the
 * tokens that want it most.
 *
 * <p>Of the tokens that chose an expert with capacity {@code C}, it keeps the {@code C} largest
 * logits ({@link DropPolicy#PROBS}, ties to the lower token) or the {@code C} lowest token indices
 * ({@link DropPolicy#POSITION}), whatever the choice ranks. Slots follow token order among the
 * kept. Gates are probabilities divided by their sum over the kept pairs of the token. Loss: {@code
 * (E / k) sum_e f_e P_e} with the share {@code f} of all {@code k} choices per token before
 * dropping.
 *
 * <p>Cost: O(tokens x experts + pairs) expected. Safe for any number of threads.
 *
 * <p>After {@code topkgating} of DeepSpeed (Rajbhandari et al.: DeepSpeed-MoE, ICML 2022, arXiv
 * 2201.05596).
 */
public final class DeepSpeedTopKRouter implements ExpertRouter<Stateless> {
  /** Choices per token unless configured otherwise. */
  public static final int DEFAULT_TOP_K = 2;

  /** Which tokens a full expert keeps. */
  public enum DropPolicy {
    /** Those with the largest logits for it. */
    PROBS,
    /** Those with the lowest indices. */
    POSITION
  }

  /**
   * Settings.
   *
   * @param topK choices per token, at least 1, at most the number of experts; 2 by default
   * @param capacity slots per expert; by default {@code ceil(k T / E)}
   * @param dropPolicy which tokens a full expert keeps; PROBS by default
   */
  public record Config(int topK, CapacityRule capacity, DropPolicy dropPolicy) {
    /** The default settings. */
    public static final Config DEFAULT =
        new Config(
            DEFAULT_TOP_K,
            CapacityRule.factor(1).demand(CapacityRule.Demand.CHOICES),
            DropPolicy.PROBS);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
      requireNonNull(capacity, "capacity");
      requireNonNull(dropPolicy, "dropPolicy");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public DeepSpeedTopKRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "deepspeed-topk";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return config.dropPolicy() == DropPolicy.PROBS
        ? Traits.of(RouterTrait.CAPACITY_MONOTONE, RouterTrait.PERMUTATION_EQUIVARIANT)
        : Traits.of(
            RouterTrait.CAPACITY_MONOTONE,
            RouterTrait.ROW_SHIFT_INVARIANT,
            RouterTrait.PREFIX_STABLE);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int k = config.topK();
    TokenChoice.requireTopK("topK", k, 1, experts);
    int entries = Math.multiplyExact(tokens, k);
    int[] expert = work.ints(TokenChoice.EXPERT, entries);
    int[] slot = work.ints(TokenChoice.SLOT, entries);
    int[] count = work.ints(TokenChoice.COUNT, experts);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, entries);
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    TokenChoice.choose(
        input, work, 0, tokens, k, TieBreak.LOWEST_EXPERT, false, true, expert, probability, sums);
    TokenChoice.countChoices(expert, 0, entries, experts, count);
    int capacity = config.capacity().slots(tokens, experts, k, TokenChoice.largest(count, experts));
    out.begin(input, capacity, 1);
    if (sums != null) {
      Losses.switchBalance(input, out, count, (long) input.realTokens() * k, sums, 1);
    }
    Arrays.fill(slot, 0, entries, ExpertAssignments.NO_SLOT);
    if (capacity != CapacityRule.UNLIMITED_SLOTS) {
      if (config.dropPolicy() == DropPolicy.PROBS) {
        dropSmallestLogits(input, work, entries, k, capacity, expert, count, slot);
      }
      Arrays.fill(count, 0, experts, 0);
      for (int entry = 0; entry < entries; entry++) {
        int e = expert[entry];
        if (e != TokenChoice.NONE && slot[entry] == ExpertAssignments.NO_SLOT) {
          slot[entry] = count[e] < capacity ? count[e]++ : TokenChoice.DROPPED_CAPACITY;
        }
      }
    }
    out.reserve(entries, entries);
    TokenChoice.write(out, tokens, k, expert, slot, probability, GateNormalisation.KEPT, 1);
    out.end();
  }

  private static void dropSmallestLogits(
      RouterInput in,
      Workspace work,
      int entries,
      int k,
      int capacity,
      int[] expert,
      int[] count,
      int[] slot) {
    int experts = in.experts();
    int[] start = work.ints(TokenChoice.OWN, experts + 1);
    int[] id = work.ints(TokenChoice.OWN + 1, entries);
    double[] logit = work.doubles(TokenChoice.OWN, entries);
    start[0] = 0;
    for (int e = 0; e < experts; e++) {
      start[e + 1] = start[e] + count[e];
    }
    int[] next = work.ints(TokenChoice.OWN + 2, experts);
    System.arraycopy(start, 0, next, 0, experts);
    for (int entry = 0; entry < entries; entry++) {
      int e = expert[entry];
      if (e != TokenChoice.NONE) {
        id[next[e]] = entry;
        logit[next[e]++] = in.logit(entry / k, e);
      }
    }
    for (int e = 0; e < experts; e++) {
      if (count[e] > capacity) {
        if (capacity > 0) {
          Selection.partition(logit, id, start[e], count[e], capacity);
        }
        for (int i = start[e] + capacity; i < start[e + 1]; i++) {
          slot[id[i]] = TokenChoice.DROPPED_CAPACITY;
        }
      }
    }
  }
}
