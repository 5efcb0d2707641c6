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
