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
import io.headway.batching.order.ExperienceOrder;
import java.util.List;

/**
 * Decides batches as Andes does: a greedy knapsack over slots and memory, filled with the sequences
 * whose readers gain most from being served now, per KV entry. See {@link ExperienceOrder}.
 *
 * <p>While everybody fits, everybody runs. Under pressure, readers that have enough buffered yield
 * to those that would stall. Requests say how fast they are read by their TTFT and TPOT targets.
 * The buffer that paces tokens is the client's.
 *
 * <p>Id {@code andes}. O(running) per iteration, O(live) per interval. Liu et al., Andes: Defining
 * and Enhancing Quality-of-Experience in LLM-Based Text Streaming Services, arXiv 2404.16283.
 *
 * @param order targets, horizon, interval and cap of preemptions
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
 */
public record Andes(ExperienceOrder.Parameters order, int batchSequences) {
  /** The id. */
  public static final String ID = "andes";

  /** TTFT* 1 s, 5 tokens/s, the engine's limit. */
  public static final Andes DEFAULT = new Andes(ExperienceOrder.Parameters.DEFAULT, 0);

  public Andes {
    requireNonNull(order, "order");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    ExperienceOrder experience = new ExperienceOrder(order);
    return Batching.order(experience)
        .admission(new FirstChunkAdmission())
        .composition(
            new PreemptiveComposer(
                batchSequences, 0, PreemptiveComposer.Refused.SKIP, PreemptiveComposer.NO_RESERVE))
        .preemption(experience)
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "A knapsack of those whose readers gain most from being served now",
        "Liu et al., Andes, arXiv 2404.16283",
        orderParameters()
            .intValue(
                "batchSequences",
                DEFAULT.batchSequences,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "most sequences in one batch; 0 for the engine's limit")
            .build(),
        config -> new Andes(order(config), config.intValue("batchSequences")).policy());
  }

  static ParameterSet.Builder orderParameters() {
    ExperienceOrder.Parameters defaults = ExperienceOrder.Parameters.DEFAULT;
    return ParameterSet.builder()
        .doubleValue(
            "expectedFirstTokenSeconds",
            defaults.expectedFirstTokenSeconds(),
            0,
            Double.POSITIVE_INFINITY,
            "s",
            "TTFT of requests without a TTFT target")
        .doubleValue(
            "tokensPerSecond",
            defaults.tokensPerSecond(),
            1e-9,
            Double.POSITIVE_INFINITY,
            "tokens/s",
            "reading speed of requests without a TPOT target")
        .doubleValue(
            "horizonSeconds",
            defaults.horizonSeconds(),
            1e-9,
            Double.POSITIVE_INFINITY,
            "s",
            "how far ahead quality is predicted")
        .intValue(
            "intervalIterations",
            defaults.intervalIterations(),
            1,
            Integer.MAX_VALUE,
            "iterations",
            "from one computation of priorities to the next")
        .intValue(
            "maxPreemptions",
            defaults.maxPreemptions(),
            0,
            Integer.MAX_VALUE,
            "preemptions",
            "preemptions of a request before others are chosen")
        .doubleValue(
            "iterationSeconds",
            defaults.iterationSeconds(),
            1e-9,
            Double.POSITIVE_INFINITY,
            "s",
            "assumed duration of an iteration until one was measured")
        .choice("mode", "swap", List.of("swap", "recompute"), "how victims yield");
  }

  static ExperienceOrder.Parameters order(PolicyConfig config) {
    return new ExperienceOrder.Parameters(
        config.doubleValue("expectedFirstTokenSeconds"),
        config.doubleValue("tokensPerSecond"),
        config.doubleValue("horizonSeconds"),
        config.intValue("intervalIterations"),
        config.intValue("maxPreemptions"),
        config.doubleValue("iterationSeconds"),
        config.choice("mode", PreemptionMode::valueOf));
  }
}
