package io.headway.predictors.service;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import io.headway.api.prediction.ServiceTimePredictor;

/**
 * Predicts the service time from an iteration-time model and the mean output length so far: prefill
 * plus {@code t - 1} decode iterations of a reference batch.
 *
 * <pre>
 * prefill = sum over chunks of iteration({(n, h)})
 * decode  = (t - 1) iteration(batch decodes of context c),  c = prompt + t / 2
 * </pre>
 *
 * {@code t} is the request's own predicted length if it has one, else the mean of the observed
 * ones, else {@code initialOutputTokens}. {@link #isolatedSeconds} is the exact time of a request
 * alone. O(chunks) per answer, no allocation.
 */
public final class CostModelServiceTime implements ServiceTimePredictor<CostModelServiceTime.Mean> {
  /** Output tokens assumed before any was observed. */
  public static final int DEFAULT_OUTPUT_TOKENS = 128;

  private final IterationTimeModel model;
  private final int chunkTokens;
  private final int batch;
  private final int initialOutputTokens;

  /**
   * Makes a predictor.
   *
   * @param model duration of one iteration on the reference instance
   * @param chunkTokens most prompt tokens in one iteration, at least 1; {@link Integer#MAX_VALUE}
   *     for whole prompts
   * @param batch sequences decoding together in the reference batch, at least 1
   * @param initialOutputTokens output tokens assumed before any was observed, at least 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public CostModelServiceTime(
      IterationTimeModel model, int chunkTokens, int batch, int initialOutputTokens) {
    this.model = requireNonNull(model, "model");
    if (chunkTokens < 1 || batch < 1 || initialOutputTokens < 1) {
      throw new IllegalArgumentException(
          "chunkTokens, batch and initialOutputTokens must be at least 1, but were "
              + chunkTokens
              + ", "
              + batch
              + " and "
              + initialOutputTokens);
    }
    this.chunkTokens = chunkTokens;
    this.batch = batch;
    this.initialOutputTokens = initialOutputTokens;
  }

  /**
   * Returns the time of the prefill alone.
   *
   * @param model duration of one iteration
   * @param shape scratch, overwritten
   * @param promptTokens at least 1 token
   * @param cachedTokens leading prompt tokens that need no computation, 0 to {@code promptTokens}
   * @param chunkTokens most prompt tokens in one iteration, at least 1
   * @return seconds; 0 if everything is cached
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double prefillSeconds(
      IterationTimeModel model,
      IterationShape shape,
      int promptTokens,
      int cachedTokens,
      int chunkTokens) {
    if (promptTokens < 1 || cachedTokens < 0 || cachedTokens > promptTokens || chunkTokens < 1) {
      throw new IllegalArgumentException(
          "promptTokens and chunkTokens must be at least 1 token and cachedTokens 0 to"
              + " promptTokens, but were "
              + promptTokens
              + ", "
              + chunkTokens
              + " and "
              + cachedTokens);
    }
    double seconds = 0;
    int done = cachedTokens;
    while (done < promptTokens) {
      int chunk = Math.min(chunkTokens, promptTokens - done);
      shape.clear();
      shape.addPrefill(chunk, done);
      seconds += model.seconds(shape);
      done += chunk;
    }
    return seconds;
  }

  /**
   * Returns the service time of a request that has an instance to itself: {@code prefill + sum_(k=1
   * .. t-1) iteration(one decode of context p + k)}.
   *
   * @param model duration of one iteration
   * @param shape scratch, overwritten
   * @param promptTokens {@code p}, at least 1 token
   * @param cachedTokens leading prompt tokens that need no computation, 0 to {@code p}
   * @param outputTokens {@code t}, at least 1 token; the first comes from the prefill
   * @param chunkTokens most prompt tokens in one iteration, at least 1
   * @return seconds
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double isolatedSeconds(
      IterationTimeModel model,
      IterationShape shape,
      int promptTokens,
      int cachedTokens,
      int outputTokens,
      int chunkTokens) {
    if (outputTokens < 1) {
      throw new IllegalArgumentException(
          "outputTokens must be at least 1 token, but was " + outputTokens);
    }
    double seconds = prefillSeconds(model, shape, promptTokens, cachedTokens, chunkTokens);
    shape.clear();
    shape.addDecode(promptTokens + 1);
    for (int k = 1; k < outputTokens; k++) {
      seconds += model.seconds(shape);
      shape.advanceDecodes(1);
    }
    return seconds;
  }

  @Override
  public String id() {
    return "cost-model";
  }

  @Override
  public Mean newState() {
    return new Mean();
  }

  @Override
  public void estimateSeconds(Mean state, Request request, int cachedTokens, Estimate into) {
    double output =
        request.hasPredictedOutput()
            ? request.predictedOutputTokens()
            : state.count == 0 ? initialOutputTokens : state.outputTokens / (double) state.count;
    output = Math.max(1, Math.min(output, request.maxNewTokens()));
    double seconds =
        prefillSeconds(model, state.shape, request.promptTokens(), cachedTokens, chunkTokens);
    state.shape.clear();
    state.shape.addDecodes(batch, Math.round(batch * (request.promptTokens() + output / 2)));
    into.point(seconds + (output - 1) * model.seconds(state.shape));
  }

  @Override
  public void observe(
      Mean state, Request request, int cachedTokens, int outputTokens, double serviceSeconds) {
    state.count++;
    state.outputTokens += outputTokens;
  }

  /** The mean output length so far, and scratch. */
  public static final class Mean {
    private final IterationShape shape = new IterationShape();
    private long count;
    private long outputTokens;

    private Mean() {}
  }
}
