package io.headway.predictors.length;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;

/**
 * Answers what the caller said: the request's own predicted length if it has one, else its declared
 * cap, the only safe upper bound. Minus what was generated, at least 0. O(1).
 */
public final class DeclaredLength implements LengthPredictor<Stateless> {
  /** Makes the predictor. */
  public DeclaredLength() {}

  @Override
  public String id() {
    return "declared";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void estimate(Stateless state, Request request, int generatedTokens, LengthEstimate into) {
    int tokens =
        request.hasPredictedOutput()
            ? Math.min(request.predictedOutputTokens(), request.maxNewTokens())
            : request.maxNewTokens();
    into.point(Math.max(0, tokens - generatedTokens));
  }

  @Override
  public void observe(Stateless state, Request request, int outputTokens, boolean censored) {}
}
