package io.headway.routing.model;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/**
 * Finds the thresholds of a {@link CascadeSelector} from recorded answers: least mean loss subject
 * to a mean cost of at most the budget.
 *
 * <p>Exact over a grid: the candidates of each level are the quantiles of its recorded scores at
 * {@code gridSize} even steps, 0 (always keep) and 1 (hardly ever). All combinations are tried.
 * Equal losses go to the lower cost, then to the combination that is first in ascending order of
 * thresholds. Cost: O((gridSize + 2)^(levels - 1) x samples x levels).
 *
 * <p>The objective is FrugalGPT's (arXiv 2305.05176); the search is this library's.
 */
public final class CascadeThresholds {
  /** Most combinations that are tried. */
  public static final long MAX_COMBINATIONS = 1_000_000;

  /** Most quantiles that are tried per level. */
  public static final int MAX_GRID_SIZE = 1_000_000;

  private final double[] thresholds;
  private final double meanLoss;
  private final double meanCost;

  private CascadeThresholds(double[] thresholds, double meanLoss, double meanCost) {
    this.thresholds = thresholds;
    this.meanLoss = meanLoss;
    this.meanCost = meanCost;
  }

  /**
   * Searches.
   *
   * @param scores confidence of every level's answer, samples x levels, each from 0 to 1
   * @param losses loss of every level's answer, samples x levels, finite
   * @param prices price per level, finite and at least 0
   * @param meanCostBudget most that a request may cost on average; at least the first price
   * @param gridSize quantiles tried per level, from 1 to {@value #MAX_GRID_SIZE}
   * @return the best combination
   * @throws IllegalArgumentException if the shapes differ, a number is out of range, there are no
   *     samples or too many combinations
   */
  public static CascadeThresholds search(
      double[][] scores, double[][] losses, double[] prices, double meanCostBudget, int gridSize) {
    requireNonNull(prices, "prices");
    int levels = prices.length;
    check(scores, losses, prices, meanCostBudget, gridSize);
    double[][] candidates = new double[levels - 1][];
    long combinations = 1;
    for (int level = 0; level < levels - 1; level++) {
      candidates[level] = candidates(scores, level, gridSize);
      combinations = Math.multiplyExact(combinations, (long) candidates[level].length);
      if (combinations > MAX_COMBINATIONS) {
        throw new IllegalArgumentException(
            "gridSize must leave at most "
                + MAX_COMBINATIONS
                + " combinations of thresholds, but was "
                + gridSize
                + " for "
                + levels
                + " levels");
      }
    }
    CascadeThresholds best = null;
    int[] at = new int[levels - 1];
    double[] tried = new double[levels - 1];
    for (long n = 0; n < combinations; n++) {
      for (int level = 0; level < levels - 1; level++) {
        tried[level] = candidates[level][at[level]];
      }
      CascadeThresholds next = evaluate(scores, losses, prices, tried);
      if (next.meanCost <= meanCostBudget * (1 + 1e-12)
          && (best == null
              || next.meanLoss < best.meanLoss
              || (next.meanLoss == best.meanLoss && next.meanCost < best.meanCost))) {
        best = next;
      }
      for (int level = levels - 2; level >= 0 && ++at[level] == candidates[level].length; level--) {
        at[level] = 0;
      }
    }
    // Thresholds of 0 keep every first answer, and the budget was checked to allow that.
    return requireNonNull(best, "best");
  }

  private static void check(
      double[][] scores, double[][] losses, double[] prices, double budget, int gridSize) {
    int levels = prices.length;
    if (levels == 0 || scores.length == 0 || losses.length != scores.length) {
      throw new IllegalArgumentException(
          "scores and losses must have the same number of samples, at least 1, and prices at least"
              + " 1 level, but had "
              + scores.length
              + ", "
              + losses.length
              + " and "
              + levels);
    }
    for (int s = 0; s < scores.length; s++) {
      if (scores[s].length != levels || losses[s].length != levels) {
        throw new IllegalArgumentException(
            "sample "
                + s
                + " must have "
                + levels
                + " scores and losses, but had "
                + scores[s].length
                + " and "
                + losses[s].length);
      }
      for (int level = 0; level < levels; level++) {
        if (!(scores[s][level] >= 0 && scores[s][level] <= 1)) {
          throw new IllegalArgumentException(
              "scores[" + s + "][" + level + "] must lie in 0..1, but was " + scores[s][level]);
        }
        if (!(Math.abs(losses[s][level]) < Double.POSITIVE_INFINITY)) {
          throw new IllegalArgumentException(
              "losses[" + s + "][" + level + "] must be finite, but was " + losses[s][level]);
        }
      }
    }
    for (int level = 0; level < levels; level++) {
      if (!(prices[level] >= 0) || Double.isInfinite(prices[level])) {
        throw new IllegalArgumentException(
            "prices[" + level + "] must be finite and at least 0, but was " + prices[level]);
      }
    }
    if (!(budget >= prices[0])) {
      throw new IllegalArgumentException(
          "meanCostBudget must be at least the first price, " + prices[0] + ", but was " + budget);
    }
    if (gridSize < 1 || gridSize > MAX_GRID_SIZE) {
      throw new IllegalArgumentException(
          "gridSize must lie in 1.." + MAX_GRID_SIZE + " steps, but was " + gridSize);
    }
  }

  private static double[] candidates(double[][] scores, int level, int gridSize) {
    double[] sorted = new double[scores.length];
    for (int s = 0; s < sorted.length; s++) {
      sorted[s] = scores[s][level];
    }
    Arrays.sort(sorted);
    double[] values = new double[gridSize + 2];
    for (int i = 0; i < gridSize; i++) {
      values[i + 1] = sorted[(int) ((long) i * sorted.length / gridSize)];
    }
    values[gridSize + 1] = 1;
    return Arrays.stream(values).sorted().distinct().toArray();
  }

  private static CascadeThresholds evaluate(
      double[][] scores, double[][] losses, double[] prices, double[] thresholds) {
    double loss = 0;
    int[] asked = new int[prices.length];
    for (int s = 0; s < scores.length; s++) {
      int level = 0;
      asked[0]++;
      while (level < thresholds.length && scores[s][level] < thresholds[level]) {
        level++;
        asked[level]++;
      }
      loss += losses[s][level];
    }
    // By shares: asking only the first level costs exactly its price, however many samples there
    // are, and so never more than a budget that allows it.
    double cost = 0;
    for (int level = 0; level < prices.length; level++) {
      cost += prices[level] * ((double) asked[level] / scores.length);
    }
    return new CascadeThresholds(thresholds.clone(), loss / scores.length, cost);
  }

  /**
   * Returns the thresholds found.
   *
   * @return one per level but the last, which always keeps its answer; a copy
   */
  public double[] thresholds() {
    return thresholds.clone();
  }

  /**
   * Returns the mean loss over the samples.
   *
   * @return in the unit of the losses
   */
  public double meanLoss() {
    return meanLoss;
  }

  /**
   * Returns the mean cost over the samples.
   *
   * @return in the unit of the prices
   */
  public double meanCost() {
    return meanCost;
  }
}
