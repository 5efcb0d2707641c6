package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.fairness.DeficitPrefixOrder;

/**
 * Decides batches by deficit longest prefix match: the sequence with the longest cached prefix is
 * admitted next, as long as its tenant has credit. See {@link DeficitPrefixOrder}; this preset runs
 * it with ORCA's composition and reservation, in which nobody is preempted and the service bound
 * holds.
 *
 * <p>It is also what each worker of D2LPM runs. Any other product keeps the order, for example
 * {@code compose:order=dlpm,admission=first-chunk,composition=vllm-v1}.
 *
 * <p>Id {@code dlpm}. O(waiting) prefix lookups per decision that looks at the queue. Cao et al.,
 * Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312.
 *
 * @param order quantum, prices and weights
 */
public record Dlpm(DeficitPrefixOrder.Parameters order) {
  /** The id. */
  public static final String ID = "dlpm";

  /** Quantum 1,000, prices 1 and 2, equal weights. */
  public static final Dlpm DEFAULT = new Dlpm(DeficitPrefixOrder.Parameters.DEFAULT);

  public Dlpm {
    requireNonNull(order, "order");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new DeficitPrefixOrder(order))
        .admission(WholeOutputAdmission.declared())
        .composition(new IterationLevelComposer())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Deficit longest prefix match: locality among the tenants that have credit",
        "Cao et al., Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312",
        parameters(),
        config -> new Dlpm(order(config)).policy());
  }

  static ParameterSet parameters() {
    DeficitPrefixOrder.Parameters defaults = DeficitPrefixOrder.Parameters.DEFAULT;
    return ParameterSet.builder()
        .doubleValue(
            "quantum",
            defaults.quantum(),
            1e-9,
            Double.POSITIVE_INFINITY,
            "weighted tokens",
            "credit of one refill: small for fairness, large for locality")
        .doubleValue(
            "extendPrice",
            defaults.extendPrice(),
            0,
            Double.POSITIVE_INFINITY,
            "weighted tokens",
            "price of a prompt token that is not cached")
        .doubleValue(
            "outputPrice",
            defaults.outputPrice(),
            0,
            Double.POSITIVE_INFINITY,
            "weighted tokens",
            "price of an output token")
        .text("weights", "", "factors of the quantum such as (alice=2,bob=1); 1 if not named")
        .build();
  }

  static DeficitPrefixOrder.Parameters order(PolicyConfig config) {
    return new DeficitPrefixOrder.Parameters(
        config.doubleValue("quantum"),
        config.doubleValue("extendPrice"),
        config.doubleValue("outputPrice"),
        Vtc.weights(config.text("weights")));
  }
}
