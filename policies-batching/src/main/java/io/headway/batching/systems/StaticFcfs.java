package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.order.FirstComeOrder;

/**
 * Decides batches as request-level schedulers do: when the engine is idle, requests in order of
 * arrival form a batch while {@code (longest prompt + longest maxNewTokens) * rows} fits the pool;
 * nobody joins it, and it runs until its last member ends. Nobody is ever preempted.
 *
 * <p>Prompts are padded to the longest one, and rows of ended members go on in vain; both are
 * declared as padding of the plan. Members are answered as they end ("early return"). The classic
 * variant, in which all answers leave with the last member, has the same schedule and is not
 * modelled: a policy plans tokens and cannot hold answers back, the engine that delivers them can.
 * The prefill is not subject to a token budget beyond the engine's own limit. A request that could
 * not fill a batch alone is never served.
 *
 * <p>Id {@code static-fcfs}. Cost O(batch) per iteration. The baseline of Yu et al., Orca, OSDI
 * 2022 (FasterTransformer), and of arXiv 2406.13511, where it is called SLS.
 */
public record StaticFcfs() {
  /** The id. */
  public static final String ID = "static-fcfs";

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new PaddedBatchAdmission())
        .composition(new RunToCompletionComposer())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Static batches in order of arrival, each run until its longest member ends",
        "baseline of Orca, OSDI 2022 (FasterTransformer)",
        ParameterSet.NONE,
        config -> new StaticFcfs().policy());
  }
}
