package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ClearingComposer;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as the baselines of MC-SF do: a request starts while present use and its prompt
 * stay within {@code (1 - protectedFraction)} of the memory; when the memory would be passed, each
 * running request is cleared with probability {@code clearProbability} and starts again. See {@link
 * ClearingComposer}.
 *
 * <p>Id {@code alpha-protection}. arXiv 2502.07115. Departure: cleared requests keep the tokens
 * they have emitted.
 *
 * @param protectedFraction alpha, share of the pool that stays free after an admission, in [0, 1)
 * @param clearProbability beta, in (0, 1]; 1 clears everybody
 */
public record AlphaProtection(double protectedFraction, double clearProbability) {
  /** The id. */
  public static final String ID = "alpha-protection";

  /** A tenth of the pool (ours), everybody cleared. */
  public static final AlphaProtection DEFAULT = new AlphaProtection(0.1, 1);

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new WholePromptAdmission(protectedFraction))
        .composition(new ClearingComposer(clearProbability))
        .preemption(new LastCandidate(PreemptionMode.RECOMPUTE, QueueEnd.HEAD))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Greedy admission below a protected share; running work is cleared on overflow",
        "baselines of MC-SF, arXiv 2502.07115",
        ParameterSet.builder()
            .doubleValue(
                "protectedFraction",
                DEFAULT.protectedFraction,
                0,
                Math.nextDown(1.0),
                "",
                "alpha, share of the pool that stays free after an admission")
            .doubleValue(
                "clearProbability",
                DEFAULT.clearProbability,
                Double.MIN_VALUE,
                1,
                "",
                "beta, probability with which a running sequence is cleared on overflow")
            .build(),
        config ->
            new AlphaProtection(
                    config.doubleValue("protectedFraction"), config.doubleValue("clearProbability"))
                .policy());
  }
}
