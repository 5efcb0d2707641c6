package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.SliceAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.SliceComposer;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.planning.LatencySurface;
import io.headway.batching.planning.SliceBatches;
import io.headway.batching.planning.SlicePlanner;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as SCLS does: the waiting requests are cut, sorted by their current length, into
 * static batches with the least sum of times; each batch runs one slice of {@code sliceTokens}
 * tokens, and who has not ended waits again with its longer length. See {@link SliceBatches},
 * {@link SlicePlanner} and {@link SliceComposer}.
 *
 * <p>By default what was computed is computed again with the next slice, as in the paper's basic
 * form; {@code preemption = swap} keeps KV in host memory between slices. A slice of the greatest
 * length is static batching, a slice of one token re-plans in every iteration.
 *
 * <p>Id {@code scls}. O(waiting * batch) per plan, O(batch) per iteration. Cheng et al.,
 * Slice-Level Scheduling for High Throughput and Load Balanced LLM Serving, arXiv 2406.13511.
 *
 * @param slices slice length and latency surfaces
 * @param loadFactor share of the planned time after which a new plan is made, at least 0
 * @param minimumSeconds least time between two plans while batches are left, at least 0
 * @param preemption how requests wait between slices
 */
public record Scls(
    SliceBatches slices, double loadFactor, double minimumSeconds, PreemptionMode preemption) {
  /** The id. */
  public static final String ID = "scls";

  /** Slices of 128 tokens, the surfaces of {@link LatencySurface}, 0.5, 0 s, recomputation. */
  public static final Scls DEFAULT =
      new Scls(
          new SliceBatches(128, LatencySurface.DEFAULT_PREFILL, LatencySurface.DEFAULT_DECODE),
          SlicePlanner.DEFAULT_LOAD_FACTOR,
          0,
          PreemptionMode.RECOMPUTE);

  public Scls {
    requireNonNull(slices, "slices");
    requireNonNull(preemption, "preemption");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new SliceAdmission(slices.sliceTokens()))
        .composition(new SliceComposer(slices.sliceTokens()))
        .preemption(new LastCandidate(preemption, QueueEnd.TAIL))
        .planning(new SlicePlanner(slices, loadFactor, minimumSeconds))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Static batches of like length, one slice of tokens at a time",
        "Cheng et al., Slice-Level Scheduling, arXiv 2406.13511",
        PlanningParts.sliceParameters()
            .choice(
                "preemption",
                "recompute",
                List.of("recompute", "swap"),
                "how requests wait between slices")
            .build(),
        config ->
            new Scls(
                    PlanningParts.slices(config),
                    config.doubleValue("loadFactor"),
                    config.doubleValue("minimumSeconds"),
                    config.choice("preemption", PreemptionMode::valueOf))
                .policy());
  }
}
