package io.headway.batching.speculation;

/**
 * The expected gain of drafting chains: the model of speculative decoding (Leviathan, Kalman and
 * Matias, ICML 2023, arXiv 2211.17192).
 *
 * <p>With {@code alpha} the probability that a drafted token is accepted given that all before it
 * were, {@code gamma} drafted tokens, {@code c} the time of a draft step relative to a target step
 * and {@code ch} the same ratio of arithmetic operations:
 *
 * <pre>
 * E(alpha, gamma)     = 1 + alpha + ... + alpha^gamma       expected tokens per target run
 * S(alpha, gamma, c)  = E / (gamma c + 1)                   improvement of the wall time
 * O(alpha, gamma, ch) = (gamma ch + gamma + 1) / E          growth of the operations
 * </pre>
 *
 * The sum is evaluated by Horner's rule, which keeps its digits near {@code alpha = 1}. Holds while
 * verification time does not depend on {@code gamma}, that is, while the target is memory bound.
 * Stateless; O(gamma) per call.
 */
public final class LeviathanModel {
  /** Differences of improvements up to this count as ties. */
  private static final double TIE = 1e-12;

  private LeviathanModel() {}

  /**
   * Returns the expected tokens per target run.
   *
   * @param alpha acceptance probability, 0 to 1
   * @param gamma drafted tokens, at least 0
   * @return tokens, 1 to {@code gamma + 1}
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double expectedTokens(double alpha, int gamma) {
    requireAlpha(alpha);
    requireTokens("gamma", gamma);
    double sum = 1;
    for (int i = 0; i < gamma; i++) {
      sum = 1 + alpha * sum;
    }
    return sum;
  }

  /**
   * Returns the improvement of the wall time over plain decoding.
   *
   * @param alpha acceptance probability, 0 to 1
   * @param gamma drafted tokens, at least 0
   * @param costRatio {@code c}, finite and at least 0
   * @return a factor; 1 without drafts
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double speedup(double alpha, int gamma, double costRatio) {
    requireRatio("costRatio", costRatio);
    return expectedTokens(alpha, gamma) / (gamma * costRatio + 1);
  }

  /**
   * Returns the growth of the arithmetic operations per token.
   *
   * @param alpha acceptance probability, 0 to 1
   * @param gamma drafted tokens, at least 0
   * @param operationRatio {@code ch}, finite and at least 0
   * @return a factor; 1 without drafts
   * @throws IllegalArgumentException if a value is out of range
   */
  public static double operationFactor(double alpha, int gamma, double operationRatio) {
    requireRatio("operationRatio", operationRatio);
    return (gamma * operationRatio + gamma + 1) / expectedTokens(alpha, gamma);
  }

  /**
   * Returns the draft length with the largest improvement, ties to the smaller.
   *
   * @param alpha acceptance probability, 0 to 1
   * @param costRatio {@code c}, finite and at least 0
   * @param gammaMax longest draft, at least 0 tokens
   * @return tokens, 0 to {@code gammaMax}; 0 if {@code alpha <= c}
   * @throws IllegalArgumentException if a value is out of range
   */
  public static int bestGamma(double alpha, double costRatio, int gammaMax) {
    requireAlpha(alpha);
    requireRatio("costRatio", costRatio);
    requireTokens("gammaMax", gammaMax);
    int best = 0;
    double most = 1;
    double power = 1;
    double expected = 1;
    for (int gamma = 1; gamma <= gammaMax; gamma++) {
      power *= alpha;
      expected += power;
      double speedup = expected / (gamma * costRatio + 1);
      if (speedup > most + TIE) {
        most = speedup;
        best = gamma;
      }
    }
    return best;
  }

  /**
   * Returns a draft length that cannot lead past the end of the output: one token of each pass is
   * the target's own.
   *
   * @param gamma drafted tokens wished for, at least 0
   * @param remainingOutputTokens tokens the request may still emit, at least 0
   * @return tokens, at least 0
   * @throws IllegalArgumentException if a value is negative
   */
  public static int clip(int gamma, int remainingOutputTokens) {
    requireTokens("gamma", gamma);
    requireTokens("remainingOutputTokens", remainingOutputTokens);
    return Math.max(0, Math.min(gamma, remainingOutputTokens - 1));
  }

  static void requireAlpha(double alpha) {
    if (!(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha must be 0 to 1, but was " + alpha);
    }
  }

  static void requireRatio(String name, double ratio) {
    if (!(ratio >= 0) || Double.isInfinite(ratio)) {
      throw new IllegalArgumentException(name + " must be finite and at least 0, but was " + ratio);
    }
  }

  static void requireTokens(String name, int tokens) {
    if (tokens < 0) {
      throw new IllegalArgumentException(name + " must be at least 0 tokens, but was " + tokens);
    }
  }
}
