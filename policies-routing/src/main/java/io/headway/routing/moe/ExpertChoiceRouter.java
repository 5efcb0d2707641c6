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

/**
 * Lets each expert take its {@code k} best tokens, so that all experts are equally busy and a token
 * gets any number of experts, none included.
 *
 * <p>With {@code c} experts per token on average, {@code k = ceil(c T / E)}, at most the tokens of
 * the batch. {@link SoftmaxAxis#EXPERTS}: scores are {@code p = softmax} over experts, the gate is
 * {@code p[t][e]}, undivided. {@link SoftmaxAxis#TOKENS}: scores are the softmax over tokens, the
 * gate is divided by the number of experts that chose the token. The slot is the rank within the
 * expert; equal scores go to the lower token. An expert never takes a token that masks it, even if
 * that leaves slots empty. There is no loss and no drop.
 *
 * <p>Not causal and not batch-invariant: a token's experts depend on all others, so two runs of one
 * request differ with its neighbours. With few tokens every expert still takes one: a lone decode
 * token is processed by all of them.
 *
 * <p>Cost: O(tokens x experts + k x experts x log k) expected time, O(k x experts) memory. Safe for
 * any number of threads.
 *
 * <p>Zhou et al.: Mixture-of-Experts with Expert Choice Routing, NeurIPS 2022 (arXiv 2202.09368).
 * Departures: the paper leaves {@code k} un-rounded; the softmax over tokens is that of
 * Mesh-TensorFlow.
 */
public final class ExpertChoiceRouter implements ExpertRouter<Stateless> {
  /** Experts per token on average unless configured otherwise; comparable to top-2 routing. */
  public static final double DEFAULT_EXPERTS_PER_TOKEN = 2;

  private static final int LIST_SCORE = TokenChoice.OWN;
  private static final int FLOOR = TokenChoice.OWN + 1;
  private static final int COLUMN_MAX = TokenChoice.OWN + 2;
  private static final int COLUMN_SUM = TokenChoice.OWN + 3;
  private static final int LIST_TOKEN = TokenChoice.OWN;
  private static final int WRITE = TokenChoice.OWN + 4;
  private static final int TAKER = TokenChoice.ORDER;
  private static final int SPREAD = TokenChoice.OWN + 7;

  /** What the scores of one softmax sum to 1 over. */
  public enum SoftmaxAxis {
    /** The experts of a token, as published. */
    EXPERTS,
    /** The tokens of an expert, as in Mesh-TensorFlow. */
    TOKENS
  }

  /**
   * Settings.
   *
   * @param capacity tokens per expert, before the limit of the batch; by default {@code max(1,
   *     ceil(2 T / E))}
   * @param axis axis of the softmax; EXPERTS by default
   */
  public record Config(CapacityRule capacity, SoftmaxAxis axis) {
    /** The settings of the paper, rounded up. */
    public static final Config DEFAULT =
        new Config(
            CapacityRule.factor(DEFAULT_EXPERTS_PER_TOKEN).capAtTokens(true), SoftmaxAxis.EXPERTS);

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
      requireNonNull(axis, "axis");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public ExpertChoiceRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "expert-choice";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return config.axis() == SoftmaxAxis.EXPERTS
        ? Traits.of(
            RouterTrait.DROPLESS,
            RouterTrait.EXACT_BALANCE,
            RouterTrait.ROW_SHIFT_INVARIANT,
            RouterTrait.CAPACITY_MONOTONE,
            RouterTrait.PERMUTATION_EQUIVARIANT,
            RouterTrait.VARIABLE_EXPERTS_PER_TOKEN)
        : Traits.of(
            RouterTrait.DROPLESS,
            RouterTrait.EXACT_BALANCE,
            RouterTrait.CAPACITY_MONOTONE,
            RouterTrait.PERMUTATION_EQUIVARIANT,
            RouterTrait.VARIABLE_EXPERTS_PER_TOKEN);
  }

  /** Returns the tokens per expert: what the rule says, at most the tokens of the batch. */
  static int tokensPerExpert(CapacityRule rule, RouterInput input) {
    int slots = rule.slots(input.tokens(), input.experts(), 1, input.tokens());
    return slots == CapacityRule.UNLIMITED_SLOTS
        ? input.realTokens()
        : Math.min(slots, input.realTokens());
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int k = tokensPerExpert(config.capacity(), input);
    int stride = ExpertLists.stride(k);
    int room = Math.multiplyExact(stride, experts);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] score = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] listScore = work.doubles(LIST_SCORE, room);
    int[] listToken = work.ints(LIST_TOKEN, room);
    int[] count = work.ints(TokenChoice.COUNT, experts);
    double[] floor = work.doubles(FLOOR, experts);
    int[] taker = work.ints(TAKER, experts);
    ExpertLists.clear(experts, k, -1, count, floor);
    boolean overTokens = config.axis() == SoftmaxAxis.TOKENS;
    double[] columnMax = work.doubles(COLUMN_MAX, overTokens ? experts : 0);
    double[] columnSum = work.doubles(COLUMN_SUM, overTokens ? experts : 0);
    if (overTokens) {
      columnMaxima(input, row, columnMax);
      Arrays.fill(columnSum, 0, experts, 0);
    }
    for (int t = 0; t < tokens; t++) {
      if (input.isPadding(t)) {
        continue;
      }
      int best = input.loadRow(t, row);
      double divisor = 1;
      if (overTokens) {
        for (int e = 0; e < experts; e++) {
          row[e] -= columnMax[e];
        }
        Exponentials.of(row, 1, 0, score, scale, experts);
        for (int e = 0; e < experts; e++) {
          columnSum[e] += score[e];
        }
      } else {
        divisor = Exponentials.of(row, 1, row[best], score, scale, experts);
      }
      ExpertLists.offer(
          t, row, score, divisor, experts, k, listScore, listToken, count, floor, taker);
    }
    ExpertLists.finish(experts, k, listScore, listToken, count, work, SPREAD);
    if (overTokens) {
      for (int e = 0; e < experts; e++) {
        for (int i = e * stride; i < e * stride + count[e]; i++) {
          listScore[i] /= columnSum[e];
        }
      }
    }
    out.begin(input, k, 1);
    ExpertLists.write(
        out, tokens, experts, k, listScore, listToken, count, true, overTokens, work, WRITE);
    out.end();
  }

  private static void columnMaxima(RouterInput in, double[] row, double[] columnMax) {
    int experts = in.experts();
    // Not minus infinity: a column that every token masks must not become NaN when it is shifted.
    Arrays.fill(columnMax, 0, experts, -Double.MAX_VALUE);
    for (int t = 0; t < in.tokens(); t++) {
      if (!in.isPadding(t)) {
        in.loadRow(t, row);
        for (int e = 0; e < experts; e++) {
          columnMax[e] = Math.max(columnMax[e], row[e]);
        }
      }
    }
  }
}
