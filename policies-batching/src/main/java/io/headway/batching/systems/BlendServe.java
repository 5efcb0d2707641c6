package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.DensityPlanner;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides offline batches as BlendServe does: requests bound by compute and requests bound by
 * memory in alternation, prefixes kept together, admitted as long as memory lasts and filled to the
 * token budget. See {@link DensityPlanner} for the order.
 *
 * <p>Id {@code blendserve}. Needs token ids or block keys and a pool that caches prefixes to share
 * them. BlendServe, arXiv 2411.16102.
 *
 * @param tokenBudget tokens in one iteration, at least 1
 * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
 * @param planning times and window
 */
public record BlendServe(
    int tokenBudget, double watermarkFraction, DensityPlanner.Parameters planning) {
  /** The id. */
  public static final String ID = "blendserve";

  /** A budget of 2,048 tokens and a watermark of 5 %, which are ours. */
  public static final BlendServe DEFAULT =
      new BlendServe(2048, 0.05, DensityPlanner.Parameters.DEFAULT);

  static final String SOURCE = "BlendServe, arXiv 2411.16102";

  public BlendServe {
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
    requireNonNull(planning, "planning");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new FirstChunkAdmission(watermarkFraction))
        .composition(new TokenBudgetComposer(tokenBudget, 0, true))
        .preemption(new LastCandidate())
        .planning(new DensityPlanner(planning))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    ParameterSet.Builder builder =
        ParameterSet.builder()
            .intValue(
                "tokenBudget",
                DEFAULT.tokenBudget,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens in one iteration")
            .doubleValue(
                "watermarkFraction",
                DEFAULT.watermarkFraction,
                0,
                Math.nextDown(1.0),
                "",
                "share of the pool that stays free after an admission");
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Offline work bound by compute and by memory in alternation, prefixes together",
        SOURCE,
        planning(builder).build(),
        config ->
            new BlendServe(
                    config.intValue("tokenBudget"),
                    config.doubleValue("watermarkFraction"),
                    planning(config))
                .policy());
  }

  static ParameterSet.Builder planning(ParameterSet.Builder builder) {
    DensityPlanner.Parameters defaults = DEFAULT.planning;
    return BatchLlm.window(
        builder
            .doubleValue(
                "computeSeconds",
                defaults.computeSeconds(),
                Double.MIN_NORMAL,
                Double.POSITIVE_INFINITY,
                "s/token",
                "compute time per token")
            .doubleValue(
                "memorySeconds",
                defaults.memorySeconds(),
                Double.MIN_NORMAL,
                Double.POSITIVE_INFINITY,
                "s/token",
                "memory time per KV entry read"));
  }

  static DensityPlanner.Parameters planning(PolicyConfig config) {
    return new DensityPlanner.Parameters(
        config.doubleValue("computeSeconds"),
        config.doubleValue("memorySeconds"),
        config.longValue("windowNanos"));
  }
}
