package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;

/**
 * Predicts the range of the output length: the most frequent bucket of similar requests ({@link
 * BucketCounts}; tenant, workload and order of the prompt length make requests similar).
 *
 * <p>The range answered is what remains of the bucket after {@code g} generated tokens; a request
 * that has outgrown its bucket is in the bucket that holds {@code g}. The number in the answer is
 * the end chosen: {@link End#HIGH} as S3 (NeurIPS 2023) reserves, {@link End#LOW} as TetriInfer
 * (arXiv 2401.11181) estimates, or the middle. All are clipped to what the request may still
 * produce. Censored requests are not learned from. Before the first {@code minSamples} requests the
 * answer is {@code none}.
 */
public final class BucketLength implements LengthPredictor<BucketCounts> {
  /** Which number of the predicted range is answered. */
  public enum End {
    /** The least length of the bucket. */
    LOW,
    /** Half way between both ends. */
    MIDDLE,
    /** The greatest length of the bucket. */
    HIGH
  }

  /**
   * Configuration.
   *
   * @param bucketTokens width of a bucket, at least 1 token
   * @param buckets number of buckets, at least 1; the last one is open
   * @param minSamples observations before a level is used, at least 1
   * @param end which number of the range is answered
   */
  public record Config(int bucketTokens, int buckets, int minSamples, End end) {
    /** TetriInfer's 200 tokens, 32 buckets, 20 samples, upper end. */
    public static final Config DEFAULT = new Config(200, 32, 20, End.HIGH);

    /** Checks the values. */
    public Config {
      requireNonNull(end, "end");
      if (bucketTokens < 1 || buckets < 1 || minSamples < 1) {
        throw new IllegalArgumentException(
            "bucketTokens, buckets and minSamples must be at least 1, but were "
                + bucketTokens
                + ", "
                + buckets
                + " and "
                + minSamples);
      }
    }
  }

  private final Config config;
  private final LengthBuckets buckets;

  /**
   * Makes a predictor.
   *
   * @param config its configuration
   */
  public BucketLength(Config config) {
    this.config = requireNonNull(config, "config");
    buckets = LengthBuckets.fixed(config.bucketTokens, config.buckets);
  }

  @Override
  public String id() {
    return "length-buckets";
  }

  @Override
  public BucketCounts newState() {
    return new BucketCounts(config.buckets, config.minSamples);
  }

  @Override
  public void estimate(
      BucketCounts state, Request request, int generatedTokens, LengthEstimate into) {
    int rest = request.maxNewTokens() - generatedTokens;
    if (state.observations() < config.minSamples || rest < 1) {
      into.none();
      return;
    }
    int bucket =
        Math.max(
            state.predict(request.tenant(), request.workload(), request.promptTokens()),
            buckets.bucketOf(generatedTokens));
    int low = Math.max(0, Math.min(buckets.lowTokens(bucket) - generatedTokens, rest - 1));
    int end = buckets.highTokens(bucket);
    int high = end == LengthEstimate.OPEN ? rest + 1 : Math.min(end - generatedTokens, rest + 1);
    double tokens =
        switch (config.end) {
          case LOW -> low;
          case MIDDLE -> (low + high - 1) / 2.0;
          case HIGH -> high - 1;
        };
    into.range(tokens, low, Math.max(high, low + 1));
  }

  @Override
  public void observe(BucketCounts state, Request request, int outputTokens, boolean censored) {
    if (!censored) {
      state.observe(
          request.tenant(),
          request.workload(),
          request.promptTokens(),
          buckets.bucketOf(outputTokens));
    }
  }
}
