package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.prediction.OutputHistory;

/**
 * Predicts the remaining output by reading the history of finished lengths beyond what is already
 * generated ({@link PastFuture#sample}; Past-Future scheduling, ASPLOS 2025, arXiv 2507.10150).
 *
 * <p>{@link #quantile} with {@code tau} a uniform draw is the published sample, so a policy that
 * plans with samples brings its own draws; {@link #estimate} reads at the configured point. One
 * history serves all requests; censored requests are not remembered. Answers lie between 0 and what
 * the request may still produce. O(log history) per answer, no allocation.
 */
public final class PastFutureLength implements LengthPredictor<OutputHistory> {
  /**
   * Configuration.
   *
   * @param capacity lengths remembered, at least 1
   * @param initialCopies copies of {@code maxOutputTokens} at the start, 0 to {@code capacity}
   * @param maxOutputTokens the largest length a request may declare here, at least 1
   * @param point where {@link PastFutureLength#estimate} reads, in [0, 1)
   */
  public record Config(int capacity, int initialCopies, int maxOutputTokens, double point) {
    /** 200 lengths, 100 of them 2 048 at the start, the middle. */
    public static final Config DEFAULT =
        new Config(OutputHistory.DEFAULT_CAPACITY, OutputHistory.DEFAULT_INITIAL_COPIES, 2048, 0.5);

    /** Checks the values. */
    public Config {
      new OutputHistory(capacity, initialCopies, maxOutputTokens);
      if (!(point >= 0 && point < 1)) {
        throw new IllegalArgumentException("point must be in [0, 1), but was " + point);
      }
    }
  }

  private final Config config;

  /**
   * Makes a predictor.
   *
   * @param config its configuration
   */
  public PastFutureLength(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "past-future";
  }

  @Override
  public OutputHistory newState() {
    return new OutputHistory(config.capacity, config.initialCopies, config.maxOutputTokens);
  }

  @Override
  public void estimate(
      OutputHistory state, Request request, int generatedTokens, LengthEstimate into) {
    read(state, request, generatedTokens, config.point, into);
  }

  @Override
  public void quantile(
      OutputHistory state, Request request, int generatedTokens, double tau, LengthEstimate into) {
    read(state, request, generatedTokens, tau, into);
  }

  private static void read(
      OutputHistory state,
      Request request,
      int generatedTokens,
      double point,
      LengthEstimate into) {
    int limit = request.maxNewTokens();
    if (generatedTokens >= limit) {
      into.point(0);
      return;
    }
    int tokens = PastFuture.sample(state, generatedTokens, limit, point);
    into.point(Math.min(tokens, limit) - generatedTokens);
  }

  @Override
  public void observe(OutputHistory state, Request request, int outputTokens, boolean censored) {
    if (!censored) {
      state.observe(outputTokens);
    }
  }
}
