package io.headway.predictors.iteration;

import io.headway.api.prediction.IterationShape;
import org.jspecify.annotations.Nullable;

/**
 * What Vidur's per-operator regressors see of an iteration, as in its code (MLSys 2024).
 *
 * <ul>
 *   <li>prefill attention: stored tokens, each chunk's rounded up to a multiple of 64 and summed,
 *       and one equivalent chunk {@code round(sqrt(sum chunk^2))}, whose square is the feature
 *   <li>decode attention: number of decodes and their mean stored tokens, the integer mean rounded
 *       up to a multiple of 64
 *   <li>both times are multiplied by 1.1 if more than one request of the phase is in the batch
 * </ul>
 *
 * @param prefill features of the prefill attention; null without prefill
 * @param decode features of the decode attention; null without decode
 */
public record VidurFeatures(@Nullable Prefill prefill, @Nullable Decode decode) {
  private static final int GRANULARITY = 64;
  private static final double SHARED = 1.1;

  /**
   * Features of prefill attention.
   *
   * @param kvTokens stored tokens, rounded
   * @param chunkTokens size of the equivalent chunk
   * @param factor on the predicted time
   */
  public record Prefill(long kvTokens, long chunkTokens, double factor) {
    /**
     * Returns the square of the chunk size.
     *
     * @return tokens squared
     */
    public long chunkSquared() {
      return chunkTokens * chunkTokens;
    }
  }

  /**
   * Features of decode attention.
   *
   * @param batch decoding sequences
   * @param kvTokens mean stored tokens, rounded
   * @param factor on the predicted time
   */
  public record Decode(int batch, long kvTokens, double factor) {}

  /**
   * Returns the features of an iteration.
   *
   * @param shape the iteration
   * @return its features
   */
  public static VidurFeatures of(IterationShape shape) {
    Prefill prefill = null;
    int chunks = shape.chunks();
    if (chunks > 0) {
      long kv = 0;
      double squares = 0;
      for (int i = 0; i < chunks; i++) {
        kv += roundUp(shape.chunkHistoryTokens(i));
        squares += (double) shape.chunkTokens(i) * shape.chunkTokens(i);
      }
      prefill = new Prefill(kv, Math.round(Math.sqrt(squares)), chunks > 1 ? SHARED : 1);
    }
    Decode decode = null;
    int batch = shape.decodes();
    if (batch > 0) {
      decode =
          new Decode(batch, roundUp(shape.decodeContextTokens() / batch), batch > 1 ? SHARED : 1);
    }
    return new VidurFeatures(prefill, decode);
  }

  private static long roundUp(long tokens) {
    return (tokens + GRANULARITY - 1) / GRANULARITY * GRANULARITY;
  }
}
