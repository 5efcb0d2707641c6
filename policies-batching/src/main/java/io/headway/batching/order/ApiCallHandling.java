package io.headway.batching.order;

/**
 * Decides what becomes of a request's KV while an external call runs: kept, dropped and computed
 * again, or swapped. The choice wastes the least memory over time.
 *
 * <p>With context C and the context Co of all others: {@code preserve = Tapi C}; {@code discard =
 * Tfwd(C) C + Tfwd(C) Co}; {@code swap = 2 Tswap(C) (C + Co)}. Ties in this order. O(1). Stateless.
 *
 * <p>Source: Shahout et al., Fast Inference for Augmented Large Language Models, arXiv 2410.18248
 * (LAMPS), after INFERCEPT.
 */
public enum ApiCallHandling {
  /** The KV stays where it is. */
  PRESERVE,
  /** The KV is released and computed again after the call. */
  DISCARD,
  /** The KV goes to host memory and back. */
  SWAP;

  // Products of decimals that are equal may differ in their last digit.
  private static final double ROUNDING = 1e-12;

  /**
   * Returns the memory wasted over time.
   *
   * @param contextTokens C
   * @param otherContextTokens Co
   * @param apiSeconds duration of the call
   * @param forwardSeconds time to compute C again
   * @param swapSeconds time to move C one way
   * @return token seconds
   */
  public double wasteTokenSeconds(
      double contextTokens,
      double otherContextTokens,
      double apiSeconds,
      double forwardSeconds,
      double swapSeconds) {
    return switch (this) {
      case PRESERVE -> apiSeconds * contextTokens;
      case DISCARD -> forwardSeconds * contextTokens + forwardSeconds * otherContextTokens;
      case SWAP -> 2 * swapSeconds * (contextTokens + otherContextTokens);
    };
  }

  /**
   * Returns the handling that wastes least.
   *
   * @param contextTokens C
   * @param otherContextTokens Co
   * @param apiSeconds duration of the call
   * @param forwardSeconds time to compute C again
   * @param swapSeconds time to move C one way
   * @return the first of those with the least waste
   */
  public static ApiCallHandling choose(
      double contextTokens,
      double otherContextTokens,
      double apiSeconds,
      double forwardSeconds,
      double swapSeconds) {
    double preserve =
        PRESERVE.wasteTokenSeconds(
            contextTokens, otherContextTokens, apiSeconds, forwardSeconds, swapSeconds);
    double discard =
        DISCARD.wasteTokenSeconds(
            contextTokens, otherContextTokens, apiSeconds, forwardSeconds, swapSeconds);
    double swap =
        SWAP.wasteTokenSeconds(
            contextTokens, otherContextTokens, apiSeconds, forwardSeconds, swapSeconds);
    if (atMost(preserve, discard) && atMost(preserve, swap)) {
      return PRESERVE;
    }
    return atMost(discard, swap) ? DISCARD : SWAP;
  }

  private static boolean atMost(double waste, double other) {
    return waste <= other + ROUNDING * Math.abs(other);
  }
}
