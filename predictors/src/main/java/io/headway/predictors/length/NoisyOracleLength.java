package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.predictors.evaluation.ErrorInjection;

/**
 * Answers the true output length with a controlled error, drawn once per request when its length is
 * {@linkplain #reveal revealed}: the yardstick for how much prediction error a policy stands.
 *
 * <p>The disturbed length is clipped to 1 up to the request's declared cap. A request that outgrows
 * it has 0 tokens remaining. With level 0 and no bias this is {@link OracleLength}. O(1), no
 * allocation per answer.
 */
public final class NoisyOracleLength implements LengthPredictor<TrueLengths> {
  private final ErrorInjection error;

  /**
   * Makes a predictor.
   *
   * @param error the error put on the truth
   */
  public NoisyOracleLength(ErrorInjection error) {
    this.error = requireNonNull(error, "error");
  }

  @Override
  public String id() {
    return "noisy-oracle";
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
    double tokens = error.disturb(outputTokens, random);
    state.put(request, Math.max(1, Math.min(request.maxNewTokens(), tokens)));
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
