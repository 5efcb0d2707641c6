package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sends each token to its {@code k} most probable experts, the most important tokens first, so that
 * less compute than demanded costs the least important tokens.
 *
 * <p>Probabilities are the softmax of {@code logits + noise} ({@link RouterInput#noise}, none when
 * serving); the gate is the probability, undivided. Every expert has {@code B = round(k T Cr / E)}
 * slots. Filling is choice-major; {@link Priority#MAX} and {@link Priority#SUM} visit tokens by
 * descending priority (Batch Prioritized Routing), {@link Priority#NONE} in token order. With
 * {@code Cr < 1} compute falls about linearly with {@code Cr}, without retraining.
 *
 * <p>Two ways to spend less on purpose, both recorded as PRIORITY drops. {@code skipFraction}
 * discards the {@code floor(fraction * T)} tokens of lowest priority outright, ties from the
 * highest token. {@link RouterInput#pairBudgets} limits the pairs of every sequence: in processing
 * order, a pair whose sequence has none left is refused and takes no slot.
 *
 * <p>Losses before dropping, without weights: importance, the squared coefficient of variation of
 * the clean probabilities summed per expert; with noise also load, the same of {@code mean_t Phi((z
 * - th) / sigma)} with {@code th} the token's k-th largest noisy logit.
 *
 * <p>Ties go to the lower expert, equal priorities to the lower token. Cost: O(tokens x experts +
 * tokens log tokens). Neither causal nor batch-invariant when slots are short. Safe for any number
 * of threads.
 *
 * <p>Riquelme et al.: Scaling Vision with Sparse Mixture of Experts, NeurIPS 2021 (arXiv
 * 2106.05974). Departures: the released code rounds {@code B} up to a multiple of 4 and refuses
 * {@code B = 0}, which here drops everything; budgets per sequence are this library's.
 */
public final class VMoeRouter implements ExpertRouter<Stateless> {
  /** Choices per token unless configured otherwise. */
  public static final int DEFAULT_TOP_K = 2;

  /** Capacity ratio unless configured otherwise: slots for exactly the demand, if balanced. */
  public static final double DEFAULT_CAPACITY_RATIO = 1;

  // Beyond this many standard deviations the tail is below 1e-15.
  private static final double NEGLIGIBLE_TAIL = 8;

  private static final int SUM = TokenChoice.OWN;
  private static final int THRESHOLD = TokenChoice.OWN + 1;
  private static final int SEQUENCE = TokenChoice.OWN;
  private static final int BUDGET = TokenChoice.OWN + 1;

  /** What a token's priority is. */
  public enum Priority {
    /** Nothing: tokens are visited in token order. */
    NONE,
    /** Its largest probability. */
    MAX,
    /** The sum of its {@code k} largest probabilities. */
    SUM
  }

  /**
   * Settings.
   *
   * @param topK choices per token, at least 1, at most the number of experts; 2 by default
   * @param capacity slots per expert; by default {@code max(1, round(k T / E))}, halves to even
   * @param priority what a token's priority is; MAX by default
   * @param skipFraction share of tokens to discard outright, from 0 to 1; 0 by default
   * @param sigma standard deviation of the noise for the load loss, at least 0; 0, the default,
   *     stands for {@code 1 / experts}
   */
  public record Config(
      int topK, CapacityRule capacity, Priority priority, double skipFraction, double sigma) {
    /** Batch Prioritized Routing as published, at a capacity ratio of 1. */
    public static final Config DEFAULT =
        new Config(
            DEFAULT_TOP_K,
            CapacityRule.factor(DEFAULT_CAPACITY_RATIO)
                .demand(CapacityRule.Demand.CHOICES)
                .rounding(CapacityRule.Rounding.HALF_EVEN),
            Priority.MAX,
            0,
            0);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
      requireNonNull(capacity, "capacity");
      requireNonNull(priority, "priority");
      Checks.fraction("skipFraction", skipFraction);
      Checks.coefficient("sigma", sigma);
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public VMoeRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "vmoe";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    if (config.skipFraction() > 0) {
      return Traits.of(RouterTrait.ROW_SHIFT_INVARIANT, RouterTrait.CAPACITY_MONOTONE);
    }
    return Traits.ofTokenChoice(
        config.capacity(),
        config.priority() == Priority.NONE ? FillOrder.TOKEN : FillOrder.PRIORITY_MAX,
        config.topK());
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
    int[] used = work.ints(TokenChoice.COUNT, experts);
    int[] order = work.ints(TokenChoice.ORDER, tokens);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, entries);
    double[] sums = input.hasNoise() ? null : TokenChoice.sumsIfAsked(input, out);
    TokenChoice.choose(
        input,
        work,
        0,
        tokens,
        k,
        TieBreak.LOWEST_EXPERT,
        input.hasNoise(),
        false,
        expert,
        probability,
        sums);
    int capacity =
        TokenChoice.capacity(config.capacity(), work, tokens, experts, k, expert, entries);
    out.begin(input, capacity, 1);
    int count = order(input, work, k, probability, order);
    count = skip(input, work, k, probability, order, count, slot);
    Arrays.fill(used, 0, experts, 0);
    int[] budgets = input.pairBudgets();
    if (budgets != null) {
      fillWithinBudgets(input, work, budgets, order, count, k, expert, capacity, used, slot);
    } else if (capacity == CapacityRule.UNLIMITED_SLOTS) {
      for (int n = 0; n < count; n++) {
        Arrays.fill(slot, order[n] * k, (order[n] + 1) * k, ExpertAssignments.NO_SLOT);
      }
    } else {
      TokenChoice.fill(order, count, k, expert, capacity, used, slot);
    }
    out.reserve(entries, entries);
    TokenChoice.write(out, tokens, k, expert, slot, probability, GateNormalisation.NONE, 1);
    out.end();
    if (out.signalLevel() != SignalLevel.NONE) {
      reportLosses(input, out, k, sums);
    }
    if (out.signalLevel() == SignalLevel.ALL) {
      FillOrder by = config.priority() == Priority.SUM ? FillOrder.PRIORITY_SUM : FillOrder.TOKEN;
      double[] score = out.signals().add(MoeSignals.PRIORITY_SCORE, 1, tokens);
      TokenChoice.priorities(input, by, k, probability, score);
      double[] processed = out.signals().add(MoeSignals.PROCESSING_ORDER, 1, count);
      for (int n = 0; n < count; n++) {
        processed[n] = order[n];
      }
    }
  }

  private int order(RouterInput in, Workspace work, int k, double[] probability, int[] order) {
    FillOrder by =
        switch (config.priority()) {
          case NONE -> FillOrder.TOKEN;
          case MAX -> FillOrder.PRIORITY_MAX;
          case SUM -> FillOrder.PRIORITY_SUM;
        };
    return TokenChoice.order(in, work, by, k, probability, order);
  }

  /** Moves the tokens to discard out of the order and returns how many remain. */
  private int skip(
      RouterInput in,
      Workspace work,
      int k,
      double[] probability,
      int[] order,
      int count,
      int[] slot) {
    int skipped = (int) Math.floor(config.skipFraction() * count + 1e-12);
    if (skipped == 0) {
      return count;
    }
    if (config.priority() == Priority.NONE) {
      TokenChoice.order(in, work, FillOrder.PRIORITY_MAX, k, probability, order);
    }
    int kept = count - skipped;
    for (int n = kept; n < count; n++) {
      Arrays.fill(slot, order[n] * k, (order[n] + 1) * k, TokenChoice.DROPPED_PRIORITY);
    }
    if (config.priority() == Priority.NONE) {
      Arrays.sort(order, 0, kept);
    }
    return kept;
  }

  private static void fillWithinBudgets(
      RouterInput in,
      Workspace work,
      int[] budgets,
      int[] order,
      int count,
      int k,
      int[] expert,
      int capacity,
      int[] used,
      int[] slot) {
    int[] sequence = work.ints(SEQUENCE, in.tokens());
    int[] left = work.ints(BUDGET, budgets.length);
    System.arraycopy(budgets, 0, left, 0, budgets.length);
    int t = 0;
    for (int s = 0; s < in.sequenceCount(); s++) {
      for (int end = t + in.sequenceTokens(s); t < end; t++) {
        sequence[t] = s;
      }
    }
    boolean limited = capacity != CapacityRule.UNLIMITED_SLOTS;
    for (int i = 0; i < k; i++) {
      for (int n = 0; n < count; n++) {
        int entry = order[n] * k + i;
        int e = expert[entry];
        int s = sequence[order[n]];
        if (left[s] == 0) {
          slot[entry] = TokenChoice.DROPPED_PRIORITY;
        } else if (limited && used[e] >= capacity) {
          slot[entry] = TokenChoice.DROPPED_CAPACITY;
        } else {
          slot[entry] = limited ? used[e]++ : ExpertAssignments.NO_SLOT;
          left[s]--;
        }
      }
    }
  }

  private void reportLosses(
      RouterInput in, ExpertAssignments out, int k, double @Nullable [] sums) {
    Workspace work = out.workspace();
    int experts = in.experts();
    double[] importance = sums;
    if (importance == null) {
      importance = work.doubles(SUM, experts);
      cleanProbabilitySums(in, work, importance);
    }
    out.signals().add(MoeSignals.IMPORTANCE_LOSS, squaredVariation(importance, experts));
    if (in.hasNoise()) {
      double[] load = work.doubles(SUM, experts);
      smoothLoad(in, work, k, load);
      out.signals().add(MoeSignals.LOAD_LOSS, squaredVariation(load, experts));
    }
  }

  private static void cleanProbabilitySums(RouterInput in, Workspace work, double[] sums) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    Arrays.fill(sums, 0, experts, 0);
    for (int t = 0; t < in.tokens(); t++) {
      if (!in.isPadding(t)) {
        int best = in.loadRow(t, row);
        double sum = Exponentials.of(row, 1, row[best], exponential, scale, experts);
        for (int e = 0; e < experts; e++) {
          sums[e] += exponential[e] / sum;
        }
      }
    }
  }

  private void smoothLoad(RouterInput in, Workspace work, int k, double[] load) {
    int experts = in.experts();
    double sigma = config.sigma() == 0 ? 1.0 / experts : config.sigma();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] top = work.doubles(THRESHOLD, k);
    int[] index = work.ints(TokenChoice.SORT, k);
    Arrays.fill(load, 0, experts, 0);
    for (int t = 0; t < in.tokens(); t++) {
      if (in.isPadding(t)) {
        continue;
      }
      in.loadRow(t, row);
      in.addNoise(t, row);
      Selection.addBest(row, 0, experts, k, 0, index, top, 0);
      double threshold = top[k - 1];
      for (int e = 0; e < experts; e++) {
        if (row[e] == Double.NEGATIVE_INFINITY) {
          continue;
        }
        double above = (in.logit(t, e) - threshold) / sigma;
        load[e] += normalCumulative(above) / in.realTokens();
      }
    }
  }

  /** Standard normal distribution function by its series (Marsaglia, J. Stat. Softw. 2004). */
  private static double normalCumulative(double x) {
    if (Math.abs(x) > NEGLIGIBLE_TAIL) {
      return x > 0 ? 1 : 0;
    }
    double square = x * x;
    double term = x;
    double sum = x;
    double before = Double.NaN;
    for (int i = 3; sum != before; i += 2) {
      before = sum;
      term *= square / i;
      sum += term;
    }
    return 0.5 + sum * StrictMath.exp(-0.5 * square) / StrictMath.sqrt(2 * Math.PI);
  }

  private static double squaredVariation(double[] values, int count) {
    double mean = 0;
    for (int i = 0; i < count; i++) {
      mean += values[i] / count;
    }
    if (mean == 0) {
      return 0;
    }
    double squares = 0;
    for (int i = 0; i < count; i++) {
      squares += (values[i] - mean) * (values[i] - mean);
    }
    return squares / count / (mean * mean);
  }
}
