package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.PaddedPrefillComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.BucketPlanner;
import io.headway.batching.planning.LengthBuckets;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as BucketServe does: prompts are prefilled in padded batches out of one length
 * bucket at a time, decodes run continuously. See {@link LengthBuckets}, {@link BucketPlanner} and
 * {@link PaddedPrefillComposer}.
 *
 * <p>Blocks for whole prompts are taken at admission while {@code 1 - safeFraction} of the pool
 * stays free; on shortage the last admitted is recomputed (ours: the paper leaves decode to its
 * engine). The paper disaggregates prefill and decode; one instance of mixed role runs both in one
 * iteration, a prefill instance only the former. Engines with ragged kernels do not pad and gain
 * nothing.
 *
 * <p>Id {@code bucketserve}. BucketServe, arXiv 2507.17120.
 *
 * @param buckets ranges and split rule
 * @param safeFraction share of the pool that batches may fill, in (0, 1]
 * @param pick which bucket is next
 * @param maxRequests queued requests that a plan looks at, at least 1
 */
public record BucketServe(
    LengthBuckets buckets, double safeFraction, BucketPlanner.Pick pick, int maxRequests) {
  /** The id. */
  public static final String ID = "bucketserve";

  /** Lengths up to 4,096 (ours: Llama-2's), 90 % of the pool, the oldest request's bucket. */
  public static final BucketServe DEFAULT =
      new BucketServe(
          new LengthBuckets(4096, LengthBuckets.DEFAULT_SHORT_FRACTION),
          0.9,
          BucketPlanner.Pick.OLDEST,
          BucketPlanner.DEFAULT_MAX_REQUESTS);

  public BucketServe {
    requireNonNull(buckets, "buckets");
    requireNonNull(pick, "pick");
    Arguments.within("safeFraction", safeFraction, Double.MIN_VALUE, 1, "of the pool");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new WholePromptAdmission(Math.max(0, 1 - safeFraction)))
        .composition(new PaddedPrefillComposer())
        .preemption(new LastCandidate())
        .planning(new BucketPlanner(buckets, safeFraction, pick, maxRequests))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Padded prefill batches out of one length bucket, continuous decodes",
        "BucketServe, arXiv 2507.17120",
        PlanningParts.bucketParameters(),
        config ->
            new BucketServe(
                    PlanningParts.buckets(config),
                    config.doubleValue("safeFraction"),
                    config.choice("pick", BucketPlanner.Pick::valueOf),
                    config.intValue("maxRequests"))
                .policy());
  }
}
