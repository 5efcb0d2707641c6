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
 * <p>Cost: O(tokens x experts + k x experts x log k) expected time, O(k x experts) memory and that
 * of at most half a million scores. Safe for any number of threads.
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
  private static final int BLOCK = TokenChoice.OWN + 8;
  private static final int SHIFT = TokenChoice.OWN + 9;
  private static final int SCORES = TokenChoice.OWN + 10;
  private static final int GROUP_MAXIMA = TokenChoice.OWN + 11;
  private static final int LARGEST = TokenChoice.OWN + 12;
  private static final int CHUNK_TOKEN = TokenChoice.OWN + 9;
  private static final int BUCKET = TokenChoice.OWN + 10;

  /** Scores that are kept at a time, 4 MiB; batches with more are worked through in chunks. */
  private static final int MOST_SCORES = 1 << 19;

  private static final int GROUPS_PER_ENTRY = ColumnFloors.GROUPS_PER_ENTRY;

  /** A floor that every score exceeds, 0 included, but not {@link #NO_SCORE}. */
  private static final double EVERY_SCORE = -0.5;

  private static final double NO_SCORE = -1;

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
    double[] listScore = work.doubles(LIST_SCORE, room);
    int[] listToken = work.ints(LIST_TOKEN, room);
    int[] count = work.ints(TokenChoice.COUNT, experts);
    double[] floor = work.doubles(FLOOR, experts);
    ExpertLists.clear(experts, k, EVERY_SCORE, count, floor);
    boolean overTokens = config.axis() == SoftmaxAxis.TOKENS;
    double[] columnSum = work.doubles(COLUMN_SUM, overTokens ? experts : 0);
    if (overTokens) {
      columnMaxima(input, work);
      Arrays.fill(columnSum, 0, experts, 0);
    }
    int length = SoftmaxBlock.length(experts);
    int most = Math.max(MOST_SCORES / length, 1) * SoftmaxBlock.LANES;
    int[] token = work.ints(CHUNK_TOKEN, Math.min(most, tokens) + SoftmaxBlock.LANES);
    int next = 0;
    while (next < tokens) {
      int size = 0;
      while (next < tokens && size < most) {
        token[size] = next;
        size += input.isPadding(next) ? 0 : 1;
        next++;
      }
      offerChunk(input, work, token, size, k, overTokens, columnSum, listScore, listToken);
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

  /** Scores a chunk of tokens, finds floors for the lists and offers what exceeds them. */
  private static void offerChunk(
      RouterInput in,
      Workspace work,
      int[] token,
      int size,
      int k,
      boolean overTokens,
      double[] columnSum,
      double[] listScore,
      int[] listToken) {
    int lanes = SoftmaxBlock.LANES;
    int experts = in.experts();
    int length = SoftmaxBlock.length(experts);
    int blocks = (size + lanes - 1) / lanes;
    int slots = Math.min(blocks, (int) Math.min(size, (long) k * GROUPS_PER_ENTRY) / lanes + 1);
    double[] scores = work.doubles(SCORES, Math.multiplyExact(blocks, length));
    double[] maxima = work.doubles(GROUP_MAXIMA, Math.multiplyExact(slots * lanes, experts));
    double[] largest = work.doubles(LARGEST, length);
    int slot = 0;
    Arrays.fill(largest, 0, length, 0);
    for (int b = 0; b < blocks; b++) {
      int first = b * lanes;
      int used = Math.min(lanes, size - first);
      double[] score = score(in, work, token, first, used, overTokens, columnSum);
      System.arraycopy(score, 0, scores, b * length, length);
      keepLarger(largest, score, length);
      if ((long) (b + 1) * slots / blocks > slot) {
        for (int e = 0; e < experts; e++) {
          System.arraycopy(largest, e * lanes, maxima, (e * slots + slot) * lanes, lanes);
        }
        Arrays.fill(largest, 0, length, 0);
        slot++;
      }
    }
    int[] count = work.ints(TokenChoice.COUNT, experts);
    double[] floor = work.doubles(FLOOR, experts);
    double[] rowFloor = work.doubles(LARGEST, length);
    int[] buckets = work.ints(BUCKET, ColumnFloors.BUCKETS);
    for (int e = 0; e < experts; e++) {
      if (k > 0) {
        int from = e * slots * lanes;
        floor[e] = ColumnFloors.raised(maxima, from, from + slots * lanes, k, floor[e], buckets);
      }
      Arrays.fill(rowFloor, e * lanes, e * lanes + lanes, floor[e]);
    }
    int[] taker = work.ints(TAKER, length + 1);
    double[] score = work.doubles(BLOCK, SoftmaxBlock.room(experts));
    double[] lack = work.doubles(TokenChoice.ROW, length);
    for (int b = 0; b < blocks; b++) {
      System.arraycopy(scores, b * length, score, 0, length);
      SoftmaxBlock.subtract(rowFloor, score, lack, experts * lanes);
      ExpertLists.offerBlock(
          in, token, b * lanes, score, lack, k, listScore, listToken, count, floor, rowFloor,
          taker);
    }
  }

  private static void keepLarger(double[] largest, double[] score, int length) {
    for (int i = 0; i < length; i++) {
      largest[i] = Math.max(largest[i], score[i]);
    }
  }

  /** Returns the scores of a block of tokens; lanes that are not used get one nobody takes. */
  private static double[] score(
      RouterInput in,
      Workspace work,
      int[] token,
      int first,
      int used,
      boolean overTokens,
      double[] columnSum) {
    int lanes = SoftmaxBlock.LANES;
    int experts = in.experts();
    int length = SoftmaxBlock.length(experts);
    int[] lane = work.ints(TokenChoice.LANE, lanes);
    for (int i = 0; i < lanes; i++) {
      lane[i] = token[first + Math.min(i, used - 1)];
    }
    double[] block = work.doubles(BLOCK, SoftmaxBlock.room(experts));
    double[] shift = work.doubles(SHIFT, SoftmaxBlock.room(experts));
    double[] difference = work.doubles(TokenChoice.ROW, length);
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, length);
    double[] scale = work.doubles(TokenChoice.SCALE, length);
    SoftmaxBlock.load(in, lane, block);
    if (!overTokens) {
      SoftmaxBlock.maxima(in, lane, block, shift, work);
    }
    SoftmaxBlock.subtract(block, shift, difference, experts * lanes);
    Exponentials.of(difference, 1, 0, exponential, scale, experts * lanes);
    double[] score = exponential;
    if (overTokens) {
      for (int e = 0; e < experts; e++) {
        for (int i = 0; i < used; i++) {
          columnSum[e] += score[e * lanes + i];
        }
      }
    } else {
      SoftmaxBlock.sums(exponential, experts, block);
      SoftmaxBlock.repeat(block, length);
      SoftmaxBlock.divide(exponential, block, difference, experts * lanes);
      score = difference;
    }
    if (used < lanes) {
      for (int e = 0; e < experts; e++) {
        Arrays.fill(score, e * lanes + used, e * lanes + lanes, NO_SCORE);
      }
    }
    Arrays.fill(score, experts * lanes, length, NO_SCORE);
    return score;
  }

  /** Writes the largest logit of every expert in the layout of a block. */
  private static void columnMaxima(RouterInput in, Workspace work) {
    int lanes = SoftmaxBlock.LANES;
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] columnMax = work.doubles(COLUMN_MAX, experts);
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
    double[] shift = work.doubles(SHIFT, SoftmaxBlock.room(experts));
    for (int e = 0; e < experts; e++) {
      Arrays.fill(shift, e * lanes, e * lanes + lanes, columnMax[e]);
    }
  }
}
