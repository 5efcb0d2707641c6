package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.SloOdbs;
import io.headway.batching.planning.SloOdbsPlanner;

/**
 * Decides batches as UELLM does: queued requests are grouped by like objective and predicted
 * output, and each group runs as a static batch. See {@link SloOdbs} and {@link SloOdbsPlanner}.
 *
 * <p>A group whose padded size exceeds the pool runs in several batches.
 *
 * <p>Id {@code uellm}. UELLM, arXiv 2409.14961.
 *
 * @param batching weights, scales, threshold and batch size
 * @param sloSeconds objective of a request without its own, above 0
 */
public record Uellm(SloOdbs batching, double sloSeconds) {
  /** The id. */
  public static final String ID = "uellm";

  /**
   * Batches of 10 as in the authors' code. The rest is ours, since nothing is published: weights
   * 0.5 and 0.01, scales 1, threshold 100, objective 10 s.
   */
  public static final Uellm DEFAULT = new Uellm(new SloOdbs(0.5, 0.01, 1, 1, 100, 10), 10);

  public Uellm {
    requireNonNull(batching, "batching");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new PaddedBatchAdmission())
        .composition(new RunToCompletionComposer())
        .planning(new SloOdbsPlanner(batching, sloSeconds))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Static batches of like objective and predicted output",
        "UELLM, arXiv 2409.14961",
        PlanningParts.odbsParameters(),
        config -> new Uellm(PlanningParts.odbs(config), config.doubleValue("sloSeconds")).policy());
  }
}
