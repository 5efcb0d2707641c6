package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;

/**
 * Asks another predictor only at every window of generated tokens and counts down in between, as
 * ELIS does (arXiv 2505.09142): {@code remaining = max(0, p_j - (g - j w))} with {@code j = floor(g
 * / w)} and {@code p_j} the prediction at {@code j w} generated tokens.
 *
 * <p>Between two predictions the estimate falls by exactly the generated tokens, and it never
 * exceeds what the request may still produce. The prediction at {@code j w} is asked for anew each
 * time instead of being kept per request, so it moves if the inner predictor learns within a
 * window; for a cheap predictor that is no loss.
 *
 * @param <S> the inner predictor's state
 */
public final class WindowedLength<S> implements LengthPredictor<S> {
  /** ELIS's window. */
  public static final int DEFAULT_WINDOW_TOKENS = 50;

  private final LengthPredictor<S> inner;
  private final int windowTokens;

  /**
   * Wraps a predictor.
   *
   * @param inner who predicts at the start of each window
   * @param windowTokens generated tokens between two predictions, at least 1
   * @throws IllegalArgumentException if the window is below 1 token
   */
  public WindowedLength(LengthPredictor<S> inner, int windowTokens) {
    this.inner = requireNonNull(inner, "inner");
    if (windowTokens < 1) {
      throw new IllegalArgumentException(
          "windowTokens must be at least 1 token, but was " + windowTokens);
    }
    this.windowTokens = windowTokens;
  }

  /**
   * Counts a prediction down.
   *
   * @param predictedTokens what remained when it was made
   * @param sinceTokens tokens generated since
   * @param restTokens most tokens that may still be produced
   * @return tokens, at least 0 and at most {@code max(0, restTokens)}
   */
  public static double countDown(double predictedTokens, int sinceTokens, int restTokens) {
    return Math.max(0, Math.min(predictedTokens - sinceTokens, restTokens));
  }

  @Override
  public String id() {
    return inner.id();
  }

  @Override
  public Claims claims() {
    return inner.claims();
  }

  @Override
  public S newState() {
    return inner.newState();
  }

  @Override
  public void estimate(S state, Request request, int generatedTokens, LengthEstimate into) {
    int since = generatedTokens % windowTokens;
    inner.estimate(state, request, generatedTokens - since, into);
    countDown(request, generatedTokens, since, into);
  }

  @Override
  public void quantile(
      S state, Request request, int generatedTokens, double tau, LengthEstimate into) {
    int since = generatedTokens % windowTokens;
    inner.quantile(state, request, generatedTokens - since, tau, into);
    countDown(request, generatedTokens, since, into);
  }

  private static void countDown(
      Request request, int generatedTokens, int since, LengthEstimate into) {
    if (into.hasTokens()) {
      into.point(
          countDown(into.remainingTokens(), since, request.maxNewTokens() - generatedTokens));
    }
  }

  @Override
  public void observe(S state, Request request, int outputTokens, boolean censored) {
    inner.observe(state, request, outputTokens, censored);
  }

  @Override
  public void reveal(S state, Request request, int outputTokens, RandomSource random) {
    inner.reveal(state, request, outputTokens, random);
  }
}
