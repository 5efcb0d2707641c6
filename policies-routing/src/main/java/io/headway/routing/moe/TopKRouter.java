package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.Workspace;
import java.util.Set;

/**
 * Sends each token to its {@code k} most probable experts, with every rule around that as a
 * setting: capacity, order of filling, normalisation and scale of the gates, tie-break.
 *
 * <p>Probabilities are the softmax over the experts. Without a capacity, the default, nothing is
 * dropped. Gates are the probabilities, or divided by their sum over the chosen or the kept
 * experts, times {@code gateScale}; the default, divided over the chosen ones, equals a softmax
 * over the chosen logits. Losses before dropping: {@code E sum_e f_e P_e} with {@code f_e = count_e
 * / (k T)}, and the router z-loss, both without coefficient.
 *
 * <p>Cost: O(tokens x experts), plus a sort of the tokens by priority. Safe for any number of
 * threads.
 *
 * <p>The defaults are those of Jiang et al.: Mixtral of Experts, 2024 (arXiv 2401.04088); the
 * z-loss is that of Zoph et al.: ST-MoE, 2022 (arXiv 2202.08906).
 */
public final class TopKRouter implements ExpertRouter<Stateless> {
  /** Choices per token unless configured otherwise. */
  public static final int DEFAULT_TOP_K = 2;

  /**
   * Settings.
   *
   * @param topK choices per token, at least 1, at most the number of experts; 2 by default
   * @param capacity slots per expert; unlimited by default
   * @param order who fills first; token order by default
   * @param gates what gates are divided by; the sum over the chosen by default
   * @param gateScale factor on the gates, finite and above 0; 1 by default
   * @param tieBreak which of equal experts comes first; the lowest by default
   */
  public record Config(
      int topK,
      CapacityRule capacity,
      FillOrder order,
      GateNormalisation gates,
      double gateScale,
      TieBreak tieBreak) {
    /** Dropless routing as in Mixtral 8x7B. */
    public static final Config DEFAULT =
        new Config(
            DEFAULT_TOP_K,
            CapacityRule.unlimited(),
            FillOrder.TOKEN,
            GateNormalisation.CHOSEN,
            1,
            TieBreak.LOWEST_EXPERT);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
      requireNonNull(capacity, "capacity");
      requireNonNull(order, "order");
      requireNonNull(gates, "gates");
      Checks.positive("gateScale", gateScale);
      requireNonNull(tieBreak, "tieBreak");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public TopKRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "top-k";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    Set<RouterTrait> traits =
        Traits.ofTokenChoice(config.capacity(), config.order(), config.topK());
    return config.tieBreak() == TieBreak.ROTATING ? Traits.ofRotatingTies(traits) : traits;
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    int k = config.topK();
    int experts = input.experts();
    TokenChoice.requireTopK("topK", k, 1, experts);
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    double squares =
        TokenChoice.route(
            input,
            out,
            k,
            config.capacity(),
            config.order(),
            config.gates(),
            config.tieBreak(),
            config.gateScale(),
            sums);
    if (sums != null) {
      Workspace work = out.workspace();
      int entries = input.tokens() * k;
      int[] count = work.ints(TokenChoice.COUNT, experts);
      TokenChoice.countChoices(work.ints(TokenChoice.EXPERT, entries), 0, entries, experts, count);
      Losses.switchBalance(input, out, count, (long) input.realTokens() * k, sums, 1);
      Losses.zLoss(input, out, squares);
    }
  }
}
