package io.headway.predictors.length;

/**
 * Refines a classifier's guess of the remaining output token by token: the Bayesian filter of TRAIL
 * (ICLR 2025, arXiv 2410.01035).
 *
 * <p>{@code k} equal bins of {@code w} tokens of remaining output with midpoints {@code m_i = (i +
 * 1/2) w}. One generated token moves mass {@code 1 / w} of each bin to the one below, {@code T_ii =
 * 1 - 1/w}, {@code T_(i-1)i = 1/w}, bin 0 keeps all of its own; then the posterior is multiplied by
 * the classifier's new probabilities {@code p}, raised to the tempering exponent, and normalised:
 * {@code q = norm((T q) p^t)}. The first step is {@code q = norm(p)}, and so is a step whose
 * product has no mass. The estimate is {@code sum q_i m_i}, between {@code m_0} and {@code
 * m_(k-1)}.
 *
 * <p>The layout of bins and the transition follow a public re-implementation; the update is the
 * standard filter. Multiplying correlated likelihoods is over-confident, which an exponent below 1
 * tempers. O(k) per step, no allocation; one per running request; not thread-safe.
 */
public final class TrailPosterior {
  /** Bins in the published set-up. */
  public static final int DEFAULT_BINS = 10;

  /** Width of a bin in the published set-up: 512 tokens in 10 bins. */
  public static final double DEFAULT_BIN_TOKENS = 51.2;

  private final double binTokens;
  private final double temper;
  private final double[] posterior;
  private final double[] product;
  private boolean started;

  /**
   * Makes a filter.
   *
   * @param bins {@code k}, at least 1
   * @param binTokens {@code w}, at least 1 token
   * @param temper exponent on the classifier's probabilities, above 0; 1 for none
   * @throws IllegalArgumentException if a value is out of range
   */
  public TrailPosterior(int bins, double binTokens, double temper) {
    if (bins < 1) {
      throw new IllegalArgumentException("bins must be at least 1, but was " + bins);
    }
    if (!(binTokens >= 1) || Double.isInfinite(binTokens)) {
      throw new IllegalArgumentException(
          "binTokens must be finite and at least 1 token, but was " + binTokens);
    }
    if (!(temper > 0) || Double.isInfinite(temper)) {
      throw new IllegalArgumentException("temper must be finite and above 0, but was " + temper);
    }
    this.binTokens = binTokens;
    this.temper = temper;
    posterior = new double[bins];
    product = new double[bins];
  }

  /**
   * Takes in the classifier's answer after one more token.
   *
   * @param probabilities one number per bin, at least 0, not all 0; need not sum to 1
   * @throws IllegalArgumentException if the length differs, a number is out of range, or all are 0;
   *     nothing changes then
   */
  public void step(double[] probabilities) {
    int bins = posterior.length;
    if (probabilities.length != bins) {
      throw new IllegalArgumentException(
          "probabilities must have " + bins + " entries, but has " + probabilities.length);
    }
    double total = 0;
    for (double p : probabilities) {
      if (!(p >= 0) || Double.isInfinite(p)) {
        throw new IllegalArgumentException(
            "probabilities must be finite and at least 0, but one was " + p);
      }
      total += p;
    }
    if (!(total > 0)) {
      throw new IllegalArgumentException("probabilities must not all be 0");
    }
    double mass = 0;
    if (started) {
      double leave = 1 / binTokens;
      for (int i = 0; i < bins; i++) {
        double stay = i == 0 ? posterior[0] : (1 - leave) * posterior[i];
        double arrive = i + 1 < bins ? leave * posterior[i + 1] : 0;
        product[i] = (stay + arrive) * likelihood(probabilities[i]);
        mass += product[i];
      }
    }
    if (mass > 0) {
      for (int i = 0; i < bins; i++) {
        posterior[i] = product[i] / mass;
      }
    } else {
      for (int i = 0; i < bins; i++) {
        posterior[i] = probabilities[i] / total;
      }
    }
    started = true;
  }

  private double likelihood(double probability) {
    return temper == 1 ? probability : Math.pow(probability, temper);
  }

  /**
   * Returns whether a step was taken.
   *
   * @return false if there is no estimate yet
   */
  public boolean started() {
    return started;
  }

  /**
   * Returns the mean of the posterior.
   *
   * @return tokens; 0 before the first step
   */
  public double remainingTokens() {
    double mean = 0;
    for (int i = 0; i < posterior.length; i++) {
      mean += posterior[i] * (i + 0.5) * binTokens;
    }
    return mean;
  }

  /**
   * Returns a copy of the posterior.
   *
   * @return one probability per bin; all 0 before the first step
   */
  public double[] posterior() {
    return posterior.clone();
  }
}
