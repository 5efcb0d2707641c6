package io.headway.api.prediction;

import io.headway.api.ImplementedByUsers;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Predicts how many output tokens a request will still produce, at arrival and again while it runs.
 *
 * <p>A predictor that has not seen enough yet answers {@link LengthEstimate#none()}; whoever asks
 * decides what to use instead, the declared {@link Request#maxNewTokens()} being the only safe
 * upper bound. Estimates may be asked for once per sequence and iteration: implementations do not
 * allocate there.
 *
 * @param <S> what was learned
 */
@ImplementedByUsers
public interface LengthPredictor<S> extends SchedulingPolicy<S> {
  /**
   * Predicts the remaining output.
   *
   * @param state what was learned so far; not changed by what this returns
   * @param request the request
   * @param generatedTokens output tokens it has produced, 0 at arrival
   * @param into receives the answer
   */
  void estimate(S state, Request request, int generatedTokens, LengthEstimate into);

  /**
   * Predicts a quantile of the remaining output.
   *
   * @param state what was learned so far
   * @param request the request
   * @param generatedTokens output tokens it has produced, 0 at arrival
   * @param tau probability that the true remainder is not above the answer, in (0, 1)
   * @param into receives the answer; none by default, for predictors that know no distribution
   */
  default void quantile(
      S state, Request request, int generatedTokens, double tau, LengthEstimate into) {
    into.none();
  }

  /**
   * Learns from a request that has left the system. Called once per request, in the order in which
   * they leave.
   *
   * @param state what was learned so far
   * @param request the request; its fields are the features that predictions were made from
   * @param outputTokens output tokens it produced
   * @param censored whether it was cancelled or cut off, so that its own length would have been at
   *     least {@code outputTokens}
   */
  void observe(S state, Request request, int outputTokens, boolean censored);

  /**
   * Tells the true output length of a request before it is asked for. Only simulators and tests
   * call this, and only for predictors that claim {@link io.headway.api.Claims.Need#TRUE_LENGTH}.
   *
   * @param state what was learned so far
   * @param request a request that has just arrived
   * @param outputTokens the tokens it is going to produce, at least 1
   * @param random for predictors that disturb the truth
   */
  default void reveal(S state, Request request, int outputTokens, RandomSource random) {}
}
