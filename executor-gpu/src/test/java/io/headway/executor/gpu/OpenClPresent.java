package io.headway.executor.gpu;

import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceUnavailableException;
import io.headway.executor.gpu.device.Devices;
import org.junit.jupiter.api.Assumptions;

/** Opens an OpenCL device, or skips the test saying why there is none. */
public final class OpenClPresent {
  private OpenClPresent() {}

  public static Device open() {
    try {
      return Devices.openOpenCl(0);
    } catch (DeviceUnavailableException e) {
      return Assumptions.abort("no OpenCL device: " + e.getMessage());
    }
  }

  public static void assume() {
    open().close();
  }
}
