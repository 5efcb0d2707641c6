package io.headway.executor.gpu.device;

/**
 * What a device says of itself.
 *
 * @param kind {@code cuda} or {@code opencl}
 * @param name the vendor's name
 * @param driver version of the driver or platform
 * @param architecture compute capability such as {@code sm_90}, or the OpenCL version
 * @param memoryBytes device memory
 * @param units multiprocessors or compute units
 */
public record DeviceInfo(
    String kind, String name, String driver, String architecture, long memoryBytes, int units) {
  @Override
  public String toString() {
    return kind
        + ": "
        + name
        + ", "
        + architecture
        + ", "
        + units
        + " units, "
        + (memoryBytes >> 20)
        + " MiB, "
        + driver;
  }
}
