package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/** Which device hosts each expert of a layer, one device per expert. Immutable. */
public final class DeviceMap {
  private final int devices;
  private final int[] deviceByExpert;

  private DeviceMap(int devices, int[] deviceByExpert) {
    this.devices = devices;
    this.deviceByExpert = deviceByExpert;
  }

  /**
   * Returns consecutive blocks of experts; if the devices do not divide the experts, the first
   * {@code experts mod devices} devices get one more.
   *
   * @param experts experts, at least 1
   * @param devices devices, at least 1
   * @return the map
   * @throws IllegalArgumentException if a count is below 1
   */
  public static DeviceMap contiguous(int experts, int devices) {
    requireCounts(experts, devices);
    int[] map = new int[experts];
    int small = experts / devices;
    int large = experts % devices;
    int e = 0;
    for (int d = 0; d < devices; d++) {
      int end = e + small + (d < large ? 1 : 0);
      Arrays.fill(map, e, end, d);
      e = end;
    }
    return new DeviceMap(devices, map);
  }

  /**
   * Returns expert {@code e} on device {@code e mod devices}.
   *
   * @param experts experts, at least 1
   * @param devices devices, at least 1
   * @return the map
   * @throws IllegalArgumentException if a count is below 1
   */
  public static DeviceMap roundRobin(int experts, int devices) {
    requireCounts(experts, devices);
    int[] map = new int[experts];
    for (int e = 0; e < experts; e++) {
      map[e] = e % devices;
    }
    return new DeviceMap(devices, map);
  }

  /**
   * Returns an explicit map.
   *
   * @param deviceByExpert device of every expert, each from 0 to {@code devices - 1}; copied
   * @param devices devices, at least 1
   * @return the map
   * @throws IllegalArgumentException if a device is out of range
   */
  public static DeviceMap of(int[] deviceByExpert, int devices) {
    requireNonNull(deviceByExpert, "deviceByExpert");
    requireCounts(deviceByExpert.length, devices);
    for (int e = 0; e < deviceByExpert.length; e++) {
      if (deviceByExpert[e] < 0 || deviceByExpert[e] >= devices) {
        throw new IllegalArgumentException(
            "deviceByExpert["
                + e
                + "] must lie in 0.."
                + (devices - 1)
                + ", but was "
                + deviceByExpert[e]);
      }
    }
    return new DeviceMap(devices, deviceByExpert.clone());
  }

  private static void requireCounts(int experts, int devices) {
    if (experts < 1) {
      throw new IllegalArgumentException("experts must be at least 1 expert, but was " + experts);
    }
    if (devices < 1) {
      throw new IllegalArgumentException("devices must be at least 1 device, but was " + devices);
    }
  }

  /**
   * Returns the number of experts.
   *
   * @return at least 1
   */
  public int experts() {
    return deviceByExpert.length;
  }

  /**
   * Returns the number of devices.
   *
   * @return at least 1
   */
  public int devices() {
    return devices;
  }

  /**
   * Returns the device of an expert.
   *
   * @param expert expert index
   * @return device index
   */
  public int device(int expert) {
    return deviceByExpert[expert];
  }

  /**
   * Sums the loads of the experts of every device.
   *
   * @param expertLoad pairs per expert, at least as many as there are experts
   * @param deviceLoad receives {@code devices()} sums
   */
  public void sumLoads(int[] expertLoad, double[] deviceLoad) {
    Arrays.fill(deviceLoad, 0, devices, 0);
    for (int e = 0; e < deviceByExpert.length; e++) {
      deviceLoad[deviceByExpert[e]] += expertLoad[e];
    }
  }

  /**
   * Returns on how many devices the experts of a token lie, which is how often its hidden state is
   * sent.
   *
   * @param pairs a routing result with the same experts
   * @param token token index
   * @return distinct devices, 0 for a token without experts
   */
  public int devicesOf(ExpertAssignments pairs, int token) {
    int from = pairs.tokenOffset(token);
    int to = pairs.tokenOffset(token + 1);
    int distinct = 0;
    for (int i = from; i < to; i++) {
      int device = deviceByExpert[pairs.expert(i)];
      boolean first = true;
      for (int j = from; j < i && first; j++) {
        first = deviceByExpert[pairs.expert(j)] != device;
      }
      distinct += first ? 1 : 0;
    }
    return distinct;
  }

  /**
   * Returns on how many devices the experts of a token lie on average.
   *
   * @param pairs a routing result with the same experts
   * @return mean over all tokens, padding included; 0 without tokens
   */
  public double meanDevicesPerToken(ExpertAssignments pairs) {
    long sum = 0;
    for (int t = 0; t < pairs.tokens(); t++) {
      sum += devicesOf(pairs, t);
    }
    return pairs.tokens() == 0 ? 0 : (double) sum / pairs.tokens();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DeviceMap that
        && devices == that.devices
        && Arrays.equals(deviceByExpert, that.deviceByExpert);
  }

  @Override
  public int hashCode() {
    return 31 * devices + Arrays.hashCode(deviceByExpert);
  }

  @Override
  public String toString() {
    return "DeviceMap" + Arrays.toString(deviceByExpert);
  }
}
