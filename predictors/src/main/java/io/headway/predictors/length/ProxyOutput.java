package io.headway.predictors.length;

import java.util.Arrays;

/**
 * Turns the raw outputs of a proxy model that regresses output length into what a scheduler uses,
 * as SSJF does (AIOps at ASPLOS 2024, arXiv 2404.08509). Stateless.
 */
public final class ProxyOutput {
  private ProxyOutput() {}

  /**
   * Returns the requests from short to long.
   *
   * @param predictions one prediction per request, in order of arrival; finite
   * @return indices, ascending by prediction, ties by arrival; the same for any increasing function
   *     of the predictions
   */
  public static int[] order(double[] predictions) {
    Integer[] order = new Integer[predictions.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(predictions[a], predictions[b]));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  /**
   * Returns the class that a regression on the class index means.
   *
   * @param output the model's output
   * @param classes number of classes, at least 1
   * @return the output rounded half up, clipped to 0 to {@code classes - 1}
   * @throws IllegalArgumentException if {@code classes} is below 1 or the output is NaN
   */
  public static int ordinalClass(double output, int classes) {
    if (classes < 1) {
      throw new IllegalArgumentException("classes must be at least 1, but was " + classes);
    }
    requireNumber(output);
    return (int) Math.max(0, Math.min(classes - 1L, Math.round(output)));
  }

  /**
   * Returns the length that a regression means.
   *
   * @param output the model's output
   * @return tokens: 1 if the output is not positive, else the output
   * @throws IllegalArgumentException if the output is NaN
   */
  public static double tokens(double output) {
    requireNumber(output);
    return output > 0 ? output : 1;
  }

  private static void requireNumber(double output) {
    if (Double.isNaN(output)) {
      throw new IllegalArgumentException("output must be a number, but was NaN");
    }
  }
}
