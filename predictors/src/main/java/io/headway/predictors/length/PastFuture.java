package io.headway.predictors.length;

import io.headway.api.prediction.OutputHistory;

/**
 * Samples output lengths from history: the past half of Past-Future scheduling (ASPLOS 2025, arXiv
 * 2507.10150, and its code in LightLLM). The future half is {@link
 * io.headway.api.prediction.PeakTokens}.
 *
 * <p><b>Sample</b> of a request with {@code d} tokens generated and at most {@code M}: the list
 * {@code v = [d] + {h > d} + [M]} of the sorted history {@code h}, read at {@code z = u (|v| - 1)}
 * with linear interpolation, rounded half up (the reference rounds half to even). Stateless.
 */
public final class PastFuture {
  private PastFuture() {}

  /**
   * Returns the number of entries that a sample is read from.
   *
   * @param history finished lengths
   * @param generatedTokens {@code d}
   * @return entries of {@code v}, at least 2
   */
  public static int listSize(OutputHistory history, int generatedTokens) {
    return history.size() - history.atMost(generatedTokens) + 2;
  }

  /**
   * Samples the final output length of a running request.
   *
   * @param history finished lengths
   * @param generatedTokens {@code d}, at least 0 tokens
   * @param maxOutputTokens {@code M}, at least {@code d}
   * @param uniform {@code u} in [0, 1)
   * @return tokens; {@code d} to {@code M} if no remembered length is above {@code M}
   * @throws IllegalArgumentException if a value is out of range
   */
  public static int sample(
      OutputHistory history, int generatedTokens, int maxOutputTokens, double uniform) {
    if (generatedTokens < 0 || maxOutputTokens < generatedTokens) {
      throw new IllegalArgumentException(
          "generatedTokens must be 0 to maxOutputTokens, but they were "
              + generatedTokens
              + " and "
              + maxOutputTokens
              + " tokens");
    }
    requireUniform(uniform);
    int shorter = history.atMost(generatedTokens);
    double z = uniform * (history.size() - shorter + 1);
    int l = (int) z;
    int low = entry(history, shorter, l, generatedTokens, maxOutputTokens);
    int high = entry(history, shorter, l + 1, generatedTokens, maxOutputTokens);
    return (int) Math.floor(low + (high - low) * (z - l) + 0.5);
  }

  private static int entry(OutputHistory history, int shorter, int index, int first, int last) {
    if (index == 0) {
      return first;
    }
    int position = shorter + index - 1;
    return position < history.size() ? history.length(position) : last;
  }

  /**
   * Samples the output length of a new request: entry {@code floor(u n)} of the ascending history.
   *
   * @param history at least one finished length
   * @param uniform {@code u} in [0, 1)
   * @return tokens
   * @throws IllegalArgumentException if the history is empty or {@code u} is out of range
   */
  public static int sampleNew(OutputHistory history, double uniform) {
    requireUniform(uniform);
    if (history.size() == 0) {
      throw new IllegalArgumentException("history must have at least 1 length, but has none");
    }
    return history.length((int) (uniform * history.size()));
  }

  /**
   * Returns how many lists of lengths are sampled per admission test.
   *
   * @param batchSize requests, at least 1
   * @return {@code min(5, floor(200 / batchSize) + 1)}
   * @throws IllegalArgumentException if {@code batchSize} is below 1
   */
  public static int lists(int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "batchSize must be at least 1 request, but was " + batchSize);
    }
    return Math.min(5, 200 / batchSize + 1);
  }

  private static void requireUniform(double uniform) {
    if (!(uniform >= 0 && uniform < 1)) {
      throw new IllegalArgumentException("uniform must be in [0, 1), but was " + uniform);
    }
  }
}
