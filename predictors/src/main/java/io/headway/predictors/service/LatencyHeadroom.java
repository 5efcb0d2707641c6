package io.headway.predictors.service;

import java.util.Arrays;

/**
 * Returns how far predicted latencies stay below an objective: {@code headroom = objective * buffer
 * - prediction}, as the gateway inference extension and llm-d score endpoints. A missing prediction
 * is worst; that is the project's rule, so that a predictor that fails never makes an endpoint win.
 * Stateless.
 */
public final class LatencyHeadroom {
  private LatencyHeadroom() {}

  /**
   * Returns the headroom of one endpoint.
   *
   * @param objectiveSeconds the objective, finite
   * @param sloBuffer factor on it, finite; 1 for none
   * @param predictedSeconds the prediction; NaN if there is none
   * @return seconds, negative beyond the objective; NaN if there is no prediction
   */
  public static double seconds(double objectiveSeconds, double sloBuffer, double predictedSeconds) {
    return objectiveSeconds * sloBuffer - predictedSeconds;
  }

  /**
   * Returns the endpoints from most to least headroom.
   *
   * @param headroomSeconds one headroom per endpoint; NaN if its prediction is missing
   * @return indices, ties by index, missing ones last
   */
  public static int[] order(double[] headroomSeconds) {
    Integer[] order = new Integer[headroomSeconds.length];
    Arrays.setAll(order, i -> i);
    // Zero is subtracted so that -0.0 ties with 0.0; NaN sorts last when ascending.
    Arrays.sort(order, (a, b) -> Double.compare(0 - headroomSeconds[a], 0 - headroomSeconds[b]));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }
}
