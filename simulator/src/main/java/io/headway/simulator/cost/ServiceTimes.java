package io.headway.simulator.cost;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import java.util.Objects;

/**
 * Service times of single requests from an iteration-time model: how long a prefill takes, how long
 * decoding takes in a reference batch, and how long a request takes alone. What routing policies
 * and the oracle estimate with.
 *
 * <p>Not thread-safe, since it reuses one shape.
 */
public final class ServiceTimes {
  /** Chunk size that leaves prompts whole. */
  public static final int WHOLE_PROMPT = Integer.MAX_VALUE;

  private final IterationTimeModel model;
  private final int chunkTokens;
  private final IterationShape shape = new IterationShape();

  /**
   * Creates the estimate.
   *
   * @param model how long an iteration takes
   * @param chunkTokens most prompt tokens per iteration, at least 1; {@link #WHOLE_PROMPT} for no
   *     limit
   * @throws IllegalArgumentException if the chunk is below 1 token
   */
  public ServiceTimes(IterationTimeModel model, int chunkTokens) {
    this.model = Objects.requireNonNull(model, "model");
    CostChecks.atLeast(chunkTokens, 1, "chunkTokens", "token");
    this.chunkTokens = chunkTokens;
  }

  /**
   * Returns the sizes of the chunks in which a prompt is computed.
   *
   * @param promptTokens length of the prompt, at least 1 token
   * @param cachedTokens leading tokens whose KV is there, 0 .. {@code promptTokens}
   * @return tokens per chunk; empty if the whole prompt is cached
   * @throws IllegalArgumentException if a length is out of range
   */
  public int[] chunks(int promptTokens, int cachedTokens) {
    checkPrompt(promptTokens, cachedTokens);
    int left = promptTokens - cachedTokens;
    int[] sizes = new int[left / chunkTokens + (left % chunkTokens == 0 ? 0 : 1)];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = Math.min(left, chunkTokens);
      left -= sizes[i];
    }
    return sizes;
  }

  /**
   * Returns how long a prefill takes alone: the sum over its chunks.
   *
   * @param promptTokens length of the prompt, at least 1 token
   * @param cachedTokens leading tokens whose KV is there, 0 .. {@code promptTokens}
   * @return seconds; 0 if the whole prompt is cached
   * @throws IllegalArgumentException if a length is out of range
   */
  public double prefillSeconds(int promptTokens, int cachedTokens) {
    double sum = 0;
    int history = cachedTokens;
    for (int size : chunks(promptTokens, cachedTokens)) {
      shape.clear();
      shape.addPrefill(size, history);
      sum += model.seconds(shape);
      history += size;
    }
    return sum;
  }

  /**
   * Returns how long the tokens after the first take in a reference batch: {@code (outputTokens -
   * 1)} iterations of {@code batch} sequences with a mean context of {@code meanContextTokens}.
   *
   * @param outputTokens length of the output, at least 1 token
   * @param batch sequences in the batch, this one included; at least 1
   * @param meanContextTokens mean context, tokens; at least 0
   * @return seconds
   * @throws IllegalArgumentException if a value is out of range
   */
  public double decodeSeconds(int outputTokens, int batch, double meanContextTokens) {
    CostChecks.atLeast(outputTokens, 1, "outputTokens", "token");
    CostChecks.atLeast(batch, 1, "batch", "sequence");
    CostChecks.notNegative(meanContextTokens, "meanContextTokens", "tokens");
    shape.clear();
    shape.addDecodes(batch, Math.round(batch * meanContextTokens));
    return (outputTokens - 1) * model.seconds(shape);
  }

  /**
   * Returns how long a request takes alone: its prefill, then one iteration per further token at
   * contexts {@code promptTokens + 1, promptTokens + 2, …}. O(outputTokens).
   *
   * @param promptTokens length of the prompt, at least 1 token
   * @param cachedTokens leading tokens whose KV is there, 0 .. {@code promptTokens}
   * @param outputTokens length of the output, at least 1 token
   * @return seconds
   * @throws IllegalArgumentException if a length is out of range
   */
  public double isolatedSeconds(int promptTokens, int cachedTokens, int outputTokens) {
    CostChecks.atLeast(outputTokens, 1, "outputTokens", "token");
    double sum = prefillSeconds(promptTokens, cachedTokens);
    shape.clear();
    shape.addDecode(promptTokens);
    for (int k = 1; k < outputTokens; k++) {
      shape.advanceDecodes(1);
      sum += model.seconds(shape);
    }
    return sum;
  }

  private static void checkPrompt(int promptTokens, int cachedTokens) {
    CostChecks.atLeast(promptTokens, 1, "promptTokens", "token");
    if (cachedTokens < 0 || cachedTokens > promptTokens) {
      throw new IllegalArgumentException(
          "cachedTokens must be in 0.." + promptTokens + " tokens, but was " + cachedTokens);
    }
  }
}
