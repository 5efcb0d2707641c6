package io.headway.batching.order;

import io.headway.batching.internal.Arguments;

/**
 * Returns how well tokens arrive for somebody who reads them at a steady pace: Andes' quality of
 * experience.
 *
 * <p>A reader digests token i at {@code d_1 = y_1}, {@code d_i = max(y_i, d_(i-1) + 1/TDS)} for
 * delivery times y and a reading speed of TDS tokens per second, and expected it at {@code e_i =
 * TTFT* + (i-1)/TDS}. With {@code end = d_n}, {@code A = sum (end - d_i)} and {@code E = sum (end -
 * min(e_i, end))}: {@code QoE = min(1, A / E)}, 1 if {@code E = 0}. Times in seconds from the
 * arrival. Stateless.
 *
 * <p>Source: Liu et al., Andes: Defining and Enhancing Quality-of-Experience in LLM-Based Text
 * Streaming Services, arXiv 2404.16283.
 */
public final class QualityOfExperience {
  private QualityOfExperience() {}

  /**
   * Returns when a reader digests each token.
   *
   * @param deliverySeconds delivery times, ascending
   * @param tokensPerSecond TDS, above 0
   * @return digest times; a new array
   * @throws IllegalArgumentException if TDS is out of range
   */
  public static double[] digestSeconds(double[] deliverySeconds, double tokensPerSecond) {
    Arguments.positive("tokensPerSecond", tokensPerSecond, "tokens per second");
    double[] digested = new double[deliverySeconds.length];
    for (int i = 0; i < digested.length; i++) {
      digested[i] =
          i == 0
              ? deliverySeconds[0]
              : Math.max(deliverySeconds[i], digested[i - 1] + 1 / tokensPerSecond);
    }
    return digested;
  }

  /**
   * Returns the quality of a delivery.
   *
   * @param deliverySeconds delivery times, ascending
   * @param expectedFirstTokenSeconds TTFT*, at least 0
   * @param tokensPerSecond TDS, above 0
   * @return 0 to 1
   * @throws IllegalArgumentException if a number is out of range
   */
  public static double of(
      double[] deliverySeconds, double expectedFirstTokenSeconds, double tokensPerSecond) {
    Arguments.notNegative("expectedFirstTokenSeconds", expectedFirstTokenSeconds, "s");
    double[] digested = digestSeconds(deliverySeconds, tokensPerSecond);
    double end = digested.length == 0 ? 0 : digested[digested.length - 1];
    double actual = 0;
    double expected = 0;
    for (int i = 0; i < digested.length; i++) {
      actual += end - digested[i];
      double wanted = expectedFirstTokenSeconds + i / tokensPerSecond;
      expected += end - Math.min(wanted, end);
    }
    return expected == 0 ? 1 : Math.min(1, actual / expected);
  }

  /**
   * Returns {@code sum over i of max(0, end - (first + i gap))} for the tokens {@code i = 0 ..
   * count - 1} of a steady stream: what they contribute until a time.
   *
   * @param end the time
   * @param first when the first token comes
   * @param gap between tokens, above 0
   * @param count tokens, at least 0
   * @return token seconds
   */
  static double areaOfStream(double end, double first, double gap, double count) {
    if (end <= first || count <= 0) {
      return 0;
    }
    double tokens = Math.min(count, Math.floor((end - first) / gap) + 1);
    return tokens * (end - first) - gap * tokens * (tokens - 1) / 2;
  }
}
