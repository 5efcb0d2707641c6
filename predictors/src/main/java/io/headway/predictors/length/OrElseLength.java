package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;

/**
 * Answers from a second predictor wherever the first has nothing to say, for example while it has
 * not seen enough. Both learn from everything.
 *
 * @param <A> the first predictor's state
 * @param <B> the second predictor's state
 */
public final class OrElseLength<A, B> implements LengthPredictor<OrElseLength.Both<A, B>> {
  private final LengthPredictor<A> first;
  private final LengthPredictor<B> second;

  /**
   * Joins two predictors.
   *
   * @param first who is asked first
   * @param second who is asked where the first answers {@code none}
   */
  public OrElseLength(LengthPredictor<A> first, LengthPredictor<B> second) {
    this.first = requireNonNull(first, "first");
    this.second = requireNonNull(second, "second");
  }

  @Override
  public String id() {
    return "or-else";
  }

  @Override
  public Claims claims() {
    return first.claims().and(second.claims());
  }

  @Override
  public Both<A, B> newState() {
    return new Both<>(first.newState(), second.newState());
  }

  @Override
  public void estimate(
      Both<A, B> state, Request request, int generatedTokens, LengthEstimate into) {
    first.estimate(state.first, request, generatedTokens, into);
    if (into.kind() == LengthEstimate.Kind.NONE) {
      second.estimate(state.second, request, generatedTokens, into);
    }
  }

  @Override
  public void quantile(
      Both<A, B> state, Request request, int generatedTokens, double tau, LengthEstimate into) {
    first.quantile(state.first, request, generatedTokens, tau, into);
    if (into.kind() == LengthEstimate.Kind.NONE) {
      second.quantile(state.second, request, generatedTokens, tau, into);
    }
  }

  @Override
  public void observe(Both<A, B> state, Request request, int outputTokens, boolean censored) {
    first.observe(state.first, request, outputTokens, censored);
    second.observe(state.second, request, outputTokens, censored);
  }

  @Override
  public void reveal(Both<A, B> state, Request request, int outputTokens, RandomSource random) {
    first.reveal(state.first, request, outputTokens, random);
    second.reveal(state.second, request, outputTokens, random);
  }

  /**
   * The states of both.
   *
   * @param first of the first predictor
   * @param second of the second predictor
   * @param <A> the first predictor's state
   * @param <B> the second predictor's state
   */
  public record Both<A, B>(A first, B second) {}
}
