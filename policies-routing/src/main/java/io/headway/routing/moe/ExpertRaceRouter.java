package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.RoutingSignals;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Lets all (token, expert) pairs of a batch compete; the best {@code K} win, or when serving, all
 * those that reach a learned threshold.
 *
 * <p>Scores are the raw logits, and so are the gates. {@link Mode#BATCH}: the {@code K} largest
 * scores of the batch, ties to the lower {@code token * experts + expert}; {@code K} is {@code
 * pairs} or, if that is negative, {@code round(expertsPerToken * T)}, at most all pairs. {@link
 * Grouping} splits {@code K} evenly over tokens (plain top-k) or experts (expert choice). Without
 * grouping the K-th score moves the layer's {@link Threshold}: {@code tau = m tau + (1 - m) v_K}.
 * {@link Mode#THRESHOLD}: every pair with {@code score >= tau}, whatever else is in the batch;
 * while nothing has been learned ({@link Threshold#isCold()}), the best {@code coldTopK} of each
 * token. A masked pair never wins. There is no capacity: one expert may get every token.
 *
 * <p>Router similarity loss of BATCH: {@code (1/T) sum_ij W_ij (P^T P)_ij} with softmax rows {@code
 * P}, selections {@code M}, {@code C = M^T M}, {@code W_ii = E C_ii / sum_j C_jj} and {@code W_ij =
 * (E^2 - E) C_ij / sum_{a != b} C_ab}; a weight is 0 if its sum is.
 *
 * <p>Cost: O(tokens x experts) expected. THRESHOLD is batch-invariant, BATCH is not. A threshold
 * belongs to one thread at a time.
 *
 * <p>Yuan et al.: Expert Race, ICML 2025 (arXiv 2503.16057). Identity gating, threshold, momentum
 * and similarity weights follow public re-implementations; the fallback of a cold layer is this
 * library's.
 */
public final class ExpertRaceRouter implements ExpertRouter<ExpertRaceRouter.Threshold> {
  /** Experts per token on average unless configured otherwise. */
  public static final double DEFAULT_EXPERTS_PER_TOKEN = 2;

  /** Momentum of the threshold unless configured otherwise. */
  public static final double DEFAULT_MOMENTUM = 0.95;

  private static final int SCORE = TokenChoice.OWN;
  private static final int FLOOR = TokenChoice.OWN + 1;
  private static final int SIMILARITY = TokenChoice.OWN + 2;
  private static final int SPREAD = TokenChoice.OWN + 7;
  private static final int ID = TokenChoice.OWN;
  private static final int SELECTED = TokenChoice.OWN;

  /** What decides. */
  public enum Mode {
    /** The best pairs of the batch, as in training. */
    BATCH,
    /** A learned threshold, as in serving. */
    THRESHOLD
  }

  /** Among whom pairs compete. */
  public enum Grouping {
    /** All pairs of the batch. */
    NONE,
    /** The pairs of each token: plain top-k. */
    PER_TOKEN,
    /** The pairs of each expert: expert choice. */
    PER_EXPERT
  }

  /**
   * Settings.
   *
   * @param mode what decides; BATCH by default
   * @param grouping among whom pairs compete in BATCH; NONE by default
   * @param expertsPerToken average experts per token in BATCH, finite and at least 0; 2 by default
   * @param pairs winners in BATCH; negative, the default, to derive them from the average
   * @param coldTopK experts per token in THRESHOLD while nothing has been learned, at least 0; 2 by
   *     default
   * @param momentum weight of the past in the threshold, from 0 to 1; 0.95 by default
   * @param initialThreshold threshold before the first batch, finite; 0 by default
   */
  public record Config(
      Mode mode,
      Grouping grouping,
      double expertsPerToken,
      int pairs,
      int coldTopK,
      double momentum,
      double initialThreshold) {
    /** Training with two experts per token on average. */
    public static final Config DEFAULT =
        new Config(
            Mode.BATCH, Grouping.NONE, DEFAULT_EXPERTS_PER_TOKEN, -1, 2, DEFAULT_MOMENTUM, 0);

    /** Checks the settings. */
    public Config {
      requireNonNull(mode, "mode");
      requireNonNull(grouping, "grouping");
      Checks.coefficient("expertsPerToken", expertsPerToken);
      Checks.atLeast("coldTopK", 0, coldTopK, "experts");
      Checks.fraction("momentum", momentum);
      if (!(Math.abs(initialThreshold) < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "initialThreshold must be finite, but was " + initialThreshold);
      }
    }
  }

  /** The learned threshold of one layer. Not thread-safe. */
  public static final class Threshold {
    private double tau;
    private boolean cold = true;

    private Threshold(double tau) {
      this.tau = tau;
    }

    /**
     * Returns the threshold.
     *
     * @return tau; the initial one while cold
     */
    public double tau() {
      return tau;
    }

    /**
     * Tells whether nothing has been learned yet.
     *
     * @return true until the first batch with a winner or the first {@link #set}
     */
    public boolean isCold() {
      return cold;
    }

    /**
     * Sets the threshold, such as that of a checkpoint.
     *
     * @param tau finite
     */
    public void set(double tau) {
      if (!(Math.abs(tau) < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("tau must be finite, but was " + tau);
      }
      this.tau = tau;
      cold = false;
    }

    private void observe(double value, double momentum) {
      tau = momentum * tau + (1 - momentum) * value;
      cold = false;
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public ExpertRaceRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "expert-race";
  }

  @Override
  public Threshold newState() {
    return new Threshold(config.initialThreshold());
  }

  @Override
  public Set<RouterTrait> traits() {
    return config.mode() == Mode.THRESHOLD
        ? Traits.of(
            RouterTrait.BATCH_INVARIANT,
            RouterTrait.PREFIX_STABLE,
            RouterTrait.DROPLESS,
            RouterTrait.PERMUTATION_EQUIVARIANT,
            RouterTrait.VARIABLE_EXPERTS_PER_TOKEN,
            RouterTrait.RAW_GATES)
        : Traits.of(
            RouterTrait.DROPLESS,
            RouterTrait.PERMUTATION_EQUIVARIANT,
            RouterTrait.VARIABLE_EXPERTS_PER_TOKEN,
            RouterTrait.RAW_GATES);
  }

  @Override
  public void route(RouterInput input, Threshold state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int experts = input.experts();
    boolean[] selected = work.booleans(SELECTED, Math.multiplyExact(input.tokens(), experts));
    Arrays.fill(selected, 0, input.tokens() * experts, false);
    double worst = Double.NaN;
    boolean cold = state.isCold();
    if (config.mode() == Mode.THRESHOLD) {
      if (cold) {
        selectPerToken(input, work, Math.min(config.coldTopK(), experts), selected);
      } else {
        selectAbove(input, work, state.tau(), selected);
      }
    } else {
      worst = selectBest(input, work, selected);
      if (config.grouping() == Grouping.NONE && !Double.isNaN(worst)) {
        state.observe(worst, config.momentum());
      }
    }
    write(input, out, selected);
    if (out.signalLevel() != SignalLevel.NONE && config.mode() == Mode.BATCH) {
      reportSimilarity(input, out);
    }
    if (out.signalLevel() == SignalLevel.ALL) {
      explain(input, out, worst, cold);
    }
  }

  /** Selects by competition and returns the worst winner's score, NaN if there is none. */
  private double selectBest(RouterInput in, Workspace work, boolean[] selected) {
    int real = in.realTokens();
    long all = (long) real * in.experts();
    double asked =
        config.pairs() >= 0 ? config.pairs() : Math.rint(config.expertsPerToken() * real);
    int pairs = (int) Math.min(asked, (double) all);
    return switch (config.grouping()) {
      case NONE -> selectOverall(in, work, pairs, selected);
      case PER_TOKEN -> {
        selectPerToken(in, work, share(pairs, real, "tokens"), selected);
        yield Double.NaN;
      }
      case PER_EXPERT -> {
        selectPerExpert(in, work, share(pairs, in.experts(), "experts"), selected);
        yield Double.NaN;
      }
    };
  }

  private static int share(int pairs, int groups, String name) {
    if (groups == 0) {
      return 0;
    }
    if (pairs % groups != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          "pairs must be a multiple of " + groups + " " + name + ", but was " + pairs);
    }
    return pairs / groups;
  }

  private static double selectOverall(
      RouterInput in, Workspace work, int pairs, boolean[] selected) {
    if (pairs == 0) {
      return Double.NaN;
    }
    int experts = in.experts();
    // Twice the winners fit before the list is cut back to the best; see ExpertLists.
    int room = (int) Math.min(2L * pairs, (long) in.tokens() * experts);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] score = work.doubles(SCORE, room);
    int[] id = work.ints(ID, room);
    double floor = Double.NEGATIVE_INFINITY;
    int count = 0;
    for (int t = 0; t < in.tokens(); t++) {
      if (in.isPadding(t)) {
        continue;
      }
      in.loadRow(t, row);
      for (int e = 0; e < experts; e++) {
        if (row[e] > floor) {
          score[count] = row[e];
          id[count++] = t * experts + e;
          if (count == room && count > pairs) {
            floor = Selection.partition(score, id, 0, count, pairs);
            count = pairs;
          }
        }
      }
    }
    int winners = Math.min(pairs, count);
    if (winners == 0) {
      return Double.NaN;
    }
    double worst = Selection.partition(score, id, 0, count, winners);
    for (int i = 0; i < winners; i++) {
      selected[id[i]] = true;
    }
    return worst;
  }

  private static void selectPerToken(RouterInput in, Workspace work, int k, boolean[] selected) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] value = work.doubles(TokenChoice.PROBABILITY, k);
    int[] index = work.ints(TokenChoice.EXPERT, k);
    for (int t = 0; t < in.tokens(); t++) {
      if (in.isPadding(t)) {
        continue;
      }
      in.loadRow(t, row);
      Selection.addBest(row, 0, experts, k, 0, index, value, 0);
      for (int i = 0; i < k; i++) {
        selected[t * experts + index[i]] = value[i] > Double.NEGATIVE_INFINITY;
      }
    }
  }

  private static void selectPerExpert(RouterInput in, Workspace work, int k, boolean[] selected) {
    int experts = in.experts();
    int stride = ExpertLists.stride(k);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] floor = work.doubles(FLOOR, experts);
    double[] score = work.doubles(SCORE, Math.multiplyExact(stride, experts));
    int[] token = work.ints(ID, stride * experts);
    int[] count = work.ints(TokenChoice.COUNT, experts);
    int[] taker = work.ints(TokenChoice.SORT, experts);
    ExpertLists.clear(experts, k, Double.NEGATIVE_INFINITY, count, floor);
    for (int t = 0; t < in.tokens(); t++) {
      if (!in.isPadding(t)) {
        in.loadRow(t, row);
        ExpertLists.offer(t, row, experts, k, score, token, count, floor, taker);
      }
    }
    ExpertLists.finish(experts, k, score, token, count, work, SPREAD);
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < count[e]; i++) {
        selected[token[e * stride + i] * experts + e] = true;
      }
    }
  }

  private static void selectAbove(RouterInput in, Workspace work, double tau, boolean[] selected) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    for (int t = 0; t < in.tokens(); t++) {
      if (!in.isPadding(t)) {
        in.loadRow(t, row);
        for (int e = 0; e < experts; e++) {
          selected[t * experts + e] = row[e] >= tau;
        }
      }
    }
  }

  private static void write(RouterInput in, ExpertAssignments out, boolean[] selected) {
    int experts = in.experts();
    out.begin(in, CapacityRule.UNLIMITED_SLOTS, 1);
    for (int t = 0; t < in.tokens(); t++) {
      for (int e = 0; e < experts; e++) {
        if (selected[t * experts + e]) {
          out.assign(t, ExpertAssignments.NO_RANK, e, ExpertAssignments.NO_SLOT, in.logit(t, e));
        }
      }
    }
    out.end();
  }

  private static void reportSimilarity(RouterInput in, ExpertAssignments out) {
    Workspace work = out.workspace();
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] p = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] similar = work.doubles(SIMILARITY, experts * experts);
    double[] together = out.signals().add(MoeSignals.CO_SELECTION, experts, experts);
    Arrays.fill(similar, 0, experts * experts, 0);
    for (int t = 0; t < in.tokens(); t++) {
      if (in.isPadding(t)) {
        continue;
      }
      int best = in.loadRow(t, row);
      double sum = Exponentials.of(row, 1, row[best], p, scale, experts);
      for (int i = 0; i < experts; i++) {
        for (int j = 0; j < experts; j++) {
          similar[i * experts + j] += p[i] / sum * (p[j] / sum);
        }
      }
      for (int a = out.tokenOffset(t); a < out.tokenOffset(t + 1); a++) {
        for (int b = out.tokenOffset(t); b < out.tokenOffset(t + 1); b++) {
          together[out.expert(a) * experts + out.expert(b)]++;
        }
      }
    }
    double diagonal = 0;
    double other = 0;
    for (int i = 0; i < experts; i++) {
      for (int j = 0; j < experts; j++) {
        if (i == j) {
          diagonal += together[i * experts + j];
        } else {
          other += together[i * experts + j];
        }
      }
    }
    double loss = 0;
    for (int i = 0; i < experts; i++) {
      for (int j = 0; j < experts; j++) {
        int at = i * experts + j;
        double total = i == j ? diagonal : other;
        double factor = i == j ? experts : (double) experts * (experts - 1);
        loss += total == 0 ? 0 : factor * together[at] / total * similar[at];
      }
    }
    out.signals()
        .add(MoeSignals.ROUTER_SIMILARITY_LOSS, in.realTokens() == 0 ? 0 : loss / in.realTokens());
  }

  private void explain(RouterInput in, ExpertAssignments out, double worst, boolean cold) {
    RoutingSignals signals = out.signals();
    signals.add(MoeSignals.SELECTED_PAIRS, out.pairCount());
    if (!Double.isNaN(worst)) {
      signals.add(MoeSignals.SELECTION_THRESHOLD, worst);
    }
    if (config.mode() == Mode.THRESHOLD) {
      signals.add(MoeSignals.COLD, cold ? 1 : 0);
    }
    double[] perToken = signals.add(MoeSignals.EXPERTS_PER_TOKEN, 1, in.tokens());
    for (int t = 0; t < in.tokens(); t++) {
      perToken[t] = out.tokenOffset(t + 1) - out.tokenOffset(t);
    }
  }
}
