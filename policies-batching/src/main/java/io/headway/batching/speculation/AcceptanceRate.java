package io.headway.batching.speculation;

/**
 * Counts acceptance tests and returns their success rate, the estimate of {@code alpha}: {@code
 * accepted / tested}, where a refused draft was tested and the drafts behind it were not. Dividing
 * by the drafted tokens instead would underestimate it. Mutable, not thread-safe.
 */
public final class AcceptanceRate {
  private long tested;
  private long accepted;

  /** Makes an empty count. */
  public AcceptanceRate() {}

  /**
   * Counts one verification.
   *
   * @param draftedTokens verified drafts, at least 0
   * @param acceptedTokens how many of them were accepted, 0 to {@code draftedTokens}
   * @throws IllegalArgumentException if a count is out of range
   */
  public void add(int draftedTokens, int acceptedTokens) {
    if (acceptedTokens < 0 || acceptedTokens > draftedTokens) {
      throw new IllegalArgumentException(
          "acceptedTokens must be 0 to draftedTokens, but they were "
              + acceptedTokens
              + " and "
              + draftedTokens);
    }
    tested += testedTokens(draftedTokens, acceptedTokens);
    accepted += acceptedTokens;
  }

  /**
   * Returns how many drafts of a chain were tested.
   *
   * @param draftedTokens verified drafts
   * @param acceptedTokens how many of them were accepted
   * @return the accepted ones and the refused one, if any
   */
  public static int testedTokens(int draftedTokens, int acceptedTokens) {
    return acceptedTokens < draftedTokens ? acceptedTokens + 1 : acceptedTokens;
  }

  /**
   * Returns the tests so far.
   *
   * @return a count
   */
  public long tested() {
    return tested;
  }

  /**
   * Returns the success rate.
   *
   * @return 0 to 1
   * @throws IllegalStateException if nothing was tested
   */
  public double alpha() {
    if (tested == 0) {
      throw new IllegalStateException("nothing was tested; ask tested() first");
    }
    return (double) accepted / tested;
  }
}
