package io.headway.predictors.length;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;

/**
 * Answers the true remaining output of requests whose length was {@linkplain #reveal revealed}, and
 * {@code none} for others: the bound that no predictor can beat, for simulators and tests. O(1), no
 * allocation per answer.
 */
public final class OracleLength implements LengthPredictor<TrueLengths> {
  /** Makes the predictor. */
  public OracleLength() {}

  @Override
  public String id() {
    return "oracle";
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.TRUE_LENGTH).build();
  }

  @Override
  public TrueLengths newState() {
    return new TrueLengths();
  }

  @Override
  public void reveal(TrueLengths state, Request request, int outputTokens, RandomSource random) {
    state.put(request, outputTokens);
  }

  @Override
  public void estimate(
      TrueLengths state, Request request, int generatedTokens, LengthEstimate into) {
    state.answer(request, generatedTokens, into);
  }

  @Override
  public void observe(TrueLengths state, Request request, int outputTokens, boolean censored) {
    state.remove(request);
  }
}
