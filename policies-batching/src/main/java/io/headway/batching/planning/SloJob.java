package io.headway.batching.planning;

/**
 * One request as the SLO-aware annealing sees it.
 *
 * @param inputTokens tokens to prefill
 * @param outputTokens predicted output, at least 1
 * @param endToEnd whether its objective is on the end-to-end time; otherwise on TTFT and TPOT
 * @param endToEndSloSeconds end-to-end objective; not read unless {@code endToEnd}
 * @param firstTokenSloSeconds TTFT objective; not read if {@code endToEnd}
 * @param perTokenSloSeconds TPOT objective; not read if {@code endToEnd}
 */
public record SloJob(
    int inputTokens,
    int outputTokens,
    boolean endToEnd,
    double endToEndSloSeconds,
    double firstTokenSloSeconds,
    double perTokenSloSeconds) {
  /**
   * Makes a job with an end-to-end objective.
   *
   * @param inputTokens tokens to prefill
   * @param outputTokens predicted output, at least 1
   * @param sloSeconds the objective
   * @return the job
   */
  public static SloJob endToEnd(int inputTokens, int outputTokens, double sloSeconds) {
    return new SloJob(inputTokens, outputTokens, true, sloSeconds, 0, 0);
  }

  /**
   * Makes a job with objectives on its first and its further tokens.
   *
   * @param inputTokens tokens to prefill
   * @param outputTokens predicted output, at least 1
   * @param firstTokenSloSeconds TTFT objective
   * @param perTokenSloSeconds TPOT objective
   * @return the job
   */
  public static SloJob streaming(
      int inputTokens, int outputTokens, double firstTokenSloSeconds, double perTokenSloSeconds) {
    return new SloJob(
        inputTokens, outputTokens, false, 0, firstTokenSloSeconds, perTokenSloSeconds);
  }
}
