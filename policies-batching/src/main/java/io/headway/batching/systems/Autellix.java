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
import io.headway.batching.order.AttainedServiceOrder;
import io.headway.batching.order.ProgramTable;
import io.headway.batching.order.Quanta;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as Autellix does: calls of agentic programs by what their program was served
 * before, least first, preempted after any token. See {@link AttainedServiceOrder}.
 *
 * <p>Give every request its program as {@code session}; {@code scope=atlas} also reads {@code
 * parents}, the calls that a call was made from.
 *
 * <p>Id {@code autellix}. O(running) per iteration while the order stands. Luo et al., Autellix: An
 * Efficient Serving Engine for LLM Agents as General Programs, arXiv 2502.13965. Departures: which
 * engine a call goes to is routing's matter; a swap is one batched call of the pool.
 *
 * @param order scope, quanta and starvation control
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
 * @param preemption how sequences yield
 */
public record Autellix(
    AttainedServiceOrder.Parameters order, int batchSequences, PreemptionMode preemption) {
  /** The id. */
  public static final String ID = "autellix";

  /** PLAS, the engine's limit, swapping. */
  public static final Autellix DEFAULT =
      new Autellix(AttainedServiceOrder.Parameters.DEFAULT, 0, PreemptionMode.SWAP);

  public Autellix {
    requireNonNull(order, "order");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    requireNonNull(preemption, "preemption");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new AttainedServiceOrder(order))
        .admission(new FirstChunkAdmission())
        .composition(
            new PreemptiveComposer(
                batchSequences, 0, PreemptiveComposer.Refused.STOP, PreemptiveComposer.NO_RESERVE))
        .preemption(new LastCandidate(preemption, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Calls of the program that was served least, or of the shortest path, first",
        "Luo et al., Autellix, arXiv 2502.13965",
        orderParameters()
            .choice(
                "scope",
                "plas",
                List.of("plas", "atlas"),
                "service before a call: of its program, or along its longest path")
            .intValue(
                "batchSequences",
                DEFAULT.batchSequences,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "most sequences in one batch; 0 for the engine's limit")
            .choice("preemption", "swap", List.of("swap", "recompute"), "how sequences yield")
            .build(),
        config ->
            new Autellix(
                    order(config, config.choice("scope", AttainedServiceOrder.Scope::valueOf)),
                    config.intValue("batchSequences"),
                    config.choice("preemption", PreemptionMode::valueOf))
                .policy());
  }

  static ParameterSet.Builder orderParameters() {
    AttainedServiceOrder.Parameters defaults = AttainedServiceOrder.Parameters.DEFAULT;
    return ParameterSet.builder()
        .doubleValue(
            "firstQuantumSeconds",
            defaults.quanta().nanos(1) / 1e9,
            1e-9,
            1e9,
            "s",
            "quantum of level 1")
        .intValue("quantumRatio", 2, 2, 1024, "", "each quantum over the one before")
        .intValue("levels", defaults.quanta().levels(), 1, 64, "levels", "levels")
        .doubleValue(
            "starvationRatio",
            defaults.starvationRatio(),
            0,
            Double.POSITIVE_INFINITY,
            "",
            "waiting over service at which a program goes to level 1; 0 for never")
        .intValue(
            "checkIterations",
            defaults.checkIterations(),
            1,
            Integer.MAX_VALUE,
            "iterations",
            "from one check for starvation to the next")
        .intValue(
            "programs",
            ProgramTable.DEFAULT_CAPACITY,
            1,
            1 << 24,
            "programs",
            "programs, and calls, remembered");
  }

  static AttainedServiceOrder.Parameters order(
      PolicyConfig config, AttainedServiceOrder.Scope scope) {
    return new AttainedServiceOrder.Parameters(
        scope,
        Quanta.geometric(
            TimeParameters.nanos(config.doubleValue("firstQuantumSeconds")),
            config.intValue("quantumRatio"),
            config.intValue("levels")),
        config.doubleValue("starvationRatio"),
        config.intValue("checkIterations"),
        config.intValue("programs"));
  }
}
