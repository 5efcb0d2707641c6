package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.FairBatchingComposer;
import io.headway.batching.composition.LinearBatchTime;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.TokenDeadlineOrder;
import io.headway.batching.order.TokenTargets;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as FairBatching does: the time that a batch may take is what its most urgent
 * decode can wait, urgent decodes go first, prefills by earliest deadline next, and decodes that
 * are ahead of their deadlines last. See {@link FairBatchingComposer} for the steps.
 *
 * <p>Blocks for a whole prompt are taken at admission above a watermark, and on shortage the
 * running sequence with the most slack is recomputed; the paper leaves memory to the engine, and
 * this is Sarathi-Serve's way.
 *
 * <p>Id {@code fairbatching}. Cost O(running log running + admitted) per iteration. FairBatching,
 * arXiv 2510.14392.
 *
 * @param composition targets, time model and limits of the budget
 * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
 */
public record FairBatching(FairBatchingComposer.Parameters composition, double watermarkFraction) {
  /** The id. */
  public static final String ID = "fairbatching";

  /** See {@link FairBatchingComposer.Parameters#DEFAULT}; a watermark of 1 %. */
  public static final FairBatching DEFAULT =
      new FairBatching(FairBatchingComposer.Parameters.DEFAULT, 0.01);

  public FairBatching {
    requireNonNull(composition, "composition");
    Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new TokenDeadlineOrder(composition.targets()))
        .admission(new WholePromptAdmission(watermarkFraction))
        .composition(new FairBatchingComposer(composition))
        .preemption(new LastCandidate())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "A batch takes as long as its most urgent decode can wait; decodes ahead of time yield",
        SOURCE,
        parameters()
            .doubleValue(
                "watermarkFraction",
                DEFAULT.watermarkFraction,
                0,
                Math.nextDown(1.0),
                "",
                "share of the pool that stays free after an admission")
            .build(),
        config ->
            new FairBatching(composition(config), config.doubleValue("watermarkFraction"))
                .policy());
  }

  static final String SOURCE = "FairBatching, arXiv 2510.14392";

  /** Targets as parameters. */
  static ParameterSet.Builder targets(ParameterSet.Builder builder, TokenTargets defaults) {
    return builder
        .longValue(
            "ttftNanos",
            defaults.ttftNanos(),
            0,
            "ns",
            "target for the first token, for requests without one of their own")
        .longValue(
            "tpotNanos",
            defaults.tpotNanos(),
            0,
            "ns",
            "target per further token, for requests without one of their own");
  }

  static TokenTargets targets(PolicyConfig config) {
    return new TokenTargets(config.longValue("ttftNanos"), config.longValue("tpotNanos"));
  }

  /** A time model as parameters. */
  static ParameterSet.Builder time(ParameterSet.Builder builder, LinearBatchTime defaults) {
    return builder
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
            0,
            Double.POSITIVE_INFINITY,
            "ns/token",
            "predicted time per token computed")
        .doubleValue(
            "nanosPerContextToken",
            defaults.nanosPerContextToken(),
            0,
            Double.POSITIVE_INFINITY,
            "ns/token",
            "predicted time per KV entry held before");
  }

  static LinearBatchTime time(PolicyConfig config) {
    return new LinearBatchTime(
        config.doubleValue("fixedNanos"),
        config.doubleValue("nanosPerToken"),
        config.doubleValue("nanosPerContextToken"));
  }

  static ParameterSet.Builder parameters() {
    FairBatchingComposer.Parameters defaults = DEFAULT.composition;
    return time(targets(ParameterSet.builder(), defaults.targets()), defaults.time())
        .longValue("minimumNanos", defaults.minimumNanos(), 1, "ns", "least time budget of a batch")
        .longValue(
            "maximumNanos", defaults.maximumNanos(), 1, "ns", "greatest time budget of a batch")
        .longValue(
            "nextBatchNanos",
            defaults.nextBatchNanos(),
            FairBatchingComposer.NEXT_BATCH_OF_DECODES,
            "ns",
            "time of the next batch, which an urgent decode cannot wait for; -1 for one token of"
                + " each decode");
  }

  static FairBatchingComposer.Parameters composition(PolicyConfig config) {
    return new FairBatchingComposer.Parameters(
        targets(config),
        time(config),
        config.longValue("minimumNanos"),
        config.longValue("maximumNanos"),
        config.longValue("nextBatchNanos"));
  }
}
