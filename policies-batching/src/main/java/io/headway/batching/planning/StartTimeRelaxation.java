package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/**
 * Solves the linear relaxation of "when does each request of a backlog start": {@code x_(i,k)} is
 * the share of request i that starts at period k.
 *
 * <pre>
 * minimise  sum_i sum_k k x_(i,k)
 * such that sum_k x_(i,k) = 1 for every i
 *           sum_i sum_(t - d_i &lt;= k &lt; t) size(prompt_i + min(output_i, (t - k) D)) x_(i,k) &lt;= memory
 *             for every period t
 * </pre>
 *
 * <p>A period has {@code D = ceil(sum of outputs / periods)} rounds, one token each, and a request
 * lasts {@code d_i = ceil(output_i / D)} periods; at most {@code sum d_i} periods are needed, since
 * one request after the other fits. With {@code D = 1} this is the relaxation of the program that
 * {@link HindsightOptimum} solves, so {@link #totalCompletion} is a lower bound of it; longer
 * periods (this library's, to keep the program small) make it an estimate. Solved by the simplex
 * method with Bland's rule, hence deterministic; cost grows with {@code requests * periods}
 * columns. Thread-safe.
 *
 * <p>Source: arXiv 2508.06133 (Sorted-LP), from a summary of it.
 */
public final class StartTimeRelaxation {
  private final int[] outputTokens;
  private final int roundsPerPeriod;
  private final double[] meanStarts;

  private StartTimeRelaxation(int[] outputTokens, int roundsPerPeriod, double[] meanStarts) {
    this.outputTokens = outputTokens;
    this.roundsPerPeriod = roundsPerPeriod;
    this.meanStarts = meanStarts;
  }

  /**
   * Solves the relaxation.
   *
   * @param promptTokens prompts
   * @param outputTokens outputs, at least 1
   * @param memory what there is, in the unit of {@code size}
   * @param size what a sequence of so many tokens takes; the identity for tokens
   * @param periods into how many periods the time of one request after the other is cut, at least
   *     1; rounding adds at most one per request
   * @return the solution
   * @throws IllegalArgumentException if a request alone does not fit
   */
  public static StartTimeRelaxation solve(
      int[] promptTokens, int[] outputTokens, long memory, IntUnaryOperator size, int periods) {
    Arguments.atLeast("periods", periods, 1, "period");
    int n = requireNonNull(promptTokens, "promptTokens").length;
    int[] outputs = requireNonNull(outputTokens, "outputTokens").clone();
    long rounds = 0;
    for (int i = 0; i < n; i++) {
      SortedF.requireFitsAlone(promptTokens[i], outputs[i], memory, size);
      rounds += outputs[i];
    }
    int perPeriod = (int) Math.max(1, (rounds + periods - 1) / periods);
    int[] lasts = new int[n];
    int horizon = 0;
    for (int i = 0; i < n; i++) {
      lasts[i] = (outputs[i] + perPeriod - 1) / perPeriod;
      horizon += lasts[i];
    }
    int[] first = new int[n + 1];
    for (int i = 0; i < n; i++) {
      first[i + 1] = first[i] + horizon - lasts[i] + 1;
    }
    double[] means = new double[n];
    if (n > 0) {
      double[] x = shares(promptTokens, outputs, memory, size, perPeriod, lasts, first, horizon);
      for (int i = 0; i < n; i++) {
        for (int k = 0; k < first[i + 1] - first[i]; k++) {
          means[i] += (double) k * x[first[i] + k] * perPeriod;
        }
      }
    }
    return new StartTimeRelaxation(outputs, perPeriod, means);
  }

  private static double[] shares(
      int[] prompts,
      int[] outputs,
      long memory,
      IntUnaryOperator size,
      int perPeriod,
      int[] lasts,
      int[] first,
      int horizon) {
    int n = prompts.length;
    int shares = first[n];
    double[][] rows = new double[n + horizon][shares + horizon];
    double[] right = new double[n + horizon];
    double[] cost = new double[shares + horizon];
    int[] basis = new int[n + horizon];
    Arrays.fill(right, 1);
    int start = 0;
    for (int i = 0; i < n; i++) {
      for (int c = first[i]; c < first[i + 1]; c++) {
        cost[c] = c - first[i];
        rows[i][c] = 1;
      }
      // One request after the other fits: where the search begins.
      basis[i] = first[i] + start;
      start += lasts[i];
    }
    for (int t = 1; t <= horizon; t++) {
      double[] held = rows[n + t - 1];
      for (int i = 0; i < n; i++) {
        int last = Math.min(t - 1, horizon - lasts[i]);
        for (int k = Math.max(0, t - lasts[i]); k <= last; k++) {
          int generated = (int) Math.min(outputs[i], (long) (t - k) * perPeriod);
          // Shares of the memory, so that all rows are of one scale.
          held[first[i] + k] = size.applyAsInt(prompts[i] + generated) / (double) memory;
        }
      }
      held[shares + t - 1] = 1;
      basis[n + t - 1] = shares + t - 1;
    }
    return new Simplex(rows, right, cost, basis).solve();
  }

  /**
   * Returns when a request starts on average over its shares.
   *
   * @param request its index
   * @return rounds from now, a multiple of the period in the mean
   */
  public double meanStart(int request) {
    return meanStarts[request];
  }

  /**
   * Returns how many rounds a period has.
   *
   * @return 1 if the relaxation is that of the exact program
   */
  public int roundsPerPeriod() {
    return roundsPerPeriod;
  }

  /**
   * Returns the total completion time of the relaxed schedule.
   *
   * @return {@code sum (mean start + output)} in rounds
   */
  public double totalCompletion() {
    double total = 0;
    for (int i = 0; i < meanStarts.length; i++) {
      total += meanStarts[i] + outputTokens[i];
    }
    return total;
  }
}
