package io.headway.batching.speculation.verification;

import java.util.Arrays;

/**
 * The exact distribution of what speculative sampling emits at one position, by enumeration; for
 * tests and analysis. Immutable.
 */
public final class OutputLaw {
  private static final double LOSSLESS = 1e-9;

  private final double[] target;
  private final double[] distribution;
  private final double rejection;

  private OutputLaw(double[] target, double[] distribution, double rejection) {
    this.target = target.clone();
    this.distribution = distribution;
    this.rejection = rejection;
  }

  /**
   * Returns the law of the first emitted token of a chain.
   *
   * @param target {@code p}, summing to 1
   * @param draft {@code q}, summing to 1, as long
   * @return the law
   * @throws IllegalArgumentException if the lengths differ or a sum is off 1
   */
  public static OutputLaw firstToken(double[] target, double[] draft) {
    double rejection = 1 - SpeculativeSampling.acceptance(target, draft);
    double[] rest = SpeculativeSampling.residualOrTarget(target, draft);
    double[] distribution = new double[target.length];
    Arrays.setAll(
        distribution, x -> Math.min(target[x], draft[x]) + Math.max(0, rejection) * rest[x]);
    return new OutputLaw(target, distribution, rejection);
  }

  /**
   * Returns the probability of every accepted length of a chain whose distributions do not depend
   * on the drafted tokens.
   *
   * @param acceptance conditional acceptance probability of each position, 0 to 1
   * @return probabilities of 0, 1, ... accepted drafts, one more than there are positions
   * @throws IllegalArgumentException if a probability is out of range
   */
  public static double[] acceptedLengths(double[] acceptance) {
    double[] probabilities = new double[acceptance.length + 1];
    double reached = 1;
    for (int i = 0; i < acceptance.length; i++) {
      if (!(acceptance[i] >= 0 && acceptance[i] <= 1 + LOSSLESS)) {
        throw new IllegalArgumentException(
            "acceptance must be 0 to 1, but at position " + i + " was " + acceptance[i]);
      }
      probabilities[i] = reached * (1 - acceptance[i]);
      reached *= acceptance[i];
    }
    probabilities[acceptance.length] = reached;
    return probabilities;
  }

  /**
   * Returns the mean of the emitted tokens behind a law of accepted lengths.
   *
   * @param probabilities of 0, 1, ... accepted drafts
   * @return tokens, the final one included
   */
  public static double meanEmitted(double[] probabilities) {
    double mean = 1;
    for (int n = 1; n < probabilities.length; n++) {
      mean += n * probabilities[n];
    }
    return mean;
  }

  /**
   * Returns a copy of the law.
   *
   * @return one probability per token
   */
  public double[] distribution() {
    return distribution.clone();
  }

  /**
   * Returns the probability that nothing drafted is accepted.
   *
   * @return 0 to 1
   */
  public double rejection() {
    return rejection;
  }

  /**
   * Returns whether the law is the target's.
   *
   * @return true if no entry differs by 1e-9 or more
   */
  public boolean lossless() {
    for (int x = 0; x < target.length; x++) {
      if (!(Math.abs(distribution[x] - target[x]) < LOSSLESS)) {
        return false;
      }
    }
    return true;
  }
}
