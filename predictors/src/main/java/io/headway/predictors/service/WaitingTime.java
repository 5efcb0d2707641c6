package io.headway.predictors.service;

import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * Estimates how long a request waits until what is ahead of it has drained: the request waiting
 * time of QLM (SoCC 2024, arXiv 2407.00047).
 *
 * <p>The output tokens ahead are a sum of independent lengths. With {@code n_c} requests of mean
 * {@code mu_c} and standard deviation {@code sigma_c} per class and {@code Theta} tokens per
 * second, the wait has mean {@code sum n_c mu_c / Theta + swaps} and deviation {@code sqrt(sum n_c
 * sigma_c^2) / Theta}, normal by the central limit theorem: bound at confidence {@code p} is {@code
 * mean + z_p sd}. The point estimate of the released code is the mean. With fewer than {@value
 * #MIN_REQUESTS} requests ahead the bound is only indicative. Prompt tokens are not counted; add
 * the prefill time of long prompts as a swap. Collect, then ask; not thread-safe.
 */
public final class WaitingTime {
  /** Requests ahead from which the normal approximation is taken seriously. */
  public static final int MIN_REQUESTS = 30;

  private static final NormalDistribution NORMAL = new NormalDistribution(null, 0, 1);

  private final double tokensPerSecond;
  private long requests;
  private double meanTokens;
  private double varianceTokens;
  private double swapSeconds;

  /**
   * Starts with nobody ahead.
   *
   * @param tokensPerSecond {@code Theta}, output tokens of the whole batch per second under load,
   *     finite and above 0
   * @throws IllegalArgumentException if it is not
   */
  public WaitingTime(double tokensPerSecond) {
    if (!(tokensPerSecond > 0) || Double.isInfinite(tokensPerSecond)) {
      throw new IllegalArgumentException(
          "tokensPerSecond must be finite and above 0 tokens/s, but was " + tokensPerSecond);
    }
    this.tokensPerSecond = tokensPerSecond;
  }

  /**
   * Puts requests of one class ahead.
   *
   * @param count how many, at least 0
   * @param mean mean output tokens each, finite and at least 0; for running requests what remains
   * @param standardDeviation of the output tokens, finite and at least 0
   * @return this
   * @throws IllegalArgumentException if a value is out of range
   */
  public WaitingTime ahead(int count, double mean, double standardDeviation) {
    if (count < 0) {
      throw new IllegalArgumentException("count must be at least 0 requests, but was " + count);
    }
    requests += count;
    meanTokens += count * atLeast0("mean", mean);
    varianceTokens += count * square(atLeast0("standardDeviation", standardDeviation));
    return this;
  }

  /**
   * Puts a fixed delay ahead, such as a model swap.
   *
   * @param seconds finite and at least 0
   * @return this
   * @throws IllegalArgumentException if it is out of range
   */
  public WaitingTime swap(double seconds) {
    swapSeconds += atLeast0("seconds", seconds);
    return this;
  }

  /**
   * Returns the expected wait.
   *
   * @return seconds
   */
  public double meanSeconds() {
    return meanTokens / tokensPerSecond + swapSeconds;
  }

  /**
   * Returns the standard deviation of the wait.
   *
   * @return seconds
   */
  public double standardDeviationSeconds() {
    return Math.sqrt(varianceTokens) / tokensPerSecond;
  }

  /**
   * Returns a wait that is not exceeded with some confidence.
   *
   * @param confidence {@code p} in (0, 1)
   * @return seconds; the mean if nothing is uncertain
   * @throws IllegalArgumentException if the confidence is out of range
   */
  public double boundSeconds(double confidence) {
    if (!(confidence > 0 && confidence < 1)) {
      throw new IllegalArgumentException(
          "confidence must be above 0 and below 1, but was " + confidence);
    }
    double deviation = standardDeviationSeconds();
    return deviation == 0
        ? meanSeconds()
        : meanSeconds() + NORMAL.inverseCumulativeProbability(confidence) * deviation;
  }

  /**
   * Returns how probable it is that the wait is within an objective.
   *
   * @param objectiveSeconds the objective
   * @return 0 to 1; 0 or 1 if nothing is uncertain
   */
  public double probabilityWithin(double objectiveSeconds) {
    double deviation = standardDeviationSeconds();
    double slack = objectiveSeconds - meanSeconds();
    if (deviation == 0) {
      return slack >= 0 ? 1 : 0;
    }
    return NORMAL.cumulativeProbability(slack / deviation);
  }

  /**
   * Returns whether too few requests are ahead for the normal approximation.
   *
   * @return true below {@value #MIN_REQUESTS} requests
   */
  public boolean indicativeOnly() {
    return requests < MIN_REQUESTS;
  }

  private static double square(double x) {
    return x * x;
  }

  private static double atLeast0(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be finite and at least 0, but was " + value);
    }
    return value;
  }
}
