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
import io.headway.batching.order.MemoryTimeOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as LAMPS does for requests that call tools: the smallest memory over time first,
 * the share of the external call included, and those first that were left out too long. See {@link
 * MemoryTimeOrder}, and {@link io.headway.batching.order.ApiCallHandling} for what should become of
 * the KV during a call.
 *
 * <p>Give requests that are followed by a call their {@code externalCallNanos}, and a predicted
 * output.
 *
 * <p>Id {@code lamps}. O(running) per iteration while the order stands. Shahout et al., Fast
 * Inference for Augmented Large Language Models, arXiv 2410.18248. Departure: the parts of a
 * request before and after a call are requests of one session, so that keeping, dropping or moving
 * the KV meanwhile is done by the prefix cache and its tiers.
 *
 * @param order times, starvation control and refresh
 * @param tokenBudget tokens in one iteration, at least 1
 * @param preemption how sequences yield
 */
public record Lamps(MemoryTimeOrder.Parameters order, int tokenBudget, PreemptionMode preemption) {
  /** The id. */
  public static final String ID = "lamps";

  /** The published periods, a budget of 2048, recomputation. */
  public static final Lamps DEFAULT =
      new Lamps(MemoryTimeOrder.Parameters.DEFAULT, 2048, PreemptionMode.RECOMPUTE);

  public Lamps {
    requireNonNull(order, "order");
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    requireNonNull(preemption, "preemption");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new MemoryTimeOrder(order))
        .admission(new FirstChunkAdmission())
        .composition(
            new PreemptiveComposer(
                0, tokenBudget, PreemptiveComposer.Refused.STOP, PreemptiveComposer.NO_RESERVE))
        .preemption(new LastCandidate(preemption, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "The smallest memory over time first, external calls included",
        "Shahout et al., Fast Inference for Augmented LLMs, arXiv 2410.18248",
        orderParameters()
            .intValue(
                "tokenBudget",
                DEFAULT.tokenBudget,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens in one iteration")
            .choice("preemption", "recompute", List.of("recompute", "swap"), "how sequences yield")
            .build(),
        config ->
            new Lamps(
                    order(config),
                    config.intValue("tokenBudget"),
                    config.choice("preemption", PreemptionMode::valueOf))
                .policy());
  }

  static ParameterSet.Builder orderParameters() {
    MemoryTimeOrder.Parameters defaults = MemoryTimeOrder.Parameters.DEFAULT;
    return TimeParameters.declare(
        ParameterSet.builder()
            .doubleValue(
                "swapSecondsPerToken",
                defaults.swapSecondsPerToken(),
                0,
                Double.POSITIVE_INFINITY,
                "s",
                "time to move a KV entry one way")
            .intValue(
                "starvationIterations",
                defaults.starvationIterations(),
                0,
                Integer.MAX_VALUE,
                "iterations",
                "iterations left out after which a sequence goes first; 0 for never")
            .intValue(
                "refreshIterations",
                defaults.refreshIterations(),
                1,
                Integer.MAX_VALUE,
                "iterations",
                "from one computation of areas to the next"));
  }

  static MemoryTimeOrder.Parameters order(PolicyConfig config) {
    return new MemoryTimeOrder.Parameters(
        TimeParameters.read(config),
        config.doubleValue("swapSecondsPerToken"),
        config.intValue("starvationIterations"),
        config.intValue("refreshIterations"));
  }
}
