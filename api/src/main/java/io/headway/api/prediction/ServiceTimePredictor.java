package io.headway.api.prediction;

import io.headway.api.ImplementedByUsers;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Predicts how long a request takes from its first execution to completion on the reference
 * instance, queueing not included.
 *
 * @param <S> what was learned
 */
@ImplementedByUsers
public interface ServiceTimePredictor<S> extends SchedulingPolicy<S> {
  /**
   * Predicts the service time.
   *
   * @param state what was learned so far; not changed by what this returns
   * @param request the request
   * @param cachedTokens leading prompt tokens that need no computation, 0 if unknown
   * @param into receives seconds, at least 0, or none
   */
  void estimateSeconds(S state, Request request, int cachedTokens, Estimate into);

  /**
   * Learns from a completed request. Called once per request, in order of completion; requests that
   * were cancelled are not observed.
   *
   * @param state what was learned so far
   * @param request the request; its fields are the features that the prediction was made from
   * @param cachedTokens the value that the prediction was made with
   * @param outputTokens output tokens it produced
   * @param serviceSeconds from first execution to completion, finite and at least 0
   */
  void observe(S state, Request request, int cachedTokens, int outputTokens, double serviceSeconds);

  /**
   * Tells the true service time of a request before it is asked for. Only simulators and tests call
   * this, and only for predictors that claim {@link io.headway.api.Claims.Need#TRUE_LENGTH}.
   *
   * @param state what was learned so far
   * @param request a request that has just arrived
   * @param serviceSeconds its isolated service time, at least 0
   * @param random for predictors that disturb the truth
   */
  default void reveal(S state, Request request, double serviceSeconds, RandomSource random) {}
}
