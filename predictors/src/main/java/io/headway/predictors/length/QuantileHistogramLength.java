package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import java.util.HashMap;
import java.util.Map;

/**
 * Predicts the remaining output from the lengths of finished requests of the same kind: the
 * historical distribution, given the tokens already generated ({@link LengthHistogram}).
 *
 * <p>{@link #estimate} answers the configured statistic, {@link #quantile} any quantile, both
 * clipped to what the request may still produce. Requests of a key with fewer than {@code
 * minSamples} observations are answered from all keys together, and with {@code none} while there
 * are fewer in all. Where hazard falls with length (heavy tails) the estimate grows as a request
 * goes on; that is meant. At most {@value #MAX_KEYS} keys are kept apart, in order of appearance;
 * further ones share the common histogram.
 *
 * <p>Cost O(buckets) per answer, no allocation. The baseline of the length prediction literature;
 * no paper of its own.
 */
public final class QuantileHistogramLength
    implements LengthPredictor<QuantileHistogramLength.History> {
  /** Most keys kept apart. */
  public static final int MAX_KEYS = 4096;

  /** What {@link #estimate} answers. */
  public enum Statistic {
    /** The mean of what remains. */
    MEAN,
    /** The quantile {@link Config#tau()} of what remains. */
    QUANTILE
  }

  /**
   * Configuration.
   *
   * @param widthTokens width of a bucket, at least 1 token
   * @param buckets number of buckets, at least 1
   * @param key which requests share a histogram
   * @param statistic what is answered
   * @param tau the quantile, in (0, 1]; used with {@link Statistic#QUANTILE}
   * @param minSamples observations before a histogram is used, at least 1
   * @param halveEvery all counts are halved after that many observations of a histogram; 0 for
   *     never
   */
  public record Config(
      int widthTokens,
      int buckets,
      LengthKey key,
      Statistic statistic,
      double tau,
      int minSamples,
      int halveEvery) {
    /** Width 64 tokens, 512 buckets, by workload, mean, 30 samples, halved every 10 000. */
    public static final Config DEFAULT =
        new Config(64, 512, LengthKey.WORKLOAD, Statistic.MEAN, 0.5, 30, 10_000);

    /** Checks the values. */
    public Config {
      requireNonNull(key, "key");
      requireNonNull(statistic, "statistic");
      if (widthTokens < 1 || buckets < 1 || minSamples < 1 || halveEvery < 0) {
        throw new IllegalArgumentException(
            "widthTokens, buckets and minSamples must be at least 1 and halveEvery at least 0, but"
                + " were "
                + widthTokens
                + ", "
                + buckets
                + ", "
                + minSamples
                + " and "
                + halveEvery);
      }
      if (!(tau > 0 && tau <= 1)) {
        throw new IllegalArgumentException("tau must be above 0 and at most 1, but was " + tau);
      }
    }
  }

  private final Config config;

  /**
   * Makes a predictor.
   *
   * @param config its configuration
   */
  public QuantileHistogramLength(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "quantile-histogram";
  }

  @Override
  public History newState() {
    return new History(config);
  }

  @Override
  public void estimate(History state, Request request, int generatedTokens, LengthEstimate into) {
    answer(
        state,
        request,
        generatedTokens,
        config.statistic == Statistic.MEAN ? Double.NaN : config.tau,
        into);
  }

  @Override
  public void quantile(
      History state, Request request, int generatedTokens, double tau, LengthEstimate into) {
    if (!(tau > 0 && tau <= 1)) {
      throw new IllegalArgumentException("tau must be above 0 and at most 1, but was " + tau);
    }
    answer(state, request, generatedTokens, tau, into);
  }

  private void answer(
      History state, Request request, int generatedTokens, double tau, LengthEstimate into) {
    LengthHistogram histogram = state.histogram(config.key.of(request));
    if (histogram.observations() < config.minSamples) {
      histogram = state.all;
    }
    if (histogram.observations() < config.minSamples || !histogram.covers(generatedTokens)) {
      into.none();
      return;
    }
    int limit = request.maxNewTokens();
    double tokens =
        Double.isNaN(tau)
            ? histogram.meanRemaining(generatedTokens, limit)
            : histogram.quantileRemaining(generatedTokens, tau, limit);
    into.point(Math.min(tokens, Math.max(0, limit - generatedTokens)));
  }

  @Override
  public void observe(History state, Request request, int outputTokens, boolean censored) {
    state.observe(config.key.of(request), outputTokens, censored);
  }

  /** The histograms, one per key and one over all. */
  public static final class History {
    private final Config config;
    private final LengthHistogram all;
    private final Map<String, LengthHistogram> byKey = new HashMap<>();

    private History(Config config) {
      this.config = config;
      all = new LengthHistogram(config.widthTokens, config.buckets);
    }

    private void observe(String key, int outputTokens, boolean censored) {
      LengthHistogram own = byKey.get(key);
      if (own == null && byKey.size() < MAX_KEYS) {
        own = new LengthHistogram(config.widthTokens, config.buckets);
        byKey.put(key, own);
      }
      count(all, outputTokens, censored);
      if (own != null) {
        count(own, outputTokens, censored);
      }
    }

    private void count(LengthHistogram histogram, int outputTokens, boolean censored) {
      if (censored) {
        histogram.observeCensored();
      } else {
        histogram.observe(outputTokens);
      }
      if (config.halveEvery > 0 && histogram.observations() % config.halveEvery == 0) {
        histogram.halve();
      }
    }

    private LengthHistogram histogram(String key) {
      LengthHistogram own = byKey.get(key);
      return own == null ? all : own;
    }
  }
}
