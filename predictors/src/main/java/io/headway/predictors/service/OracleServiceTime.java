package io.headway.predictors.service;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.predictors.evaluation.ErrorInjection;

/**
 * Answers the true isolated service time of requests for which it was {@linkplain #reveal
 * revealed}, with an error of a given size drawn once per request, and {@code none} for others. For
 * simulators and tests; the error levels are those of the robustness study of GAPS (AAMAS 2026). A
 * disturbed time below 0 counts as no prediction. O(1), no allocation per answer.
 */
public final class OracleServiceTime implements ServiceTimePredictor<TrueServiceTimes> {
  private final ErrorInjection error;

  /**
   * Makes a predictor.
   *
   * @param error the error put on the truth; level 0 for none
   */
  public OracleServiceTime(ErrorInjection error) {
    this.error = requireNonNull(error, "error");
  }

  @Override
  public String id() {
    return "oracle";
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.TRUE_LENGTH).build();
  }

  @Override
  public TrueServiceTimes newState() {
    return new TrueServiceTimes();
  }

  @Override
  public void reveal(
      TrueServiceTimes state, Request request, double serviceSeconds, RandomSource random) {
    state.put(request, error.disturb(serviceSeconds, random));
  }

  @Override
  public void estimateSeconds(
      TrueServiceTimes state, Request request, int cachedTokens, Estimate into) {
    state.answer(request, into);
  }

  @Override
  public void observe(
      TrueServiceTimes state,
      Request request,
      int cachedTokens,
      int outputTokens,
      double serviceSeconds) {
    state.remove(request);
  }
}
