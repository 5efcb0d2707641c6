package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.Workspace;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sends each token to its most probable expert and to a second one sampled by noise on the logits.
 *
 * <p>The second expert is the argmax of {@code logits + noise} with the first one left out; {@link
 * RouterInput#noise} of standard Gumbel numbers samples it in proportion to its probability, no
 * noise takes the runner-up. Both are always dispatched as far as there is room: positions count
 * all first choices in token order, then all second choices, kept or not. Gates come from the clean
 * softmax, divided by the sum over the kept pairs, so a lone survivor gets 1. Loss: {@code E sum_e
 * (share of first choices) * (mean probability)} before dropping.
 *
 * <p>Ties go to the lower expert. With one expert there is no second choice. Cost: O(tokens x
 * experts). Safe for any number of threads.
 *
 * <p>After {@code top2gating} of DeepSpeed (Rajbhandari et al.: DeepSpeed-MoE, ICML 2022, arXiv
 * 2201.05596).
 */
public final class DeepSpeedTop2Router implements ExpertRouter<Stateless> {
  private static final int CHOICES = 2;

  /**
   * Settings.
   *
   * @param capacity slots per expert; by default {@code ceil(2 T / E)}
   */
  public record Config(CapacityRule capacity) {
    /** The default settings. */
    public static final Config DEFAULT =
        new Config(CapacityRule.factor(1).demand(CapacityRule.Demand.CHOICES));

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public DeepSpeedTop2Router(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "deepspeed-top2";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.of(RouterTrait.ROW_SHIFT_INVARIANT, RouterTrait.CAPACITY_MONOTONE);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int k = Math.min(CHOICES, experts);
    int entries = Math.multiplyExact(tokens, k);
    int[] expert = work.ints(TokenChoice.EXPERT, entries);
    int[] slot = work.ints(TokenChoice.SLOT, entries);
    int[] used = work.ints(TokenChoice.COUNT, experts);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, entries);
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    choose(input, work, k, expert, probability, sums);
    int capacity =
        TokenChoice.capacity(config.capacity(), work, tokens, experts, CHOICES, expert, entries);
    int limit = capacity == CapacityRule.UNLIMITED_SLOTS ? Integer.MAX_VALUE : capacity;
    out.begin(input, capacity, 1);
    Arrays.fill(used, 0, experts, 0);
    for (int i = 0; i < k; i++) {
      for (int entry = i; entry < entries; entry += k) {
        int e = expert[entry];
        if (e != TokenChoice.NONE) {
          int position = used[e]++;
          slot[entry] = position < limit ? position : TokenChoice.DROPPED_CAPACITY;
          if (capacity == CapacityRule.UNLIMITED_SLOTS) {
            slot[entry] = ExpertAssignments.NO_SLOT;
          }
        }
      }
      if (i == 0 && sums != null) {
        Losses.switchBalance(input, out, used, input.realTokens(), sums, 1);
      }
    }
    out.reserve(entries, entries);
    TokenChoice.write(out, tokens, k, expert, slot, probability, GateNormalisation.KEPT, 1);
    out.end();
  }

  private static void choose(
      RouterInput in,
      Workspace work,
      int k,
      int[] expert,
      double[] probability,
      double @Nullable [] sums) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    for (int t = 0; t < in.tokens(); t++) {
      int at = t * k;
      if (in.isPadding(t)) {
        Arrays.fill(expert, at, at + k, TokenChoice.NONE);
        continue;
      }
      int first = in.loadRow(t, row);
      double sum = Exponentials.of(row, 1, row[first], exponential, scale, experts);
      expert[at] = first;
      probability[at] = exponential[first] / sum;
      if (sums != null) {
        for (int e = 0; e < experts; e++) {
          sums[e] += exponential[e] / sum;
        }
      }
      if (k == CHOICES) {
        in.addNoise(t, row);
        int second = first == 0 ? 1 : 0;
        for (int e = second + 1; e < experts; e++) {
          if (e != first && row[e] > row[second]) {
            second = e;
          }
        }
        expert[at + 1] = second;
        probability[at + 1] = exponential[second] / sum;
      }
    }
  }
}
