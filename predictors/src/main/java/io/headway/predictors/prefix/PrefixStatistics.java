package io.headway.predictors.prefix;

/**
 * Returns the prompt tokens expected to be cached, from how often each block of a template was
 * cached before: block {@code i} hits with probability {@code (h_i + 1) / (n_i + 2)}
 * (Beta-Bernoulli) given that all before it hit, so that the expectation is {@code blockTokens
 * sum_i prod_(j<=i) p_j}, at most one token less than the prompt. Knowledge of some age counts
 * less: {@code exp(-age / lifetime)} of it, {@code lifetime} being the measured mean life of a
 * block. Stateless; the composition is the project's own.
 */
public final class PrefixStatistics {
  private PrefixStatistics() {}

  /**
   * Returns the probability that a block is cached.
   *
   * @param hits times it was, 0 to {@code trials}
   * @param trials times it was looked for, at least 0
   * @return above 0 and below 1
   * @throws IllegalArgumentException if a count is out of range
   */
  public static double probability(long hits, long trials) {
    if (hits < 0 || hits > trials) {
      throw new IllegalArgumentException(
          "hits must be 0 to trials, but they were " + hits + " and " + trials);
    }
    return (hits + 1.0) / (trials + 2.0);
  }

  /**
   * Returns the tokens expected to be cached, from fresh knowledge.
   *
   * @param probabilities one number per block of the prompt, each given that all before it hit
   * @param blockTokens tokens in a block, at least 1
   * @param promptTokens at least 1 token
   * @return tokens, 0 to {@code promptTokens - 1}
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double expectedTokens(double[] probabilities, int blockTokens, int promptTokens) {
    if (blockTokens < 1 || promptTokens < 1) {
      throw new IllegalArgumentException(
          "blockTokens and promptTokens must be at least 1 token, but were "
              + blockTokens
              + " and "
              + promptTokens);
    }
    double all = 1;
    double sum = 0;
    for (double p : probabilities) {
      if (!(p >= 0 && p <= 1)) {
        throw new IllegalArgumentException("probabilities must be 0 to 1, but one was " + p);
      }
      all *= p;
      sum += all;
    }
    return Math.min(blockTokens * sum, promptTokens - 1.0);
  }

  /**
   * Returns how much knowledge of some age still counts.
   *
   * @param ageSeconds at least 0 s
   * @param lifetimeSeconds mean life of a cached block, above 0 s
   * @return a factor, above 0 and at most 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double freshness(double ageSeconds, double lifetimeSeconds) {
    if (!(ageSeconds >= 0) || !(lifetimeSeconds > 0)) {
      throw new IllegalArgumentException(
          "ageSeconds must be at least 0 s and lifetimeSeconds above 0 s, but were "
              + ageSeconds
              + " and "
              + lifetimeSeconds);
    }
    return Math.exp(-ageSeconds / lifetimeSeconds);
  }
}
