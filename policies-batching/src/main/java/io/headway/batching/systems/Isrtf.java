package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as ELIS does: iterative shortest remaining time first. Every {@code windowTokens}
 * output tokens, the sequences with the least predicted remaining output, as many as the engine has
 * slots, are chosen to run for the next window, and those that ran are predicted anew. See {@link
 * WindowedComposer} and {@link PredictedRemainingOrder}.
 *
 * <p>A sequence that is not chosen keeps its KV until a chosen one needs slot or blocks. Without a
 * prediction a sequence counts with {@code maxNewTokens - generated}. With exact predictions, one
 * slot and windows of one token this is shortest remaining processing time, which minimises the
 * mean completion time on one server. The paper has no starvation control; {@code
 * agingTokensPerSecond} adds one.
 *
 * <p>Id {@code isrtf}. At most {@code ceil(output / windowTokens)} predictions per request that is
 * not preempted within a window. Choi et al., ELIS: Efficient LLM Iterative Scheduling System with
 * Response Length Predictor, arXiv 2505.09142.
 *
 * @param windowTokens output tokens of a sequence in one window, at least 1
 * @param agingTokensPerSecond how many predicted tokens one second of waiting is worth, at least 0;
 *     0 for no ageing
 * @param preemption how sequences that are not chosen yield
 */
public record Isrtf(int windowTokens, double agingTokensPerSecond, PreemptionMode preemption) {
  /** The id. */
  public static final String ID = "isrtf";

  /** Windows of 50 tokens, no ageing, preemption by recomputation. */
  public static final Isrtf DEFAULT = new Isrtf(50, 0, PreemptionMode.RECOMPUTE);

  public Isrtf {
    Arguments.atLeast("windowTokens", windowTokens, 1, "token");
    Arguments.notNegative("agingTokensPerSecond", agingTokensPerSecond, "tokens");
    requireNonNull(preemption, "preemption");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new PredictedRemainingOrder(windowTokens, agingTokensPerSecond))
        .admission(new FirstChunkAdmission())
        .composition(new WindowedComposer(windowTokens))
        .preemption(new LastCandidate(preemption, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Iterative shortest remaining time first, chosen anew in every window",
        "Choi et al., ELIS, arXiv 2505.09142",
        ParameterSet.builder()
            .intValue(
                "windowTokens",
                DEFAULT.windowTokens,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "output tokens of a sequence in one window")
            .doubleValue(
                "agingTokensPerSecond",
                0,
                0,
                Double.POSITIVE_INFINITY,
                "tokens/s",
                "predicted tokens that a second of waiting is worth; 0 for no ageing")
            .choice(
                "preemption",
                "recompute",
                List.of("recompute", "swap"),
                "how sequences that are not chosen yield")
            .build(),
        config ->
            new Isrtf(
                    config.intValue("windowTokens"),
                    config.doubleValue("agingTokensPerSecond"),
                    config.choice("preemption", PreemptionMode::valueOf))
                .policy());
  }
}
