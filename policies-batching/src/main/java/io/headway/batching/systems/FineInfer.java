package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.DeferredComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;

/**
 * Decides batches as FineInfer does: continuous batching that is deferred while nothing runs, so
 * that the engine can spend the time on a fine-tuning job. See {@link DeferredComposer}.
 *
 * <p>Memory for prompt and declared output is reserved at admission (ours; the paper names no
 * admission rule), so nobody is ever preempted.
 *
 * <p>Id {@code fineinfer}. FineInfer, EuroMLSys 2024.
 *
 * @param deferNanos how long the oldest request may be deferred, at least 0
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
 */
public record FineInfer(long deferNanos, int batchSequences) {
  /** The id. */
  public static final String ID = "fineinfer";

  /** 300 ms, the least deferral of the published gains, and the engine's limit. */
  public static final FineInfer DEFAULT = new FineInfer(300_000_000, 0);

  private static final long NANOS_PER_MILLI = 1_000_000;

  public FineInfer {
    Arguments.atLeast("deferNanos", deferNanos, 0, "ns");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(WholeOutputAdmission.declared())
        .composition(new DeferredComposer(deferNanos, batchSequences))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Continuous batching, deferred while idle in favour of a fine-tuning job",
        "FineInfer, EuroMLSys 2024",
        parameters(),
        config ->
            new FineInfer(
                    config.intValue("deferMillis") * NANOS_PER_MILLI,
                    config.intValue("batchSequences"))
                .policy());
  }

  static ParameterSet parameters() {
    return ParameterSet.builder()
        .intValue(
            "deferMillis",
            (int) (DEFAULT.deferNanos / NANOS_PER_MILLI),
            0,
            Integer.MAX_VALUE,
            "ms",
            "how long the oldest request may be deferred while nothing runs")
        .intValue(
            "batchSequences",
            0,
            0,
            Integer.MAX_VALUE,
            "sequences",
            "most sequences in one batch; 0 for the engine's limit")
        .build();
  }

  static DeferredComposer composer(PolicyConfig config) {
    return new DeferredComposer(
        config.intValue("deferMillis") * NANOS_PER_MILLI, config.intValue("batchSequences"));
  }
}
