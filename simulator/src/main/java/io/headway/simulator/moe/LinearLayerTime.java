package io.headway.simulator.moe;

import io.headway.api.moe.LoadBalance;

/**
 * Time of one mixture-of-experts layer on devices that work in step: the most loaded device times
 * the time of a pair, plus a fixed exchange between devices. The time of several layers is the sum
 * of theirs, so imbalance must be taken per layer before adding up. Immutable and thread-safe.
 *
 * @param secondsPerPair time a device needs for one (token, expert) pair, finite and at least 0
 * @param allToAllSeconds time of both exchanges of a layer, finite and at least 0
 */
public record LinearLayerTime(double secondsPerPair, double allToAllSeconds) {
  /** Checks the times. */
  public LinearLayerTime {
    requireTime("secondsPerPair", secondsPerPair);
    requireTime("allToAllSeconds", allToAllSeconds);
  }

  private static void requireTime(String name, double seconds) {
    if (!(seconds >= 0) || Double.isInfinite(seconds)) {
      throw new IllegalArgumentException(
          name + " must be finite and at least 0 seconds, but was " + seconds);
    }
  }

  /**
   * Returns the time of one layer.
   *
   * @param devicePairs pairs per device
   * @param devices number of devices, at least 1
   * @return seconds
   */
  public double seconds(double[] devicePairs, int devices) {
    double most = 0;
    for (int d = 0; d < devices; d++) {
      most = Math.max(most, devicePairs[d]);
    }
    return most * secondsPerPair + allToAllSeconds;
  }

  /**
   * Returns the factor by which imbalance stretches the experts' part of the time.
   *
   * @param devicePairs pairs per device
   * @param devices number of devices, at least 1
   * @return largest over mean, 1 for an empty layer
   */
  public double imbalance(double[] devicePairs, int devices) {
    return LoadBalance.of(devicePairs, devices).maxOverMean();
  }
}
