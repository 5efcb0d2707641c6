package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.PredictedRemainingOrder;
import java.util.List;

/**
 * Decides batches by speculative shortest job first: whenever the engine can take work, the waiting
 * request with the shortest predicted output. Predicted once, at arrival, by a proxy model; nobody
 * is preempted. See {@link PredictedRemainingOrder}.
 *
 * <p>{@code key = predicted output + agingTokensPerSecond * arrival}; ties by (arrival, id). A
 * request nobody predicts counts with the median of finished outputs. Only ranks matter: any
 * increasing transform of the predictions gives the same schedule. With exact predictions, equal
 * arrivals and one slot the mean completion time is the least possible.
 *
 * <p>{@code CONTINUOUS} admits in this order whenever slot and memory for the whole output are
 * free; {@code STATIC} fills one padded batch at a time, which runs until its last member ends.
 * With one slot both are the paper's mode without batching.
 *
 * <p>Id {@code ssjf}. O(log waiting) per change. Qiu et al., Efficient Interactive LLM Serving with
 * Proxy Model-based Sequence Length Prediction, arXiv 2404.08509, and
 * github.com/James-QiuHaoran/LLM-serving-with-proxy-models. Departures: ageing is added as an
 * option; a static batch does not wait for more requests.
 *
 * @param batches how batches are formed
 * @param agingTokensPerSecond how many predicted tokens one second of waiting is worth, at least 0;
 *     0 for no ageing
 */
public record Ssjf(Batches batches, double agingTokensPerSecond) {
  /** How batches are formed. */
  public enum Batches {
    /** Requests join in every iteration. */
    CONTINUOUS,
    /** A batch that nobody joins. */
    STATIC
  }

  /** The id. */
  public static final String ID = "ssjf";

  /** Continuous batching, no ageing. */
  public static final Ssjf DEFAULT = new Ssjf(Batches.CONTINUOUS, 0);

  public Ssjf {
    requireNonNull(batches, "batches");
    Arguments.notNegative("agingTokensPerSecond", agingTokensPerSecond, "tokens");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    Batching.Ordered order =
        Batching.order(
            new PredictedRemainingOrder(
                Integer.MAX_VALUE, agingTokensPerSecond, PredictedRemainingOrder.Missing.MEDIAN));
    return switch (batches) {
      case CONTINUOUS ->
          order
              .admission(WholeOutputAdmission.declared())
              .composition(new IterationLevelComposer())
              .id(ID)
              .build();
      case STATIC ->
          order
              .admission(new PaddedBatchAdmission())
              .composition(new RunToCompletionComposer())
              .id(ID)
              .build();
    };
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Speculative shortest job first, by a length predicted at arrival",
        "Qiu et al., arXiv 2404.08509",
        ParameterSet.builder()
            .choice(
                "batches",
                "continuous",
                List.of("continuous", "static"),
                "whether requests join a running batch")
            .doubleValue(
                "agingTokensPerSecond",
                0,
                0,
                Double.POSITIVE_INFINITY,
                "tokens/s",
                "predicted tokens that a second of waiting is worth; 0 for no ageing")
            .build(),
        config ->
            new Ssjf(
                    config.choice("batches", Batches::valueOf),
                    config.doubleValue("agingTokensPerSecond"))
                .policy());
  }
}
