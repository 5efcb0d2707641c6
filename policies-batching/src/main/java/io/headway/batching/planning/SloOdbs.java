package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;

/**
 * Groups requests, sorted by (SLO, predicted output), into batches of like objective and length:
 * SLO- and output-driven batching.
 *
 * <p>For request {@code i} with {@code b} requests in the open batch, whose largest SLO and output
 * are {@code L} and {@code O}: {@code weighted = sloWeight * (SLO_i + L) * (b + 1) * sloScale +
 * outputWeight * (output_i + O) * (b + 1) * outputScale}. The request joins if {@code weighted <=
 * threshold} and {@code b < maxBatch}, else it opens a new batch; the first always joins. {@code
 * sloWeight = 0} gives the output-driven and {@code outputWeight = 0} the SLO-driven variant. The
 * maxima are updated after the decision. O(n). Immutable and thread-safe.
 *
 * <p>Lowering the threshold never lowers the number of batches of the same sorted list.
 *
 * <p>Source: UELLM, arXiv 2409.14961, and github.com/HYIUYOU/UELLM; formula from secondary
 * descriptions, sort order and reset ours. Weights, scales and threshold have no published
 * defaults.
 *
 * @param sloWeight w1, at least 0
 * @param outputWeight w2, at least 0
 * @param sloScale L1, at least 0
 * @param outputScale L2, at least 0
 * @param threshold at least 0
 * @param maxBatch most requests of a batch, at least 1; 10 in the authors' code
 */
public record SloOdbs(
    double sloWeight,
    double outputWeight,
    double sloScale,
    double outputScale,
    double threshold,
    int maxBatch) {
  // Sums of decimals that are equal on paper.
  private static final double EPSILON = 1e-9;

  public SloOdbs {
    Arguments.notNegative("sloWeight", sloWeight, "");
    Arguments.notNegative("outputWeight", outputWeight, "");
    Arguments.notNegative("sloScale", sloScale, "");
    Arguments.notNegative("outputScale", outputScale, "");
    Arguments.notNegative("threshold", threshold, "");
    Arguments.atLeast("maxBatch", maxBatch, 1, "request");
  }

  /**
   * What was decided about one request.
   *
   * @param batchSizeBefore requests in the open batch
   * @param weighted the sum compared with the threshold
   * @param newBatch whether the request closed an open batch
   */
  public record Step(int batchSizeBefore, double weighted, boolean newBatch) {}

  /**
   * Decides about each request.
   *
   * @param sloSeconds objectives in sorted order
   * @param outputTokens predicted outputs in the same order
   * @return one step per request; a new batch begins where {@link Step#newBatch} is true
   */
  public Step[] steps(double[] sloSeconds, int[] outputTokens) {
    if (requireNonNull(sloSeconds, "sloSeconds").length
        != requireNonNull(outputTokens, "outputTokens").length) {
      throw new IllegalArgumentException(
          "sloSeconds and outputTokens must have the same length, but have "
              + sloSeconds.length
              + " and "
              + outputTokens.length);
    }
    Step[] steps = new Step[sloSeconds.length];
    int batch = 0;
    double largestSlo = 0;
    int largestOutput = 0;
    for (int i = 0; i < steps.length; i++) {
      double slo = (sloSeconds[i] + largestSlo) * (batch + 1) * sloScale;
      double output = ((double) outputTokens[i] + largestOutput) * (batch + 1) * outputScale;
      double weighted = sloWeight * slo + outputWeight * output;
      boolean joins = batch == 0 || (weighted <= threshold + EPSILON && batch < maxBatch);
      steps[i] = new Step(batch, weighted, !joins);
      batch = joins ? batch + 1 : 1;
      largestSlo = joins ? Math.max(largestSlo, sloSeconds[i]) : sloSeconds[i];
      largestOutput = joins ? Math.max(largestOutput, outputTokens[i]) : outputTokens[i];
    }
    return steps;
  }
}
