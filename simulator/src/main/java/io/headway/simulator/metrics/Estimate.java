package io.headway.simulator.metrics;

import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;

/**
 * The mean of a figure over independent runs (seeds) and how sure it is: {@code mean ± t * s /
 * sqrt(n)} with the 97.5 % quantile {@code t} of Student's distribution with {@code n - 1} degrees
 * of freedom, a 95 % confidence interval if the runs are about normal.
 *
 * @param runs how many values entered; NaN values did not
 * @param mean arithmetic mean; NaN without values
 * @param halfWidth half the width of the interval; NaN with fewer than two values
 */
public record Estimate(int runs, double mean, double halfWidth) {
  private static final double UPPER = 0.975;

  /**
   * Returns the estimate from one value per run.
   *
   * @param values one figure per run; NaN stands for a run without the figure
   * @return mean and half-width
   */
  public static Estimate of(double... values) {
    SummaryStatistics statistics = new SummaryStatistics();
    for (double value : values) {
      if (!Double.isNaN(value)) {
        statistics.addValue(value);
      }
    }
    int n = (int) statistics.getN();
    if (n < 2) {
      return new Estimate(n, statistics.getMean(), Double.NaN);
    }
    double t = new TDistribution(null, n - 1).inverseCumulativeProbability(UPPER);
    return new Estimate(
        n, statistics.getMean(), t * statistics.getStandardDeviation() / Math.sqrt(n));
  }
}
