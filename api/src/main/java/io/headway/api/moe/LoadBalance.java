package io.headway.api.moe;

/**
 * How evenly load lies on experts or devices. Without any load everything is balanced: ratio 1,
 * variation 0, entropy 1.
 *
 * @param maxOverMean largest load divided by the mean, at least 1; the factor by which imbalance
 *     stretches the time of a layer
 * @param minOverMean smallest load divided by the mean, from 0 to 1
 * @param coefficientOfVariation population standard deviation divided by the mean, at least 0
 * @param normalisedEntropy {@code -sum q ln q / ln n} of the shares {@code q}, from 0 to 1
 */
public record LoadBalance(
    double maxOverMean,
    double minOverMean,
    double coefficientOfVariation,
    double normalisedEntropy) {
  private static final LoadBalance EVEN = new LoadBalance(1, 1, 0, 1);

  /**
   * Measures loads in pairs.
   *
   * @param load loads of at least 0
   * @param count how many of them, at least 1
   * @return the measures
   */
  public static LoadBalance of(int[] load, int count) {
    requireCount(load.length, count);
    double[] copy = new double[count];
    for (int i = 0; i < count; i++) {
      copy[i] = load[i];
    }
    return of(copy, count);
  }

  /**
   * Measures loads.
   *
   * @param load finite loads of at least 0
   * @param count how many of them, at least 1
   * @return the measures
   * @throws IllegalArgumentException if a load is negative, infinite or NaN
   */
  public static LoadBalance of(double[] load, int count) {
    requireCount(load.length, count);
    double sum = 0;
    double max = 0;
    double min = Double.POSITIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      if (!(load[i] >= 0) || Double.isInfinite(load[i])) {
        throw new IllegalArgumentException(
            "load[" + i + "] must be finite and at least 0, but was " + load[i]);
      }
      sum += load[i];
      max = Math.max(max, load[i]);
      min = Math.min(min, load[i]);
    }
    if (sum == 0) {
      return EVEN;
    }
    double mean = sum / count;
    double squares = 0;
    double entropy = 0;
    for (int i = 0; i < count; i++) {
      double off = load[i] - mean;
      squares += off * off;
      double share = load[i] / sum;
      if (share > 0) {
        entropy -= share * Math.log(share);
      }
    }
    return new LoadBalance(
        max / mean,
        min / mean,
        Math.sqrt(squares / count) / mean,
        count == 1 ? 1 : entropy / Math.log(count));
  }

  private static void requireCount(int length, int count) {
    if (count < 1 || count > length) {
      throw new IllegalArgumentException(
          "count must lie in 1.." + length + " loads, but was " + count);
    }
  }

  /**
   * Returns MaxVio, the maximal violation of balance.
   *
   * @return {@code maxOverMean - 1}, at least 0
   */
  public double maxViolation() {
    return maxOverMean - 1;
  }

  /**
   * Returns the share of demanded pairs that was not carried out.
   *
   * @param assignedPairs pairs carried out, at least 0
   * @param demandedPairs pairs asked for, at least {@code assignedPairs}
   * @return from 0 to 1; 0 without demand
   * @throws IllegalArgumentException if a count is out of range
   */
  public static double droppedFraction(long assignedPairs, long demandedPairs) {
    if (assignedPairs < 0 || demandedPairs < assignedPairs) {
      throw new IllegalArgumentException(
          "assignedPairs must lie in 0..demandedPairs = "
              + demandedPairs
              + " pairs, but was "
              + assignedPairs);
    }
    return demandedPairs == 0 ? 0 : 1 - (double) assignedPairs / demandedPairs;
  }

  /**
   * Returns the share of tokens without any expert.
   *
   * @param unroutedTokens tokens without an assignment, at least 0
   * @param tokens all tokens, at least {@code unroutedTokens}
   * @return from 0 to 1; 0 without tokens
   * @throws IllegalArgumentException if a count is out of range
   */
  public static double unroutedFraction(long unroutedTokens, long tokens) {
    if (unroutedTokens < 0 || tokens < unroutedTokens) {
      throw new IllegalArgumentException(
          "unroutedTokens must lie in 0..tokens = "
              + tokens
              + " tokens, but was "
              + unroutedTokens);
    }
    return tokens == 0 ? 0 : (double) unroutedTokens / tokens;
  }
}
