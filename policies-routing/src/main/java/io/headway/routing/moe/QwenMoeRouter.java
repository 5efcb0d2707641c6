package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.SignalLevel;
import java.util.Set;

/**
 * Sends each token to its {@code k} most probable routed experts, beside one shared expert with a
 * gate of its own.
 *
 * <p>Probabilities are the softmax over the routed experts; the gate is the probability, divided by
 * the sum over the chosen ones if {@code normTopkProb} is set. No capacity, no drops. With {@link
 * RouterInput#sharedGateLogits} the gate of the shared expert, {@code sigmoid(logit)}, is reported
 * as {@link MoeSignals#SHARED_GATE}. Balance loss of this batch, without coefficient: {@code N
 * sum_i f_i P_i} with {@code f_i = count_i / (k T)}; {@link GlobalBatchBalance} takes {@code f}
 * over a global batch.
 *
 * <p>Ties go to the lower expert. Cost: O(tokens x experts). Batch-invariant. Safe for any number
 * of threads.
 *
 * <p>Qwen Team: Qwen1.5-MoE and Qwen2 Technical Report, 2024 (arXiv 2407.10671): 60 routed experts,
 * 4 active, not normalised. Qwen3 normalises and has no shared expert.
 */
public final class QwenMoeRouter implements ExpertRouter<Stateless> {
  /** Active routed experts of Qwen1.5-MoE-A2.7B. */
  public static final int DEFAULT_TOP_K = 4;

  /**
   * Settings.
   *
   * @param topK active routed experts per token, at least 1, at most their number; 4 by default
   * @param normTopkProb whether gates are divided by their sum; false by default
   */
  public record Config(int topK, boolean normTopkProb) {
    /** The settings of Qwen1.5-MoE-A2.7B. */
    public static final Config DEFAULT = new Config(DEFAULT_TOP_K, false);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public QwenMoeRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "qwen-moe";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.ofTokenChoice(CapacityRule.unlimited(), FillOrder.TOKEN, config.topK());
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
            CapacityRule.unlimited(),
            FillOrder.TOKEN,
            config.normTopkProb() ? GateNormalisation.CHOSEN : GateNormalisation.NONE,
            TieBreak.LOWEST_EXPERT,
            1,
            sums);
    if (sums != null) {
      Losses.switchBalance(input, out, out.loads(), (long) input.realTokens() * k, sums, 1);
      Losses.zLoss(input, out, squares);
    }
    double[] sharedGateLogits = input.sharedGateLogits();
    if (sharedGateLogits != null && out.signalLevel() == SignalLevel.ALL) {
      int tokens = input.tokens();
      double[] gates = out.signals().add(MoeSignals.SHARED_GATE, 1, tokens);
      Exponentials.sigmoids(
          sharedGateLogits, gates, out.workspace().doubles(TokenChoice.OWN, tokens), tokens);
    }
  }
}
