package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.SloAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.SloTiersComposer;
import io.headway.batching.order.TokenDeadlineOrder;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as SLOs-Serve does: the largest set of requests that can all meet their targets
 * is promised them, batches are sized to the tightest promised TPOT, and whoever was declined is
 * served in what is left. See {@link SloTiersComposer} for the steps and {@link SloAdmission} for
 * the set.
 *
 * <p>Id {@code slos-serve}. Cost O(running + admitted) per iteration, a dynamic program per change
 * of the queue. SLOs-Serve, arXiv 2504.08784.
 *
 * @param tiers targets, time model and candidates
 */
public record SlosServe(SloTiersComposer.Parameters tiers) {
  /** The id. */
  public static final String ID = "slos-serve";

  /** See {@link SloTiersComposer.Parameters#DEFAULT}. */
  public static final SlosServe DEFAULT = new SlosServe(SloTiersComposer.Parameters.DEFAULT);

  static final String SOURCE = "SLOs-Serve, arXiv 2504.08784";

  public SlosServe {
    requireNonNull(tiers, "tiers");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    SloTiersComposer both = new SloTiersComposer(tiers);
    return Batching.order(new TokenDeadlineOrder(tiers.targets()))
        .admission(both)
        .composition(both)
        .preemption(new LastCandidate())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "The largest set that can meet its targets is promised them; others get what is left",
        SOURCE,
        parameters(),
        config -> new SlosServe(tiers(config)).policy());
  }

  static ParameterSet parameters() {
    SloTiersComposer.Parameters defaults = DEFAULT.tiers;
    return FairBatching.targets(ParameterSet.builder(), defaults.targets())
        .doubleValue(
            "fixedNanos",
            defaults.fixedNanos(),
            0,
            Double.POSITIVE_INFINITY,
            "ns",
            "predicted time of an iteration without work")
        .doubleValue(
            "nanosPerToken",
            defaults.nanosPerToken(),
            Double.MIN_NORMAL,
            Double.POSITIVE_INFINITY,
            "ns/token",
            "predicted time per token computed")
        .intValue(
            "mostCandidates",
            defaults.mostCandidates(),
            1,
            SloAdmission.MOST,
            "requests",
            "most requests decided together")
        .build();
  }

  static SloTiersComposer.Parameters tiers(PolicyConfig config) {
    return new SloTiersComposer.Parameters(
        FairBatching.targets(config),
        config.doubleValue("fixedNanos"),
        config.doubleValue("nanosPerToken"),
        config.intValue("mostCandidates"));
  }
}
