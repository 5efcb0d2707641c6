package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.Set;

/**
 * Sends each token to its most probable expert, as far as that expert has room.
 *
 * <p>With {@code p = softmax(z)}: the expert is {@code argmax_e p[t][e]}, the gate {@code p[t][e]},
 * undivided. Tokens take slots in token order, or by descending gate with {@link
 * FillOrder#PRIORITY_MAX}; a token whose expert is full is dropped. Losses, from the choices before
 * dropping: {@code alpha * E * sum_e f_e * P_e} with the share {@code f} of tokens and the mean
 * probability {@code P} per expert, which is {@code alpha} for uniform routing, and the router
 * z-loss of ST-MoE without coefficient.
 *
 * <p>Ties go to the lower expert, equal priorities to the lower token. Cost: O(tokens x experts)
 * time, plus a sort of the tokens by priority. Safe for any number of threads.
 *
 * <p>Fedus, Zoph, Shazeer: Switch Transformers, JMLR 2022 (arXiv 2101.03961). Departures: losses
 * divide by the tokens that are not padding, where the authors' code divides by the group size;
 * jitter of the router's input belongs to whoever makes the logits.
 */
public final class SwitchRouter implements ExpertRouter<Stateless> {
  /** Capacity factor of the authors' code when training; they use 2.0 to evaluate. */
  public static final double DEFAULT_CAPACITY_FACTOR = 1.25;

  /** Weight of the balance loss. */
  public static final double DEFAULT_LOSS_COEFFICIENT = 0.01;

  /**
   * Settings.
   *
   * @param capacity slots per expert; by default a factor of 1.25 of the tokens, rounded up
   * @param order who fills first; token order by default
   * @param lossCoefficient weight alpha of the balance loss, finite and at least 0; 0.01 by default
   */
  public record Config(CapacityRule capacity, FillOrder order, double lossCoefficient) {
    /** The settings of the paper. */
    public static final Config DEFAULT =
        new Config(
            CapacityRule.factor(DEFAULT_CAPACITY_FACTOR),
            FillOrder.TOKEN,
            DEFAULT_LOSS_COEFFICIENT);

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
      requireNonNull(order, "order");
      Checks.coefficient("lossCoefficient", lossCoefficient);
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public SwitchRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "switch";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.ofTokenChoice(config.capacity(), config.order(), 1);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    double squares =
        TokenChoice.route(
            input,
            out,
            1,
            config.capacity(),
            config.order(),
            GateNormalisation.NONE,
            TieBreak.LOWEST_EXPERT,
            1,
            sums);
    if (sums != null) {
      int[] count = out.workspace().ints(TokenChoice.COUNT, input.experts());
      TokenChoice.countChoices(
          out.workspace().ints(TokenChoice.EXPERT, input.tokens()),
          0,
          input.tokens(),
          input.experts(),
          count);
      Losses.switchBalance(input, out, count, input.realTokens(), sums, config.lossCoefficient());
      Losses.zLoss(input, out, squares);
    }
  }
}
