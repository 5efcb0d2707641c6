package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.ClientBufferOrder;
import java.util.List;

/**
 * Decides batches as TokenFlow does: readers whose buffer is shortest are served first, and only
 * those are preempted whose buffer outlasts the move of their KV. See {@link ClientBufferOrder}.
 *
 * <p>Requests say how fast they are read by their TPOT target. With {@code reserveBlocks} KV of
 * those that do not run goes to the host ahead of need.
 *
 * <p>Id {@code tokenflow}. O(running) per iteration while the order stands. Chen et al., TokenFlow:
 * Responsive LLM Text Streaming Serving under Request Burst via Preemptive Scheduling, arXiv
 * 2510.02758.
 *
 * @param order reading speed and the time that moving KV takes
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
 * @param reserveBlocks blocks kept free by swapping ahead of need, at least 0; -1 for swapping on
 *     need only
 */
public record TokenFlow(ClientBufferOrder.Parameters order, int batchSequences, int reserveBlocks) {
  /** The id. */
  public static final String ID = "tokenflow";

  /** 10 tokens/s, the engine's limit, swapping on need. */
  public static final TokenFlow DEFAULT =
      new TokenFlow(ClientBufferOrder.Parameters.DEFAULT, 0, PreemptiveComposer.NO_RESERVE);

  public TokenFlow {
    requireNonNull(order, "order");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    Arguments.atLeast("reserveBlocks", reserveBlocks, PreemptiveComposer.NO_RESERVE, "blocks");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    ClientBufferOrder buffers = new ClientBufferOrder(order);
    return Batching.order(buffers)
        .admission(new FirstChunkAdmission())
        .composition(
            new PreemptiveComposer(
                batchSequences, 0, PreemptiveComposer.Refused.SKIP, reserveBlocks))
        .preemption(buffers)
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Readers with the shortest buffer first; preempts only long buffers",
        "Chen et al., TokenFlow, arXiv 2510.02758",
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
            .build(),
        config ->
            new TokenFlow(
                    order(config),
                    config.intValue("batchSequences"),
                    config.intValue("reserveBlocks"))
                .policy());
  }

  static ParameterSet.Builder orderParameters() {
    ClientBufferOrder.Parameters defaults = ClientBufferOrder.Parameters.DEFAULT;
    return ParameterSet.builder()
        .doubleValue(
            "tokensPerSecond",
            defaults.tokensPerSecond(),
            1e-9,
            Double.POSITIVE_INFINITY,
            "tokens/s",
            "reading speed of requests without a TPOT target")
        .doubleValue(
            "moveSecondsPerToken",
            defaults.moveSecondsPerToken(),
            0,
            Double.POSITIVE_INFINITY,
            "s",
            "time to move a KV entry to the host and back")
        .choice("mode", "swap", List.of("swap", "recompute"), "how victims yield");
  }

  static ClientBufferOrder.Parameters order(PolicyConfig config) {
    return new ClientBufferOrder.Parameters(
        config.doubleValue("tokensPerSecond"),
        config.doubleValue("moveSecondsPerToken"),
        config.choice("mode", PreemptionMode::valueOf));
  }
}
