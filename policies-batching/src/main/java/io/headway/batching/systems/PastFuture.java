package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.admission.PeriodicAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Decides batches as the Past-Future scheduler of LightLLM does: first come, first served,
 * admitting the head of the queue while the peak of memory that the batch will reach stays below
 * the pool. See {@link PeakForecastAdmission} for past and future.
 *
 * <p>Everybody runs in every iteration, prompts whole. When memory runs out all the same, the
 * sequence admitted last is paused, to the head of the queue, and computed again; an iteration that
 * pauses admits nobody. With {@code forecast=declared} that never happens while one plan is in
 * flight.
 *
 * <p>Id {@code past-future}. O(running log history) per admission test. Gong et al., Past-Future
 * Scheduler for LLM Serving under SLA Guarantees, ASPLOS 2025, arXiv 2507.10150, and
 * github.com/ModelTC/lightllm. Departures: groups of requests are the caller's; chunked prefill
 * comes from another composition, as in {@code
 * compose:admission=past-future,composition=sarathi-serve}.
 *
 * @param admission how the peak is forecast
 * @param admissionIterations iterations from one consideration of new requests to the next, at
 *     least 1; the code has 6
 */
public record PastFuture(PeakForecastAdmission.Parameters admission, int admissionIterations) {
  /** The id. */
  public static final String ID = "past-future";

  /** Draws from history, a reserve of 5 %, new requests considered in every iteration. */
  public static final PastFuture DEFAULT =
      new PastFuture(PeakForecastAdmission.Parameters.DEFAULT, 1);

  public PastFuture {
    requireNonNull(admission, "admission");
    Arguments.atLeast("admissionIterations", admissionIterations, 1, "iteration");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    PeakForecastAdmission forecast = new PeakForecastAdmission(admission);
    AdmissionTest<?> test =
        admissionIterations == 1 ? forecast : PeriodicAdmission.of(forecast, admissionIterations);
    return Batching.order(new FirstComeOrder())
        .admission(test)
        .composition(new IterationLevelComposer())
        .preemption(new LastCandidate())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "First come, first served while the forecast peak of memory fits",
        "Gong et al., Past-Future Scheduler, ASPLOS 2025",
        parameters()
            .intValue(
                "admissionIterations",
                DEFAULT.admissionIterations,
                1,
                Integer.MAX_VALUE,
                "iterations",
                "from one consideration of new requests to the next")
            .build(),
        config ->
            new PastFuture(admission(config), config.intValue("admissionIterations")).policy());
  }

  static ParameterSet.Builder parameters() {
    PeakForecastAdmission.Parameters defaults = PeakForecastAdmission.Parameters.DEFAULT;
    return ParameterSet.builder()
        .choice(
            "forecast",
            "history",
            List.of("history", "declared", "predicted", "router"),
            "assumed output: a draw from history, the cap, the prediction, LightLLM's router")
        .doubleValue(
            "reserveFraction",
            defaults.reserveFraction(),
            0,
            1,
            "",
            "share of the pool kept for longer outputs")
        .intValue(
            "historyWindow",
            defaults.historyWindow(),
            1,
            PeakForecastAdmission.Parameters.MAX_HISTORY_WINDOW,
            "outputs",
            "finished outputs remembered")
        .intValue("draws", defaults.draws(), 1, 64, "draws", "lengths drawn per sequence and test")
        .doubleValue(
            "busyFraction",
            defaults.busyFraction(),
            0,
            Math.nextDown(1.0),
            "",
            "share of the pool from which on the router counts as busy")
        .booleanValue("strict", false, "the peak must stay below what is allowed");
  }

  static PeakForecastAdmission.Parameters admission(PolicyConfig config) {
    return new PeakForecastAdmission.Parameters(
        config.choice("forecast", PeakForecastAdmission.Forecast::valueOf),
        config.doubleValue("reserveFraction"),
        config.intValue("historyWindow"),
        config.intValue("draws"),
        config.doubleValue("busyFraction"),
        config.booleanValue("strict"));
  }
}
