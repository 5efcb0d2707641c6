package io.headway.predictors.length;

/**
 * What a reservation that doubles when it is outgrown ends up with: the supervisor of S3 (NeurIPS
 * 2023; the doubling itself is the project's reading).
 *
 * <p>At most {@code ceil(log2(max / initial))} reallocations.
 *
 * @param reallocations how often the reservation grew
 * @param finalTokens its size when the length fitted
 */
public record DoublingReservation(int reallocations, int finalTokens) {
  /**
   * Plays the reservation of one request.
   *
   * @param initialTokens first reservation, at least 1 token; cut off at {@code maxTokens}
   * @param actualTokens the length it turns out to need, 0 to {@code maxTokens}
   * @param maxTokens largest reservation, at least 1 token
   * @return what it ended up with
   * @throws IllegalArgumentException if a value is out of range
   */
  public static DoublingReservation play(int initialTokens, int actualTokens, int maxTokens) {
    if (initialTokens < 1 || maxTokens < 1) {
      throw new IllegalArgumentException(
          "initialTokens and maxTokens must be at least 1 token, but were "
              + initialTokens
              + " and "
              + maxTokens);
    }
    if (actualTokens < 0 || actualTokens > maxTokens) {
      throw new IllegalArgumentException(
          "actualTokens must be 0 to maxTokens = "
              + maxTokens
              + " tokens, but was "
              + actualTokens);
    }
    int tokens = Math.min(initialTokens, maxTokens);
    int reallocations = 0;
    while (tokens < actualTokens) {
      tokens = (int) Math.min(2L * tokens, maxTokens);
      reallocations++;
    }
    return new DoublingReservation(reallocations, tokens);
  }
}
