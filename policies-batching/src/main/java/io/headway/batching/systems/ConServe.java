package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.HarvestComposer;
import io.headway.batching.composition.LatencyProfile;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as ConServe does: online work as if it were alone, offline work, that of the
 * batch lane, in what it leaves of an iteration's latency target; offline sequences move to the
 * host when online work needs their slots or blocks. See {@link HarvestComposer} for the steps.
 *
 * <p>Id {@code conserve}. Cost O(running + admitted) per iteration. ConServe, arXiv 2410.01228.
 *
 * @param profile how long iterations of certain sizes take
 * @param targetNanos most time that an iteration with offline work may take, at least 1
 * @param preemption how offline sequences yield
 * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
 */
public record ConServe(
    LatencyProfile profile, long targetNanos, PreemptionMode preemption, double watermarkFraction) {
  /** The id. */
  public static final String ID = "conserve";

  /** 100 ms by this library's profile, swapping to the host, a watermark of 1 %. */
  public static final ConServe DEFAULT =
      new ConServe(
          LatencyProfile.DEFAULT, HarvestComposer.DEFAULT_TARGET_NANOS, PreemptionMode.SWAP, 0.01);

  static final String SOURCE = "ConServe, arXiv 2410.01228";

  private static final String DEFAULT_PROFILE =
      "64:0.01155,128:0.01635,256:0.02595,512:0.04515,1024:0.08355,2048:0.16035";

  public ConServe {
    requireNonNull(profile, "profile");
    Arguments.atLeast("targetNanos", targetNanos, 1L, "ns");
    requireNonNull(preemption, "preemption");
    Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new WholePromptAdmission(watermarkFraction))
        .composition(new HarvestComposer(profile, targetNanos))
        .preemption(new LastCandidate(preemption, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Online work as if alone; the batch lane in what it leaves of a latency target",
        SOURCE,
        parameters()
            .choice(
                "preemption", "swap", List.of("swap", "recompute"), "how offline sequences yield")
            .doubleValue(
                "watermarkFraction",
                DEFAULT.watermarkFraction,
                0,
                Math.nextDown(1.0),
                "",
                "share of the pool that stays free after an admission")
            .build(),
        config ->
            new ConServe(
                    LatencyProfile.parse(config.text("profile")),
                    config.longValue("targetNanos"),
                    config.choice("preemption", PreemptionMode::valueOf),
                    config.doubleValue("watermarkFraction"))
                .policy());
  }

  static ParameterSet.Builder parameters() {
    return ParameterSet.builder()
        .text(
            "profile",
            DEFAULT_PROFILE,
            "how long iterations take: tokens:seconds entries separated by commas")
        .longValue(
            "targetNanos",
            DEFAULT.targetNanos,
            1,
            "ns",
            "most time that an iteration with offline work may take");
  }

  static HarvestComposer composition(PolicyConfig config) {
    return new HarvestComposer(
        LatencyProfile.parse(config.text("profile")), config.longValue("targetNanos"));
  }
}
