package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.LoadBalance;
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
 * Sends each token to its {@code K} best routed experts in at most {@code M} groups, balanced by a
 * bias per expert instead of a loss.
 *
 * <p>Affinities are {@code s = sigmoid(z)}; selection looks at {@code s + b}. Groups (nodes) are
 * equal consecutive blocks of experts; a group scores the sum of its {@code max(1, floor(K / M))}
 * best biased affinities, the {@code M} best groups are kept (ties to the lower group), then the
 * {@code K} best experts in them. The bias never enters the gate: {@code g = s_i / sum of the
 * selected s * routeScale}, 0 if that sum is 0. Nothing is dropped.
 *
 * <p>{@link Bias#update} moves the biases once per step or statistics window: {@code b_i += gamma *
 * sign(mean load - load_i)}. Loss per sequence of {@code T} tokens over {@code N} experts: {@code
 * alpha sum_i f_i P_i} with {@code f_i = N / (K T) * (tokens with i among their unbiased, ungrouped
 * top K)} and the mean {@code P} of {@code s_i / sum_j s_j}.
 *
 * <p>Ties go to the lower expert. Cost: O(tokens x experts). Batch-invariant at a fixed bias. A
 * bias belongs to one thread at a time.
 *
 * <p>DeepSeek-AI: DeepSeek-V3, 2024 (arXiv 2412.19437); Wang et al.: Auxiliary-Loss-Free Load
 * Balancing, 2024 (arXiv 2408.15664). 256 routed experts in 8 groups, 8 active, M = 4, scale 2.5.
 * Departure: a fraction {@code K / M} is rounded down, at least to 1; the released code always sums
 * two.
 */
public final class DeepSeekV3Router implements ExpertRouter<DeepSeekV3Router.Bias> {
  /** Active routed experts. */
  public static final int DEFAULT_TOP_K = 8;

  /** Expert groups. */
  public static final int DEFAULT_GROUPS = 8;

  /** Groups a token may use. */
  public static final int DEFAULT_MAX_GROUPS = 4;

  /** Factor on the gates. */
  public static final double DEFAULT_ROUTE_SCALE = 2.5;

  /** Weight of the sequence-wise loss. */
  public static final double DEFAULT_LOSS_COEFFICIENT = 0.0001;

  private static final int GROUP_SCORE = TokenChoice.OWN;
  private static final int GROUP_BEST = TokenChoice.OWN + 1;
  private static final int BIASED = TokenChoice.OWN + 2;
  private static final int GROUP = TokenChoice.OWN;
  private static final int GROUP_INDEX = TokenChoice.OWN + 1;
  private static final int TOKEN_GROUPS = TokenChoice.OWN + 2;
  private static final int ALL_GROUP_SCORES = TokenChoice.OWN + 4;
  // Below every biased affinity, but finite, so that sums over groups stay comparable.
  private static final double MASKED = -1e300;

  /**
   * Settings.
   *
   * @param topK active routed experts per token, at least 1; 8 by default
   * @param groups groups, a divisor of the number of routed experts; 8 by default
   * @param maxGroups groups a token may use, at least 1; 4 by default
   * @param routeScale factor on the gates, above 0; 2.5 by default
   * @param lossCoefficient weight of the sequence-wise loss, at least 0; 0.0001 by default
   */
  public record Config(
      int topK, int groups, int maxGroups, double routeScale, double lossCoefficient) {
    /** The settings of the 671B model. */
    public static final Config DEFAULT =
        new Config(
            DEFAULT_TOP_K,
            DEFAULT_GROUPS,
            DEFAULT_MAX_GROUPS,
            DEFAULT_ROUTE_SCALE,
            DEFAULT_LOSS_COEFFICIENT);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
      Checks.atLeast("groups", 1, groups, "group");
      Checks.atLeast("maxGroups", 1, maxGroups, "group");
      Checks.positive("routeScale", routeScale);
      Checks.coefficient("lossCoefficient", lossCoefficient);
    }
  }

  /** The balancing biases of one layer; 0 at the start. Not thread-safe. */
  public static final class Bias {
    /** Speed of the published training, except its last 0.5T tokens. */
    public static final double DEFAULT_GAMMA = 0.001;

    private double[] bias = {};

    private Bias() {}

    /**
     * Sets all biases, such as those of a checkpoint.
     *
     * @param bias one finite number per routed expert; copied
     */
    public void set(double[] bias) {
      for (int e = 0; e < bias.length; e++) {
        if (!(Math.abs(bias[e]) < Double.POSITIVE_INFINITY)) {
          throw new IllegalArgumentException("bias[" + e + "] must be finite, but was " + bias[e]);
        }
      }
      this.bias = bias.clone();
    }

    /**
     * Returns one bias.
     *
     * @param expert expert index
     * @return its bias, 0 before any update
     */
    public double of(int expert) {
      return expert < bias.length ? bias[expert] : 0;
    }

    /**
     * Moves the bias of every expert by {@code gamma}, down if it had more than the mean load, up
     * if less; nothing without load.
     *
     * @param load pairs per expert since the last update, each at least 0; entries beyond the
     *     experts are not read
     * @param experts number of routed experts
     * @param gamma step, finite and at least 0; 0 freezes the biases
     */
    public void update(int[] load, int experts, double gamma) {
      Checks.coefficient("gamma", gamma);
      prepare(experts);
      if (load.length < experts) {
        throw new IllegalArgumentException(
            "load must have an entry for each of " + experts + " experts, but had " + load.length);
      }
      long sum = 0;
      for (int e = 0; e < experts; e++) {
        if (load[e] < 0) {
          throw new IllegalArgumentException(
              "load[" + e + "] must be at least 0 pairs, but was " + load[e]);
        }
        sum += load[e];
      }
      for (int e = 0; e < experts && sum > 0; e++) {
        // Compared without dividing, so that a load at the exact mean is recognised as such.
        bias[e] += gamma * Long.signum(sum - (long) load[e] * experts);
      }
    }

    private double[] prepare(int experts) {
      if (bias.length == 0) {
        bias = new double[experts];
      } else if (bias.length != experts) {
        throw new IllegalArgumentException(
            "experts must be " + bias.length + " as in the biases, but was " + experts);
      }
      return bias;
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public DeepSeekV3Router(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "deepseek-v3";
  }

  @Override
  public Bias newState() {
    return new Bias();
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.of(
        RouterTrait.BATCH_INVARIANT,
        RouterTrait.PREFIX_STABLE,
        RouterTrait.DROPLESS,
        RouterTrait.PERMUTATION_EQUIVARIANT,
        RouterTrait.CAPACITY_MONOTONE);
  }

  @Override
  public void route(RouterInput input, Bias state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int groups = config.groups();
    int k = config.topK();
    int limit = Math.min(config.maxGroups(), groups);
    if (experts % groups != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          "experts must be a multiple of groups = " + groups + ", but was " + experts);
    }
    int perGroup = experts / groups;
    TokenChoice.requireTopK("topK", k, 1, limit * perGroup);
    double[] bias = state.prepare(experts);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] affinity = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] biased = work.doubles(BIASED, experts);
    double[] value = work.doubles(TokenChoice.PROBABILITY, k);
    int[] chosen = work.ints(TokenChoice.EXPERT, k);
    int[] group = work.ints(GROUP, limit);
    double[] groupScore = work.doubles(GROUP_SCORE, groups);
    boolean all = out.signalLevel() == SignalLevel.ALL && groups > 1;
    double[] allScores = work.doubles(ALL_GROUP_SCORES, all ? tokens * groups : 0);
    int[] tokenGroups = work.ints(TOKEN_GROUPS, all ? tokens * limit : 0);
    out.begin(input, CapacityRule.UNLIMITED_SLOTS, 1);
    out.reserve(Math.multiplyExact(tokens, k), 0);
    for (int t = 0; t < tokens; t++) {
      if (input.isPadding(t)) {
        if (all) {
          Arrays.fill(allScores, t * groups, (t + 1) * groups, 0);
          Arrays.fill(tokenGroups, t * limit, (t + 1) * limit, -1);
        }
        continue;
      }
      input.loadRow(t, row);
      Exponentials.sigmoids(row, affinity, scale, experts);
      for (int e = 0; e < experts; e++) {
        biased[e] = row[e] == Double.NEGATIVE_INFINITY ? MASKED : affinity[e] + bias[e];
      }
      if (groups == 1) {
        Selection.addBest(biased, 0, experts, k, 0, chosen, value, 0);
      } else {
        chooseGroups(work, biased, perGroup, limit, groupScore, group);
        int size = 0;
        for (int i = 0; i < limit; i++) {
          int from = group[i] * perGroup;
          size = Selection.addBest(biased, from, from + perGroup, k, size, chosen, value, 0);
        }
        if (all) {
          System.arraycopy(groupScore, 0, allScores, t * groups, groups);
          System.arraycopy(group, 0, tokenGroups, t * limit, limit);
        }
      }
      double sum = 0;
      for (int i = 0; i < k; i++) {
        sum += affinity[chosen[i]];
      }
      double factor = sum > 0 ? config.routeScale() / sum : 0;
      for (int i = 0; i < k; i++) {
        out.assign(t, i, chosen[i], ExpertAssignments.NO_SLOT, affinity[chosen[i]] * factor);
      }
    }
    out.end();
    if (out.signalLevel() != SignalLevel.NONE) {
      reportLoss(input, out);
      out.signals()
          .add(MoeSignals.MAX_VIOLATION, LoadBalance.of(out.loads(), experts).maxViolation());
    }
    if (all) {
      double[] scores = out.signals().add(MoeSignals.GROUP_SCORE, tokens, groups);
      System.arraycopy(allScores, 0, scores, 0, tokens * groups);
      double[] kept = out.signals().add(MoeSignals.TOKEN_GROUPS, tokens, limit);
      for (int i = 0; i < tokens * limit; i++) {
        kept[i] = tokenGroups[i];
      }
    }
  }

  private void chooseGroups(
      Workspace work, double[] biased, int perGroup, int limit, double[] groupScore, int[] group) {
    int groups = config.groups();
    int best = Math.min(perGroup, Math.max(1, config.topK() / config.maxGroups()));
    double[] top = work.doubles(GROUP_BEST, Math.max(best, limit));
    int[] index = work.ints(GROUP_INDEX, best);
    for (int g = 0; g < groups; g++) {
      Selection.addBest(biased, g * perGroup, (g + 1) * perGroup, best, 0, index, top, 0);
      double sum = 0;
      for (int i = 0; i < best; i++) {
        sum += top[i];
      }
      groupScore[g] = sum;
    }
    Selection.addBest(groupScore, 0, groups, limit, 0, group, top, 0);
    // In ascending order, so that equal experts are met lowest index first.
    Arrays.sort(group, 0, limit);
  }

  private void reportLoss(RouterInput in, ExpertAssignments out) {
    Workspace work = out.workspace();
    RoutingSignals signals = out.signals();
    int experts = in.experts();
    int sequences = in.sequenceCount();
    int k = config.topK();
    double[] loss = signals.add(MoeSignals.SEQUENCE_BALANCE_LOSS, 1, sequences);
    double[] share = signals.add(MoeSignals.CHOICE_SHARE, sequences, experts);
    double[] mean = signals.add(MoeSignals.MEAN_PROBABILITY, sequences, experts);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] affinity = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] value = work.doubles(TokenChoice.PROBABILITY, k);
    int[] chosen = work.ints(TokenChoice.EXPERT, k);
    int t = 0;
    for (int s = 0; s < sequences; s++) {
      int at = s * experts;
      int real = 0;
      for (int end = t + in.sequenceTokens(s); t < end; t++) {
        if (in.isPadding(t)) {
          continue;
        }
        real++;
        in.loadRow(t, row);
        Exponentials.sigmoids(row, affinity, scale, experts);
        Selection.addBest(affinity, 0, experts, k, 0, chosen, value, 0);
        for (int i = 0; i < k; i++) {
          share[at + chosen[i]]++;
        }
        double sum = 0;
        for (int e = 0; e < experts; e++) {
          sum += affinity[e];
        }
        for (int e = 0; e < experts && sum > 0; e++) {
          mean[at + e] += affinity[e] / sum;
        }
      }
      for (int e = 0; e < experts && real > 0; e++) {
        share[at + e] *= experts / ((double) k * real);
        mean[at + e] /= real;
        loss[s] += config.lossCoefficient() * share[at + e] * mean[at + e];
      }
    }
  }
}
