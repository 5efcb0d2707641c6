package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.HostHeadroomAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.Quanta;
import io.headway.batching.order.SkipJoinMlfqOrder;
import java.util.List;

/**
 * Decides batches as FastServe does: a skip-join multi-level feedback queue, preemption after any
 * token, and KV that moves between device and host ahead of need. See {@link SkipJoinMlfqOrder} for
 * the queue and {@link PreemptiveComposer} for the batch.
 *
 * <p>Short jobs overtake long ones without any prediction: who has used the quantum of a level goes
 * down one, and a long prompt joins below those whose first iteration is shorter. Who waits too
 * long goes back to the top. Sequences that do not run keep their KV on the device while there is
 * room; swapped out first is who will run last, by the estimated next scheduling time. Give the
 * pool host blocks; without any, victims are computed again.
 *
 * <p>Id {@code fastserve}. O(running) per iteration while the order stands, O(log waiting) per
 * change. Wu et al., Fast Distributed Inference Serving for Large Language Models, arXiv 2305.05920
 * (NSDI 2026), and github.com/LLMServe/FastServe. Departures: pipeline parallelism is the runtime's
 * matter (plans in flight); a sequence whose prefill had to be cut keeps its place from waiting
 * ones until it has yielded a token.
 *
 * @param queue the skip-join MLFQ
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit. Set it
 *     below that limit, so that others can keep their KV on the device
 * @param hostFreeFraction share of host memory that must be free for a new prefill, in [0, 1)
 * @param reserveBlocks blocks kept free for bursts by swapping ahead of need, at least 0; -1 for
 *     swapping on need only
 */
public record FastServe(
    SkipJoinMlfqOrder.Parameters queue,
    int batchSequences,
    double hostFreeFraction,
    int reserveBlocks) {
  /** The id. */
  public static final String ID = "fastserve";

  /** The paper's queue, the engine's limit, a tenth of the host, a reserve of 128 blocks. */
  public static final FastServe DEFAULT =
      new FastServe(
          SkipJoinMlfqOrder.Parameters.DEFAULT, 0, HostHeadroomAdmission.HOST_FREE_FRACTION, 128);

  public FastServe {
    requireNonNull(queue, "queue");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    Arguments.fraction("hostFreeFraction", hostFreeFraction, "host memory");
    Arguments.atLeast("reserveBlocks", reserveBlocks, PreemptiveComposer.NO_RESERVE, "blocks");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    SkipJoinMlfqOrder order = new SkipJoinMlfqOrder(queue, batchSequences);
    return Batching.order(order)
        .admission(new HostHeadroomAdmission(hostFreeFraction))
        .composition(
            new PreemptiveComposer(
                batchSequences, 0, PreemptiveComposer.Refused.STOP, reserveBlocks))
        .preemption(order)
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Skip-join multi-level feedback queue, preemption per token, proactive swapping",
        "Wu et al., FastServe, arXiv 2305.05920",
        queueParameters()
            .intValue(
                "batchSequences",
                DEFAULT.batchSequences,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "most sequences in one batch; 0 for the engine's limit")
            .doubleValue(
                "hostFreeFraction",
                DEFAULT.hostFreeFraction,
                0,
                Math.nextDown(1.0),
                "",
                "share of host memory that must be free for a new prefill")
            .intValue(
                "reserveBlocks",
                DEFAULT.reserveBlocks,
                PreemptiveComposer.NO_RESERVE,
                Integer.MAX_VALUE,
                "blocks",
                "blocks kept free by swapping ahead of need; -1 for swapping on need only")
            .build(),
        config ->
            new FastServe(
                    queue(config),
                    config.intValue("batchSequences"),
                    config.doubleValue("hostFreeFraction"),
                    config.intValue("reserveBlocks"))
                .policy());
  }

  static ParameterSet.Builder queueParameters() {
    ParameterSet.Builder builder =
        ParameterSet.builder()
            .doubleValue(
                "firstQuantumSeconds",
                SkipJoinMlfqOrder.Parameters.FIRST_QUANTUM_NANOS / 1e9,
                1e-9,
                1e9,
                "s",
                "quantum of level 1: the shortest iteration")
            .intValue(
                "quantumRatio",
                SkipJoinMlfqOrder.Parameters.QUANTUM_RATIO,
                2,
                1024,
                "",
                "each quantum over the one before")
            .intValue("levels", SkipJoinMlfqOrder.Parameters.LEVELS, 1, 64, "levels", "levels")
            .booleanValue("skipJoin", true, "join the level that holds the first iteration")
            .doubleValue(
                "promotionSeconds",
                SkipJoinMlfqOrder.Parameters.PROMOTION_NANOS / 1e9,
                0,
                1e9,
                "s",
                "waiting after which a sequence goes to level 1; 0 for never")
            .choice("promotionPlace", "tail", List.of("tail", "head"), "where in level 1")
            .intValue(
                "promotionCheckIterations",
                1,
                1,
                Integer.MAX_VALUE,
                "iterations",
                "from one check for promotions to the next")
            .choice(
                "demotion",
                "inclusive",
                List.of("inclusive", "strict"),
                "whether using the quantum exactly uses it up (paper) or not (code)")
            .choice(
                "target",
                "fitting",
                List.of("fitting", "next"),
                "demoted to the level that holds the next iteration (paper) or the next (code)")
            .choice("mode", "swap", List.of("swap", "recompute"), "how victims yield");
    return TimeParameters.declare(builder);
  }

  static SkipJoinMlfqOrder.Parameters queue(PolicyConfig config) {
    return new SkipJoinMlfqOrder.Parameters(
        Quanta.geometric(
            TimeParameters.nanos(config.doubleValue("firstQuantumSeconds")),
            config.intValue("quantumRatio"),
            config.intValue("levels")),
        TimeParameters.read(config),
        config.booleanValue("skipJoin"),
        TimeParameters.nanos(config.doubleValue("promotionSeconds")),
        config.choice("promotionPlace", QueueEnd::valueOf),
        config.intValue("promotionCheckIterations"),
        config.choice("demotion", SkipJoinMlfqOrder.Demotion::valueOf),
        config.choice("target", SkipJoinMlfqOrder.Target::valueOf),
        config.choice("mode", PreemptionMode::valueOf));
  }
}
