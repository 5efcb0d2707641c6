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
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.LearnedRankOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as vLLM-LTR does: everybody, running or waiting, is ranked by a model that was
 * trained to order requests by length, and the first of the rank run, those first that were left
 * out too long. See {@link LearnedRankOrder}.
 *
 * <p>The first waiting sequence that does not fit ends the admissions; blocks are taken from the
 * lowest rank. Prefills are cut to the token budget.
 *
 * <p>Id {@code ltr}. O(running) per iteration while the order stands. Fu et al., Efficient LLM
 * Scheduling by Learning to Rank, NeurIPS 2024, arXiv 2408.15792, and
 * github.com/hao-ai-lab/vllm-ltr. Departure: a sequence whose prefill was cut keeps its place from
 * waiting ones until it has yielded a token.
 *
 * @param starvationIterations iterations left out after which a sequence is promoted, at least 0; 0
 *     for no starvation control
 * @param promotionIterations iterations that a promoted sequence runs before it falls back, at
 *     least 1
 * @param tokenBudget tokens in one iteration, at least 1
 * @param preemption how sequences yield
 */
public record LearnedRank(
    int starvationIterations, int promotionIterations, int tokenBudget, PreemptionMode preemption) {
  /** The id. */
  public static final String ID = "ltr";

  /** Starvation after 200 iterations for 10, as in the published fairness runs; budget 2048. */
  public static final LearnedRank DEFAULT =
      new LearnedRank(200, 10, 2048, PreemptionMode.RECOMPUTE);

  public LearnedRank {
    Arguments.atLeast("starvationIterations", starvationIterations, 0, "iterations");
    Arguments.atLeast("promotionIterations", promotionIterations, 1, "iterations");
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    requireNonNull(preemption, "preemption");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new LearnedRankOrder(starvationIterations, promotionIterations))
        .admission(new FirstChunkAdmission())
        .composition(
            new PreemptiveComposer(
                0, tokenBudget, PreemptiveComposer.Refused.STOP, PreemptiveComposer.NO_RESERVE))
        .preemption(new LastCandidate(preemption, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Learning to rank: the shortest by rank run, those left out too long first",
        "Fu et al., Efficient LLM Scheduling by Learning to Rank, NeurIPS 2024",
        orderParameters()
            .intValue(
                "tokenBudget",
                DEFAULT.tokenBudget,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens in one iteration")
            .choice("preemption", "recompute", List.of("recompute", "swap"), "how sequences yield")
            .build(),
        config ->
            new LearnedRank(
                    config.intValue("starvationIterations"),
                    config.intValue("promotionIterations"),
                    config.intValue("tokenBudget"),
                    config.choice("preemption", PreemptionMode::valueOf))
                .policy());
  }

  static ParameterSet.Builder orderParameters() {
    return ParameterSet.builder()
        .intValue(
            "starvationIterations",
            DEFAULT.starvationIterations,
            0,
            Integer.MAX_VALUE,
            "iterations",
            "iterations left out after which a sequence is promoted; 0 for never")
        .intValue(
            "promotionIterations",
            DEFAULT.promotionIterations,
            1,
            Integer.MAX_VALUE,
            "iterations",
            "iterations that a promoted sequence runs before it falls back");
  }
}
