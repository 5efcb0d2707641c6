package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;

/**
 * A predictor with its state. Where it has no estimate, or throws, the request's own prediction is
 * used.
 */
final class Predictions<S> implements RemainingTokens {
  private static final String WHAT_NOW = "the request's own prediction is used";

  private final LengthPredictor<S> predictor;
  private final S state;
  private final Faults faults;
  private final LengthEstimate estimate = new LengthEstimate();

  Predictions(LengthPredictor<S> predictor, S state, Faults faults) {
    this.predictor = predictor;
    this.state = state;
    this.faults = faults;
  }

  @Override
  public boolean has(Request request, int generatedTokens) {
    return estimated(request, generatedTokens) || DECLARED.has(request, generatedTokens);
  }

  @Override
  public int remaining(Request request, int generatedTokens) {
    return estimated(request, generatedTokens)
        ? estimate.wholeRemainingTokens()
        : DECLARED.remaining(request, generatedTokens);
  }

  private boolean estimated(Request request, int generatedTokens) {
    try {
      predictor.estimate(state, request, generatedTokens, estimate);
      return estimate.hasTokens();
    } catch (Throwable e) {
      faults.observed(Faults.Cause.PREDICTOR, WHAT_NOW, e);
      return false;
    }
  }

  /** Tells the predictor how long an output was. */
  void observe(Request request, int outputTokens, boolean censored) {
    try {
      predictor.observe(state, request, outputTokens, censored);
    } catch (Throwable e) {
      faults.observed(Faults.Cause.PREDICTOR, WHAT_NOW, e);
    }
  }
}
