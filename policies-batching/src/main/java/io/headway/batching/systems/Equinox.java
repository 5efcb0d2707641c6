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
import io.headway.batching.fairness.EquinoxLedger;
import io.headway.batching.fairness.FairShareOrder;

/**
 * Decides batches as Equinox does: the tenant with the least holistic fairness, a weighted sum of
 * what its users received and what it took of the machine, is admitted next, with memory for {@code
 * prompt + maxNewTokens} reserved; if its earliest request does not fit, nobody is admitted. See
 * {@link EquinoxLedger} for counters, predictions and lifts.
 *
 * <p>Id {@code equinox}. Admission and composition are those of {@link Vtc}, which the paper
 * compares with. Cost O(running) per iteration, O(waiting) per admission. Equinox: Holistic Fair
 * Scheduling in Serving Large Language Models, arXiv 2508.16646.
 *
 * @param ledger weights, costs and predictions
 */
public record Equinox(EquinoxLedger.Parameters ledger) {
  /** The id. */
  public static final String ID = "equinox";

  /** See {@link EquinoxLedger.Parameters#DEFAULT}. */
  public static final Equinox DEFAULT = new Equinox(EquinoxLedger.Parameters.DEFAULT);

  static final String SOURCE = "Equinox, arXiv 2508.16646";

  public Equinox {
    requireNonNull(ledger, "ledger");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(FairShareOrder.of(new EquinoxLedger(ledger)))
        .admission(WholeOutputAdmission.declared())
        .composition(new IterationLevelComposer())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "The tenant with the least of users' service and machine time together is admitted next",
        SOURCE,
        parameters(),
        config -> new Equinox(ledger(config)).policy());
  }

  static ParameterSet parameters() {
    EquinoxLedger.Parameters defaults = EquinoxLedger.Parameters.DEFAULT;
    EquinoxLedger.DiscountedTokens user = EquinoxLedger.DiscountedTokens.DEFAULT;
    EquinoxLedger.DeviceSeconds device = EquinoxLedger.DeviceSeconds.DEFAULT;
    ParameterSet.Builder builder = ParameterSet.builder();
    number(builder, "alpha", defaults.alpha(), "shares", "weight of what users received");
    number(builder, "beta", defaults.beta(), "shares", "weight of what was taken of the machine");
    number(builder, "inputPrice", user.inputPrice(), "weighted tokens", "worth of a prompt token");
    number(
        builder, "outputPrice", user.outputPrice(), "weighted tokens", "worth of an output token");
    number(
        builder,
        "latencyWeight",
        user.latencyWeight(),
        "1/s",
        "how much a second of latency takes of the worth");
    number(
        builder,
        "prefillSeconds",
        device.prefillSeconds(),
        "s/token",
        "device time of a prompt token");
    number(
        builder,
        "decodeSeconds",
        device.decodeSeconds(),
        "s/token",
        "device time of an output token");
    number(
        builder,
        "serviceSecondsPerToken",
        defaults.serviceSecondsPerToken(),
        "s/token",
        "predicted time per output token, for the latency at admission");
    return builder
        .booleanValue("predicts", defaults.predicts(), "charge predicted lengths at admission")
        .build();
  }

  private static void number(
      ParameterSet.Builder builder, String name, double value, String unit, String explanation) {
    builder.doubleValue(name, value, 0, Double.POSITIVE_INFINITY, unit, explanation);
  }

  static EquinoxLedger.Parameters ledger(PolicyConfig config) {
    return new EquinoxLedger.Parameters(
        config.doubleValue("alpha"),
        config.doubleValue("beta"),
        new EquinoxLedger.DiscountedTokens(
            config.doubleValue("inputPrice"),
            config.doubleValue("outputPrice"),
            config.doubleValue("latencyWeight")),
        new EquinoxLedger.DeviceSeconds(
            config.doubleValue("prefillSeconds"), config.doubleValue("decodeSeconds")),
        config.doubleValue("serviceSecondsPerToken"),
        config.booleanValue("predicts"));
  }
}
