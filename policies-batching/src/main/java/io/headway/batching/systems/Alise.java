package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as ALISE does: priority queues over predicted remaining time, preemption in every
 * iteration, and KV of those who wait longest in host memory. See {@link PredictedTimeOrder}.
 *
 * <p>Swapped out first is the last of the order, which has the longest estimated wait; swapped in
 * first is the first of it. With exact lengths this is shortest remaining time first, to the
 * granularity of the levels.
 *
 * <p>Id {@code alise}. O(running) per iteration while the order stands. Zhao and Wang, ALISE:
 * Accelerating Large Language Model Serving with Speculative Scheduling, ICCAD 2024, arXiv
 * 2410.23537; formulas as read by this library. Departure: 8-bit compression of swapped KV is the
 * engine's; tell the pool as many host blocks as fit compressed.
 *
 * @param order levels, times and ageing
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
 * @param reserveBlocks blocks kept free by swapping ahead of need, at least 0; -1 for swapping on
 *     need only
 * @param preemption how sequences yield
 */
public record Alise(
    PredictedTimeOrder.Parameters order,
    int batchSequences,
    int reserveBlocks,
    PreemptionMode preemption) {
  /** The id. */
  public static final String ID = "alise";

  /** Levels from 0.5 s on, the engine's limit, swapping on need. */
  public static final Alise DEFAULT =
      new Alise(
          PredictedTimeOrder.Parameters.DEFAULT,
          0,
          PreemptiveComposer.NO_RESERVE,
          PreemptionMode.SWAP);

  public Alise {
    requireNonNull(order, "order");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    Arguments.atLeast("reserveBlocks", reserveBlocks, PreemptiveComposer.NO_RESERVE, "blocks");
    requireNonNull(preemption, "preemption");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new PredictedTimeOrder(order))
        .admission(new FirstChunkAdmission())
        .composition(
            new PreemptiveComposer(
                batchSequences, 0, PreemptiveComposer.Refused.STOP, reserveBlocks))
        .preemption(new LastCandidate(preemption, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Priority queues over predicted remaining time, with KV of long waits on the host",
        "Zhao and Wang, ALISE, ICCAD 2024, arXiv 2410.23537",
        orderParameters()
            .intValue(
                "batchSequences",
                DEFAULT.batchSequences,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "most sequences in one batch; 0 for the engine's limit")
            .intValue(
                "reserveBlocks",
                DEFAULT.reserveBlocks,
                PreemptiveComposer.NO_RESERVE,
                Integer.MAX_VALUE,
                "blocks",
                "blocks kept free by swapping ahead of need; -1 for swapping on need only")
            .choice("preemption", "swap", List.of("swap", "recompute"), "how sequences yield")
            .build(),
        config ->
            new Alise(
                    order(config),
                    config.intValue("batchSequences"),
                    config.intValue("reserveBlocks"),
                    config.choice("preemption", PreemptionMode::valueOf))
                .policy());
  }

  static ParameterSet.Builder orderParameters() {
    PredictedTimeOrder.Parameters defaults = PredictedTimeOrder.Parameters.DEFAULT;
    return TimeParameters.declare(
        ParameterSet.builder()
            .doubleValue(
                "firstLevelSeconds",
                defaults.firstLevelSeconds(),
                1e-9,
                Double.POSITIVE_INFINITY,
                "s",
                "upper bound of level 1")
            .doubleValue(
                "levelRatio",
                defaults.levelRatio(),
                Math.nextUp(1.0),
                Double.POSITIVE_INFINITY,
                "",
                "each bound over the one before")
            .intValue("levels", defaults.levels(), 1, 64, "levels", "bounds; one level more")
            .doubleValue(
                "agingSeconds",
                defaults.agingNanos() / 1e9,
                0,
                1e9,
                "s",
                "waiting after which a sequence goes up a level; 0 for never"));
  }

  static PredictedTimeOrder.Parameters order(PolicyConfig config) {
    return new PredictedTimeOrder.Parameters(
        TimeParameters.read(config),
        config.doubleValue("firstLevelSeconds"),
        config.doubleValue("levelRatio"),
        config.intValue("levels"),
        TimeParameters.nanos(config.doubleValue("agingSeconds")));
  }
}
