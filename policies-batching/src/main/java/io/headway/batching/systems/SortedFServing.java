package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.SortedF;
import io.headway.batching.planning.SortedFPlanner;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as Sorted-F does: the backlog is ordered set by set, each the feasible one with
 * the smallest F, and run as a list schedule: the next request starts as soon as the whole future
 * fits, and one that does not fit blocks those behind it. See {@link SortedF} and {@link
 * FutureFitAdmission}.
 *
 * <p>With predictions that are too short memory can run out; then the last admitted is recomputed.
 *
 * <p>Id {@code sorted-f}. arXiv 2508.06133.
 *
 * @param sorting how sets are found
 * @param maxRequests queued requests that a plan looks at, at least 1
 * @param reserveFraction share of the pool left for predictions that are too short, in [0, 1)
 */
public record SortedFServing(SortedF sorting, int maxRequests, double reserveFraction) {
  /** The id. */
  public static final String ID = "sorted-f";

  /** Exact up to 12 requests, greedy up to 256, no reserve. */
  public static final SortedFServing DEFAULT =
      new SortedFServing(
          new SortedF(SortedF.Method.F, SortedF.DEFAULT_EXACT_REQUESTS),
          SortedFPlanner.DEFAULT_MAX_REQUESTS,
          0);

  public SortedFServing {
    requireNonNull(sorting, "sorting");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new FutureFitAdmission(FutureFitAdmission.Length.PREDICTED, reserveFraction))
        .composition(new IterationLevelComposer())
        .preemption(new LastCandidate())
        .planning(new SortedFPlanner(sorting, maxRequests))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "The feasible set with the smallest F first, started when the whole future fits",
        "Sorted-F, arXiv 2508.06133",
        PlanningParts.sortedFParameters()
            .doubleValue(
                "reserveFraction",
                0,
                0,
                Math.nextDown(1.0),
                "",
                "share of the pool left for predictions that are too short")
            .build(),
        config ->
            new SortedFServing(
                    PlanningParts.sortedF(config),
                    config.intValue("maxRequests"),
                    config.doubleValue("reserveFraction"))
                .policy());
  }
}
