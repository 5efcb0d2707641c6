package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DropReason;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.Signal;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Sends each token to its most probable expert and re-sends tokens that find it full to experts
 * with free slots.
 *
 * <p>Every expert keeps the tokens with the lowest indices. The pool lists the experts with free
 * slots, most free first (ties to the lower expert), each as often as it has slots, and is
 * shuffled: by {@link RouterInput#permutation} (entry {@code i} is {@code pool[permutation[i]]}),
 * else by {@link RouterInput#random}, else not at all. The {@code i}-th overflowing token takes the
 * {@code i}-th entry; what the pool cannot take is dropped from its first choice. Slots are then
 * numbered in token order per expert, so a recycled token may come before an original one. The gate
 * is the softmax probability of the expert really used, undivided; choice rank 1 marks a recycled
 * pair. A token never takes an entry whose expert it masks: that entry is lost and the token
 * dropped.
 *
 * <p>A pool of more than 2^20 slots is not listed among the signals where no token overflows.
 *
 * <p>Loss, from the first choices: {@code E sum_e f_e P_e}, without coefficient.
 *
 * <p>Cost: O(tokens x experts + slots). Draws one number per recycled token. Safe for any number of
 * threads.
 *
 * <p>Sun et al.: Hunyuan-Large, 2024 (arXiv 2411.02265): one shared expert, which has no place
 * here, and one of 16 specialised ones. Departure: the released code leaves which tokens a full
 * expert keeps to an unstable sort; here it is token order.
 */
public final class RecycleRouter implements ExpertRouter<Stateless> {
  private static final int POOL = TokenChoice.OWN;
  private static final int SHUFFLED = TokenChoice.OWN + 1;
  private static final int MAX_IDLE_POOL = 1 << 20;
  private static final int OVERFLOW = TokenChoice.OWN + 2;
  private static final int RANK = TokenChoice.OWN + 3;
  private static final int FREE = TokenChoice.OWN;
  private static final int SEEN = TokenChoice.OWN;
  private static final int RECYCLED_RANK = 1;

  /**
   * Settings.
   *
   * @param capacity slots per expert; by default {@code max(1, ceil(T / E))}
   */
  public record Config(CapacityRule capacity) {
    /** Slots for exactly the demand. */
    public static final Config DEFAULT = new Config(CapacityRule.factor(1));

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
  public RecycleRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "hunyuan-recycle";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return config.capacity() instanceof CapacityRule.Unlimited
        ? Traits.ofTokenChoice(config.capacity(), FillOrder.TOKEN, 1)
        : Traits.of(RouterTrait.ROW_SHIFT_INVARIANT);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int[] expert = work.ints(TokenChoice.EXPERT, tokens);
    int[] slot = work.ints(TokenChoice.SLOT, tokens);
    int[] rank = work.ints(RANK, tokens);
    int[] used = work.ints(TokenChoice.COUNT, experts);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, tokens);
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    TokenChoice.choose(
        input, work, 0, tokens, 1, TieBreak.LOWEST_EXPERT, false, false, expert, probability, sums);
    TokenChoice.countChoices(expert, 0, tokens, experts, used);
    int capacity = config.capacity().slots(tokens, experts, 1, TokenChoice.largest(used, experts));
    out.begin(input, capacity, 1);
    if (sums != null) {
      Losses.switchBalance(input, out, used, input.realTokens(), sums, 1);
    }
    Arrays.fill(rank, 0, tokens, 0);
    Arrays.fill(slot, 0, tokens, ExpertAssignments.NO_SLOT);
    if (capacity != CapacityRule.UNLIMITED_SLOTS) {
      int[] overflow = work.ints(OVERFLOW, tokens);
      int overflowing = keepLowest(tokens, experts, capacity, expert, used, slot, overflow);
      recycle(input, out, capacity, used, overflow, overflowing, expert, probability, slot, rank);
      Arrays.fill(used, 0, experts, 0);
      for (int t = 0; t < tokens; t++) {
        if (expert[t] != TokenChoice.NONE && slot[t] == ExpertAssignments.NO_SLOT) {
          slot[t] = used[expert[t]]++;
        }
      }
    }
    out.reserve(tokens, tokens);
    for (int t = 0; t < tokens; t++) {
      if (expert[t] == TokenChoice.NONE) {
        continue;
      }
      if (slot[t] == TokenChoice.DROPPED_CAPACITY) {
        out.drop(t, 0, expert[t], DropReason.CAPACITY);
      } else {
        out.assign(t, rank[t], expert[t], slot[t], probability[t]);
      }
    }
    out.end();
  }

  /** Marks and lists the tokens that find their expert full; {@code used} counts the kept. */
  private static int keepLowest(
      int tokens, int experts, int capacity, int[] expert, int[] used, int[] slot, int[] overflow) {
    Arrays.fill(used, 0, experts, 0);
    int overflowing = 0;
    for (int t = 0; t < tokens; t++) {
      int e = expert[t];
      if (e == TokenChoice.NONE) {
        continue;
      }
      if (used[e] < capacity) {
        used[e]++;
      } else {
        slot[t] = TokenChoice.DROPPED_CAPACITY;
        overflow[overflowing++] = t;
      }
    }
    return overflowing;
  }

  private static void recycle(
      RouterInput in,
      ExpertAssignments out,
      int capacity,
      int[] used,
      int[] overflow,
      int overflowing,
      int[] expert,
      double[] probability,
      int[] slot,
      int[] rank) {
    boolean explain = out.signalLevel() == SignalLevel.ALL;
    if (overflowing == 0 && in.permutation() == null && !explain) {
      return;
    }
    Workspace work = out.workspace();
    int experts = in.experts();
    long free = 0;
    for (int e = 0; e < experts; e++) {
      free += capacity - used[e];
    }
    // Where tokens overflow there are fewer slots than logits; else there may be any number.
    if (overflowing == 0 && free > MAX_IDLE_POOL) {
      if (in.permutation() != null) {
        throw permutationLength(in.permutation().length, free);
      }
      report(out, MoeSignals.OVERFLOW_TOKENS, overflow, 0);
      return;
    }
    int size = Math.toIntExact(free);
    int[] pool = work.ints(POOL, size);
    fillPool(work, experts, capacity, used, pool);
    if (explain) {
      report(out, MoeSignals.OVERFLOW_TOKENS, overflow, overflowing);
      report(out, MoeSignals.RECYCLING_POOL, pool, size);
    }
    int[] shuffled = shuffle(in, work, pool, size, Math.min(size, overflowing));
    for (int i = 0; i < Math.min(size, overflowing); i++) {
      int t = overflow[i];
      int e = shuffled[i];
      if (in.logit(t, e) > Double.NEGATIVE_INFINITY) {
        expert[t] = e;
        rank[t] = RECYCLED_RANK;
        slot[t] = ExpertAssignments.NO_SLOT;
        probability[t] = probability(in, work, t, e);
      }
    }
  }

  private static void fillPool(Workspace work, int experts, int capacity, int[] used, int[] pool) {
    double[] free = work.doubles(FREE, experts);
    int[] order = work.ints(TokenChoice.ORDER, experts);
    for (int e = 0; e < experts; e++) {
      free[e] = capacity - used[e];
      order[e] = e;
    }
    Selection.sortDescending(order, 0, experts, free, work.ints(TokenChoice.SORT, experts));
    int at = 0;
    for (int i = 0; i < experts; i++) {
      int slots = capacity - used[order[i]];
      Arrays.fill(pool, at, at + slots, order[i]);
      at += slots;
    }
  }

  private static int[] shuffle(RouterInput in, Workspace work, int[] pool, int size, int needed) {
    int[] permutation = in.permutation();
    RandomSource random = in.random();
    if (permutation != null) {
      requirePermutation(work, permutation, size);
      int[] shuffled = work.ints(SHUFFLED, size);
      for (int i = 0; i < size; i++) {
        shuffled[i] = pool[permutation[i]];
      }
      return shuffled;
    }
    if (random != null) {
      for (int i = 0; i < needed; i++) {
        int j = i + random.nextInt(size - i);
        int swapped = pool[i];
        pool[i] = pool[j];
        pool[j] = swapped;
      }
    }
    return pool;
  }

  private static IllegalArgumentException permutationLength(int length, long free) {
    return new IllegalArgumentException(
        "permutation must have one entry per free slot, " + free + ", but had " + length);
  }

  private static void requirePermutation(Workspace work, int[] permutation, int size) {
    if (permutation.length != size) {
      throw permutationLength(permutation.length, size);
    }
    boolean[] seen = work.booleans(SEEN, size);
    Arrays.fill(seen, 0, size, false);
    for (int i = 0; i < size; i++) {
      int p = permutation[i];
      if (p < 0 || p >= size || seen[p]) {
        throw new IllegalArgumentException(
            "permutation must hold each of 0.."
                + (size - 1)
                + " once, but entry "
                + i
                + " was "
                + p);
      }
      seen[p] = true;
    }
  }

  private static double probability(RouterInput in, Workspace work, int token, int expert) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, experts);
    int best = in.loadRow(token, row);
    double sum =
        Exponentials.of(
            row, 1, row[best], exponential, work.doubles(TokenChoice.SCALE, experts), experts);
    return exponential[expert] / sum;
  }

  private static void report(ExpertAssignments out, Signal signal, int[] values, int count) {
    double[] row = out.signals().add(signal, 1, count);
    for (int i = 0; i < count; i++) {
      row[i] = values[i];
    }
  }
}
