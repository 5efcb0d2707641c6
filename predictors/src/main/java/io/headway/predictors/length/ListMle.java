package io.headway.predictors.length;

import java.util.Arrays;

/**
 * The ListMLE ranking loss and its gradient, as used to learn the order of output lengths
 * (vllm-ltr, NeurIPS 2024, arXiv 2408.15792).
 *
 * <p>Items sorted by length descending (ties by index) have scores {@code z_1 .. z_n}; the loss is
 * {@code sum_i (ln sum_(j>=i) exp(z_j) - z_i)} and its gradient {@code -1 + sum_(i<=k) exp(z_k) /
 * sum_(j>=i) exp(z_j)}. Computed in logarithms throughout, so that scores of any size neither
 * overflow nor underflow. The loss does not change if a constant is added to all scores, and the
 * gradient sums to 0. O(n log n); allocates; stateless.
 */
public final class ListMle {
  private ListMle() {}

  /**
   * Returns the loss of a list.
   *
   * @param scores one finite score per item; larger is meant to be longer
   * @param lengths one true length per item, tokens
   * @return at least 0; 0 for an empty list
   * @throws IllegalArgumentException if the lists differ in length or a score is not finite
   */
  public static double loss(double[] scores, double[] lengths) {
    int[] order = order(scores, lengths);
    double tail = Double.NEGATIVE_INFINITY;
    double loss = 0;
    for (int i = order.length - 1; i >= 0; i--) {
      double z = scores[order[i]];
      tail = logSum(z, tail);
      loss += tail - z;
    }
    return loss;
  }

  /**
   * Returns the gradient of the loss with respect to the scores.
   *
   * @param scores one finite score per item
   * @param lengths one true length per item, tokens
   * @return one number per item, in the order of the input
   * @throws IllegalArgumentException if the lists differ in length or a score is not finite
   */
  public static double[] gradient(double[] scores, double[] lengths) {
    int[] order = order(scores, lengths);
    int n = order.length;
    double[] tails = new double[n];
    double tail = Double.NEGATIVE_INFINITY;
    for (int i = n - 1; i >= 0; i--) {
      tail = logSum(scores[order[i]], tail);
      tails[i] = tail;
    }
    double[] gradient = new double[n];
    double head = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      head = logSum(-tails[i], head);
      gradient[order[i]] = Math.exp(scores[order[i]] + head) - 1;
    }
    return gradient;
  }

  private static int[] order(double[] scores, double[] lengths) {
    if (scores.length != lengths.length) {
      throw new IllegalArgumentException(
          "scores and lengths must be of one length, but have "
              + scores.length
              + " and "
              + lengths.length
              + " entries");
    }
    for (double score : scores) {
      if (!Double.isFinite(score)) {
        throw new IllegalArgumentException("scores must be finite, but one was " + score);
      }
    }
    Integer[] order = new Integer[scores.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(lengths[b], lengths[a]));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  /** Returns {@code ln(exp(a) + exp(b))}. */
  private static double logSum(double a, double b) {
    double high = Math.max(a, b);
    return high + Math.log1p(Math.exp(Math.min(a, b) - high));
  }
}
