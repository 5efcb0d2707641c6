package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.AnnealingPlanner;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches by simulated annealing over the objectives of all queued requests: order and
 * batch boundaries are planned once per round, and a batch starts when the one before has ended.
 * See {@link io.headway.batching.planning.SloAnnealing} and {@link AnnealingPlanner}.
 *
 * <p>Inside a batch the engine runs as vLLM does, which is the paper's engine: chunked prefill
 * under a token budget, blocks as needed, the last admitted recomputed on shortage.
 *
 * <p>Id {@code slo-annealing}. arXiv 2504.14966.
 *
 * @param planner how rounds are planned
 * @param tokenBudget tokens in one iteration, at least 1
 */
public record SloAware(AnnealingPlanner planner, int tokenBudget) {
  /** The id. */
  public static final String ID = "slo-annealing";

  /** The defaults of the search, batches of 32 (ours), vLLM's budget. */
  public static final SloAware DEFAULT =
      new SloAware(PlanningParts.annealing(), VllmV1.DEFAULT.tokenBudget());

  public SloAware {
    requireNonNull(planner, "planner");
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new FirstChunkAdmission())
        .composition(new TokenBudgetComposer(tokenBudget, 0, true))
        .preemption(new LastCandidate())
        .planning(planner)
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Order and batches by simulated annealing over the requests' objectives",
        "SLO-aware scheduling, arXiv 2504.14966",
        PlanningParts.annealingParameters()
            .intValue(
                "tokenBudget",
                DEFAULT.tokenBudget,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens in one iteration")
            .build(),
        config ->
            new SloAware(PlanningParts.annealing(config), config.intValue("tokenBudget")).policy());
  }
}
