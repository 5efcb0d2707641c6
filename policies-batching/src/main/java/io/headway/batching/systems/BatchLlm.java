package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.PrefixGroupPlanner;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides offline batches as BatchLLM does: groups of requests that share a prefix, the groups with
 * the most output per prefill token first, admitted as long as memory lasts and filled to the token
 * budget. See {@link PrefixGroupPlanner} for groups and order.
 *
 * <p>Id {@code batchllm}. Needs token ids or block keys and a pool that caches prefixes. Zheng et
 * al., BatchLLM, arXiv 2412.03594.
 *
 * @param tokenBudget tokens in one iteration, at least 1
 * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
 * @param windowNanos least time between two plans, at least 0
 */
public record BatchLlm(int tokenBudget, double watermarkFraction, long windowNanos) {
  /** The id. */
  public static final String ID = "batchllm";

  /** A budget of 2,048 tokens and a watermark of 5 %, which are ours; a plan a second at most. */
  public static final BatchLlm DEFAULT =
      new BatchLlm(2048, 0.05, PrefixGroupPlanner.DEFAULT_WINDOW_NANOS);

  static final String SOURCE = "Zheng et al., BatchLLM, arXiv 2412.03594";

  public BatchLlm {
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
    Arguments.atLeast("windowNanos", windowNanos, 0L, "ns");
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
        .planning(new PrefixGroupPlanner(windowNanos))
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
        "Offline groups that share a prefix, the most output per prefill token first",
        SOURCE,
        window(builder).build(),
        config ->
            new BatchLlm(
                    config.intValue("tokenBudget"),
                    config.doubleValue("watermarkFraction"),
                    config.longValue("windowNanos"))
                .policy());
  }

  static ParameterSet.Builder window(ParameterSet.Builder builder) {
    return builder.longValue(
        "windowNanos", DEFAULT.windowNanos, 0, "ns", "least time between two plans");
  }
}
