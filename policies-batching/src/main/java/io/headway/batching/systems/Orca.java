package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as ORCA does: iteration-level scheduling, first come first served, with memory
 * for the whole output reserved at admission. The first request whose reservation does not fit ends
 * the admissions; it is not skipped.
 *
 * <p>With {@code DECLARED} ({@code prompt + maxNewTokens}) or {@code MAXIMUM} ({@code modelTokens})
 * nobody is ever preempted and KV never runs out; among requests of one model that have not ended,
 * one that arrived earlier has run at least as many iterations. {@code PREDICTED} is the oracle of
 * the PagedAttention paper if predictions are exact; where one is too short the rest is taken block
 * by block and the sequence admitted last yields. Prompts are never cut and there is no token
 * budget beyond the engine's own limit. With {@code w} batches in flight, set {@code
 * batchSequences} to a {@code w}-th of the engine's sequences.
 *
 * <p>Id {@code orca}. Cost O(running + admitted) per iteration. Yu et al., Orca: A Distributed
 * Serving System for Transformer-Based Generative Models, OSDI 2022, Algorithm 1. Departure: with
 * several workers a batch's sequences are the runtime's matter (plans in flight).
 *
 * @param reservation which output length is reserved
 * @param modelTokens the model's greatest length for {@code MAXIMUM}, at least 2 tokens; without
 *     effect otherwise
 * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
 */
public record Orca(WholeOutputAdmission.Length reservation, int modelTokens, int batchSequences) {
  /** The id. */
  public static final String ID = "orca";

  /** Declared lengths, the engine's sequence limit. */
  public static final Orca DEFAULT = new Orca(WholeOutputAdmission.Length.DECLARED, 2048, 0);

  public Orca {
    requireNonNull(reservation, "reservation");
    Arguments.atLeast("modelTokens", modelTokens, 2, "tokens");
    Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    WholeOutputAdmission admission =
        switch (reservation) {
          case DECLARED -> WholeOutputAdmission.declared();
          case MAXIMUM -> WholeOutputAdmission.maximum(modelTokens);
          case PREDICTED -> WholeOutputAdmission.predicted();
        };
    Batching.Builder builder =
        Batching.order(new FirstComeOrder())
            .admission(admission)
            .composition(new IterationLevelComposer(batchSequences))
            .id(ID);
    return reservation == WholeOutputAdmission.Length.PREDICTED
        ? builder.preemption(new LastCandidate()).build()
        : builder.build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Iteration-level scheduling with memory for the whole output reserved at admission",
        "Yu et al., Orca, OSDI 2022",
        ParameterSet.builder()
            .choice(
                "reservation",
                "declared",
                List.of("declared", "maximum", "predicted"),
                "which output length is reserved: maxNewTokens, the model's greatest, the predicted")
            .intValue(
                "modelTokens",
                DEFAULT.modelTokens,
                2,
                Integer.MAX_VALUE,
                "tokens",
                "the model's greatest length, for reservation=maximum")
            .intValue(
                "batchSequences",
                0,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "most sequences in one batch; 0 for the engine's limit")
            .build(),
        config ->
            new Orca(
                    config.choice("reservation", WholeOutputAdmission.Length::valueOf),
                    config.intValue("modelTokens"),
                    config.intValue("batchSequences"))
                .policy());
  }
}
