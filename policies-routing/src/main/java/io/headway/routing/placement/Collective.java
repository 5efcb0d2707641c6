package io.headway.routing.placement;

/** A collective operation between devices and the bytes that each of them sends in it. */
public enum Collective {
  /** Re-splits a tensor from one dimension to another: {@code (D - 1) / D} of the own shard. */
  ALL_TO_ALL,
  /** Replicates a split tensor: {@code D - 1} times the own shard. */
  ALL_GATHER,
  /** Sums partial tensors on a ring: {@code 2 (D - 1) / D} of the whole tensor. */
  ALL_REDUCE;

  /**
   * Returns how much each device sends.
   *
   * @param fullBytes bytes of the whole tensor, at least 0; a shard has {@code fullBytes / devices}
   * @param devices devices D, at least 1
   * @return bytes per device, 0 with one device
   * @throws IllegalArgumentException if a value is out of range
   */
  public double bytesSentPerDevice(double fullBytes, int devices) {
    if (!(fullBytes >= 0) || Double.isInfinite(fullBytes)) {
      throw new IllegalArgumentException(
          "fullBytes must be finite and at least 0 bytes, but was " + fullBytes);
    }
    if (devices < 1) {
      throw new IllegalArgumentException("devices must be at least 1 device, but was " + devices);
    }
    double shard = fullBytes / devices;
    return switch (this) {
      case ALL_TO_ALL -> shard * (devices - 1) / devices;
      case ALL_GATHER -> shard * (devices - 1);
      case ALL_REDUCE -> 2.0 * shard * (devices - 1);
    };
  }
}
