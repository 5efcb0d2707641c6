package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.admission.PeriodicAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.ServiceCost;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.internal.Arguments;
import io.headway.batching.preemption.LastCandidate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides batches as VTC does: the earliest request of the tenant that has been served least is
 * admitted next, with memory for {@code prompt + maxNewTokens} reserved; if it does not fit, nobody
 * is admitted. Every admitted request runs in every iteration, so nobody is preempted. See {@link
 * VtcLedger} for counters, charges and lifts.
 *
 * <p>Two tenants backlogged throughout an interval differ by at most {@code 2 * max(inputPrice *
 * longest prompt, outputPrice * tokens of the largest batch)} in weighted service (divided by their
 * weights), and whenever the request of the least served tenant fits it is admitted. Ties between
 * tenants end in their names.
 *
 * <p>Id {@code vtc}. Cost O(running) per iteration, O(log tenants) per event. Sheng et al.,
 * Fairness in Serving Large Language Models, OSDI 2024, and github.com/Ying1123/VTC-artifact, whose
 * test of memory and period of admissions are options. Departure: prompts and decodes share
 * iterations (the artifact alternates them).
 *
 * @param ledger prices, weights, lifts and predictions
 * @param fits when a request fits
 * @param admissionIterations iterations from one consideration of new requests to the next, at
 *     least 1; the artifact has 10
 */
public record Vtc(VtcLedger.Parameters ledger, Fits fits, int admissionIterations) {
  /** When a request fits. */
  public enum Fits {
    /** The paper: memory for {@code prompt + maxNewTokens} is free, and reserved. */
    RESERVE,
    /** The artifact: the peak of memory under declared outputs stays below the pool. */
    PEAK
  }

  /** The id. */
  public static final String ID = "vtc";

  /** The paper's prices, equal weights. */
  public static final Vtc DEFAULT = new Vtc(VtcLedger.Parameters.DEFAULT);

  public Vtc {
    requireNonNull(ledger, "ledger");
    requireNonNull(fits, "fits");
    Arguments.atLeast("admissionIterations", admissionIterations, 1, "iteration");
  }

  /**
   * Makes the paper's system: memory is reserved, admissions are considered in every iteration.
   *
   * @param ledger prices, weights, lifts and predictions
   */
  public Vtc(VtcLedger.Parameters ledger) {
    this(ledger, Fits.RESERVE, 1);
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    Batching.Builder builder =
        Batching.order(FairShareOrder.of(new VtcLedger(ledger)))
            .admission(admission())
            .composition(new IterationLevelComposer())
            .id(ID);
    // Declared peaks are never passed, but the builder cannot know that.
    return fits == Fits.PEAK ? builder.preemption(new LastCandidate()).build() : builder.build();
  }

  private AdmissionTest<?> admission() {
    return fits == Fits.RESERVE
        ? every(WholeOutputAdmission.declared())
        : every(
            new PeakForecastAdmission(
                PeakForecastAdmission.Parameters.DEFAULT
                    .withForecast(PeakForecastAdmission.Forecast.DECLARED)
                    .withReserveFraction(0)
                    .withStrict(true)));
  }

  private <S> AdmissionTest<?> every(AdmissionTest<S> test) {
    return admissionIterations == 1 ? test : PeriodicAdmission.of(test, admissionIterations);
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Virtual token counters: the tenant served least is admitted next",
        "Sheng et al., Fairness in Serving Large Language Models, OSDI 2024",
        ledgerBuilder()
            .choice(
                "fits",
                "reserve",
                List.of("reserve", "peak"),
                "prompt and output are reserved (paper), or the forecast peak fits (artifact)")
            .intValue(
                "admissionIterations",
                DEFAULT.admissionIterations,
                1,
                Integer.MAX_VALUE,
                "iterations",
                "from one consideration of new requests to the next")
            .build(),
        config ->
            new Vtc(
                    ledger(config),
                    config.choice("fits", Fits::valueOf),
                    config.intValue("admissionIterations"))
                .policy());
  }

  static ParameterSet ledgerParameters() {
    return ledgerBuilder().build();
  }

  private static ParameterSet.Builder ledgerBuilder() {
    return ParameterSet.builder()
        .choice("cost", "linear", List.of("linear", "profiled"), "how tokens are priced")
        .doubleValue(
            "inputPrice",
            1,
            0,
            Double.POSITIVE_INFINITY,
            "weighted tokens",
            "price of a prompt token, for cost=linear")
        .doubleValue(
            "outputPrice",
            2,
            0,
            Double.POSITIVE_INFINITY,
            "weighted tokens",
            "price of an output token, for cost=linear")
        .text("weights", "", "shares such as (alice=2,bob=1); 1 for tenants not named")
        .booleanValue("chargePrefillToken", true, "charge the token that the prefill yields")
        .choice(
            "lengthPrediction",
            "none",
            List.of("none", "request", "tenant-average"),
            "charge predicted outputs at admission")
        .choice(
            "lift",
            "last-leaver",
            List.of("last-leaver", "waiting", "none"),
            "what a returning tenant's counter is lifted to");
  }

  static VtcLedger.Parameters ledger(PolicyConfig config) {
    ServiceCost cost =
        config.text("cost").equals("profiled")
            ? ServiceCost.PROFILED
            : ServiceCost.linear(
                config.doubleValue("inputPrice"), config.doubleValue("outputPrice"));
    return new VtcLedger.Parameters(
        cost,
        weights(config.text("weights")),
        config.booleanValue("chargePrefillToken"),
        config.choice("lengthPrediction", VtcLedger.Prediction::valueOf),
        config.choice("lift", VtcLedger.Lift::valueOf));
  }

  static Map<String, Double> weights(String text) {
    Map<String, Double> weights = new LinkedHashMap<>();
    if (text.isBlank()) {
      return weights;
    }
    for (String entry : text.split(",", -1)) {
      int equals = entry.indexOf('=');
      String tenant = equals < 0 ? "" : entry.substring(0, equals).strip();
      double weight;
      try {
        weight = Double.parseDouble(entry.substring(equals + 1).strip());
      } catch (NumberFormatException e) {
        weight = Double.NaN;
      }
      if (tenant.isEmpty() || Double.isNaN(weight) || weights.put(tenant, weight) != null) {
        throw new IllegalArgumentException(
            "weights must be tenant=share entries separated by commas, each tenant once, such as"
                + " (alice=2,bob=1), but has '"
                + entry
                + "'");
      }
    }
    return weights;
  }
}
