package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.PullAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.EvictingComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.VirtualQueuePlanner;

/**
 * Decides batches as QLM does on one instance: requests form groups by model and objective, the
 * virtual queue of groups is re-ordered only when a violation is predicted, the head group is
 * pulled while fewer than {@code pullSequences} are at the engine, and running work of later groups
 * is evicted to the host for it. See {@link VirtualQueuePlanner}, {@link PullAdmission} and {@link
 * EvictingComposer}.
 *
 * <p>Loading another model is the engine's matter; the policy never mixes models in a batch, and
 * counts {@code swapSeconds} in its estimates.
 *
 * <p>Id {@code qlm}. QLM, SoCC 2024, arXiv 2407.00047, github.com/QLM-project/QLM.
 *
 * @param queue groups and estimates
 * @param pullSequences most sequences at the engine, at least 1; 10 in the artifact
 * @param tokenBudget tokens in one iteration, at least 1
 */
public record Qlm(VirtualQueuePlanner.Parameters queue, int pullSequences, int tokenBudget) {
  /** The id. */
  public static final String ID = "qlm";

  /** The artifact's back-pressure, vLLM's budget. */
  public static final Qlm DEFAULT =
      new Qlm(
          VirtualQueuePlanner.Parameters.DEFAULT,
          PullAdmission.DEFAULT_PULL_SEQUENCES,
          VllmV1.DEFAULT.tokenBudget());

  public Qlm {
    requireNonNull(queue, "queue");
    Arguments.atLeast("pullSequences", pullSequences, 1, "sequence");
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    VirtualQueuePlanner virtualQueue = new VirtualQueuePlanner(queue);
    return Batching.order(new FirstComeOrder())
        .admission(new PullAdmission(pullSequences))
        .composition(new EvictingComposer(tokenBudget))
        .preemption(virtualQueue)
        .planning(virtualQueue)
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Request groups in a virtual queue, re-ordered when an objective would be missed",
        "QLM, SoCC 2024",
        PlanningParts.virtualQueueParameters()
            .intValue(
                "pullSequences",
                DEFAULT.pullSequences,
                1,
                Integer.MAX_VALUE,
                "sequences",
                "most sequences at the engine")
            .intValue(
                "tokenBudget",
                DEFAULT.tokenBudget,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens in one iteration")
            .build(),
        config ->
            new Qlm(
                    PlanningParts.virtualQueue(config),
                    config.intValue("pullSequences"),
                    config.intValue("tokenBudget"))
                .policy());
  }
}
