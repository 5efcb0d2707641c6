package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.FlexComposer;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as Shepherd does within one instance: the largest batch whose members all meet
 * their deadlines, preempted only for one that is {@code valueRatio} times as large. See {@link
 * FlexComposer} for the steps. Memory for prompt and whole declared output is reserved, as the
 * fixed run times of the paper's models imply.
 *
 * <p>Id {@code shepherd}. Cost O(waiting log waiting) per arrival, O(batch) per iteration. Zhang et
 * al., SHEPHERD: Serving DNNs in the Wild, NSDI 2023; the baseline for requests with deadlines.
 *
 * @param composition ratio, targets and time model
 */
public record Shepherd(FlexComposer.Parameters composition) {
  /** The id. */
  public static final String ID = "shepherd";

  /** See {@link FlexComposer.Parameters#DEFAULT}. */
  public static final Shepherd DEFAULT = new Shepherd(FlexComposer.Parameters.DEFAULT);

  static final String SOURCE = "Zhang et al., SHEPHERD, NSDI 2023";

  public Shepherd {
    requireNonNull(composition, "composition");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(WholeOutputAdmission.declared())
        .composition(new FlexComposer(composition))
        .preemption(new LastCandidate())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "The largest batch that meets all its deadlines, preempted only for a much larger one",
        SOURCE,
        parameters(),
        config -> new Shepherd(composition(config)).policy());
  }

  static ParameterSet parameters() {
    FlexComposer.Parameters defaults = DEFAULT.composition;
    ParameterSet.Builder builder =
        ParameterSet.builder()
            .doubleValue(
                "valueRatio",
                defaults.valueRatio(),
                1,
                Double.POSITIVE_INFINITY,
                "times",
                "how many times as large a batch must be to preempt the running one");
    return FairBatching.targets(builder, defaults.targets())
        .doubleValue(
            "fixedNanos",
            defaults.fixedNanos(),
            0,
            Double.POSITIVE_INFINITY,
            "ns",
            "predicted time of a batch without requests")
        .doubleValue(
            "nanosPerRequest",
            defaults.nanosPerRequest(),
            0,
            Double.POSITIVE_INFINITY,
            "ns/request",
            "predicted time that each request of a batch adds")
        .build();
  }

  static FlexComposer.Parameters composition(PolicyConfig config) {
    return new FlexComposer.Parameters(
        config.doubleValue("valueRatio"),
        FairBatching.targets(config),
        config.doubleValue("fixedNanos"),
        config.doubleValue("nanosPerRequest"));
  }
}
