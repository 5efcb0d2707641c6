package io.headway.runtime;

/**
 * What a routed request used, as far as the caller knows.
 *
 * @param outputTokens tokens produced; -1 if unknown
 * @param cachedTokens prompt tokens taken from a prefix cache; -1 if unknown
 * @param serviceNanos from first execution to completion, queueing not included; -1 if unknown, and
 *     then measured from {@link Ticket#started} where the caller told
 */
public record Usage(int outputTokens, int cachedTokens, long serviceNanos) {
  /** Nothing is known. */
  public static final Usage UNKNOWN = new Usage(-1, -1, -1);

  /**
   * Checks the numbers.
   *
   * @param outputTokens tokens produced, at least -1
   * @param cachedTokens cached prompt tokens, at least -1
   * @param serviceNanos service time, at least -1 ns
   */
  public Usage {
    Check.atLeast("outputTokens", outputTokens, -1, "tokens");
    Check.atLeast("cachedTokens", cachedTokens, -1, "tokens");
    Check.atLeast("serviceNanos", serviceNanos, -1, "ns");
  }

  /**
   * Makes a usage of which only the output is known.
   *
   * @param outputTokens tokens produced, at least 0
   * @return the usage
   */
  public static Usage of(int outputTokens) {
    return new Usage(outputTokens, -1, -1);
  }
}
