package io.headway.executor;

import java.util.List;

/**
 * How the next token of a request is chosen, and which tokens end it.
 *
 * <p>With temperature 0 the token with the largest logit wins, the lowest id among equals. Above 0
 * the logits are divided by the temperature; of the {@code topK} largest (0 for all), the shortest
 * run of most probable tokens whose probabilities reach {@code topP} is kept, at least one; among
 * those a token is drawn with the uniform number that belongs to {@code (seed, position)}. Since
 * that number depends on nothing else, the output of a request does not depend on what else was in
 * the batch, on how its prompt was cut, or on what was speculated.
 *
 * @param temperature 0 for greedy; finite and at least 0
 * @param topK candidates, 0 for the whole vocabulary; at least 0
 * @param topP probability mass kept, above 0 and at most 1
 * @param seed of the request's own random numbers
 * @param stopTokens ids that end the output; they are part of it
 */
public record SamplingParameters(
    double temperature, int topK, double topP, long seed, List<Integer> stopTokens) {
  /** The most probable token, no stop token. */
  public static final SamplingParameters GREEDY = new SamplingParameters(0, 0, 1, 0, List.of());

  /** Checks the ranges and copies the list. */
  public SamplingParameters {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException(
          "temperature must be finite and at least 0, but was " + temperature);
    }
    if (topK < 0) {
      throw new IllegalArgumentException(
          "topK must be at least 0 tokens, 0 meaning all, but was " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("topP must be above 0 and at most 1, but was " + topP);
    }
    stopTokens = List.copyOf(stopTokens);
  }

  /**
   * Returns parameters that draw from the whole distribution.
   *
   * @param temperature above 0
   * @param seed of the request's own random numbers
   * @return parameters without truncation and stop tokens
   */
  public static SamplingParameters seeded(double temperature, long seed) {
    return new SamplingParameters(temperature, 0, 1, seed, List.of());
  }

  /**
   * Returns the same parameters with other stop tokens.
   *
   * @param ids tokens that end the output
   * @return a changed copy
   */
  public SamplingParameters withStopTokens(List<Integer> ids) {
    return new SamplingParameters(temperature, topK, topP, seed, ids);
  }
}
