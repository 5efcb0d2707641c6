package io.headway.executor.gpu.device;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds and opens accelerators. */
public final class Devices {
  private Devices() {}

  /**
   * What is there of one kind, and if nothing, why.
   *
   * @param kind {@code cuda} or {@code opencl}
   * @param devices what is there, in the order of their numbers
   * @param trouble one line if there is none, empty otherwise
   */
  public record Listing(String kind, List<DeviceInfo> devices, String trouble) {
    /** Copies the list. */
    public Listing {
      devices = List.copyOf(devices);
    }
  }

  /**
   * Lists both kinds. Never throws for what is missing.
   *
   * @return CUDA first, then OpenCL
   */
  public static List<Listing> list() {
    return List.of(listCuda(), listOpenCl());
  }

  private static Listing listCuda() {
    try {
      CudaDriver driver = startedDriver();
      String compiler = new Nvrtc().version();
      List<DeviceInfo> found = new ArrayList<>();
      for (int i = 0; i < driver.deviceCount(); i++) {
        found.add(CudaDevice.describe(driver, driver.device(i), compiler));
      }
      return new Listing("cuda", found, found.isEmpty() ? "the CUDA driver sees no device" : "");
    } catch (DeviceUnavailableException | DeviceException e) {
      return new Listing("cuda", List.of(), String.valueOf(e.getMessage()));
    }
  }

  private static Listing listOpenCl() {
    try {
      OpenCl cl = new OpenCl();
      List<DeviceInfo> found = new ArrayList<>();
      for (long device : openClDevices(cl)) {
        found.add(OpenClDevice.describe(cl, device));
      }
      return new Listing("opencl", found, found.isEmpty() ? noOpenCl() : "");
    } catch (DeviceUnavailableException | DeviceException e) {
      return new Listing("opencl", List.of(), String.valueOf(e.getMessage()));
    }
  }

  private static String noOpenCl() {
    return "the OpenCL loader knows no device; install a platform (for the CPU: pocl-opencl-icd)";
  }

  private static CudaDriver startedDriver() throws DeviceUnavailableException {
    CudaDriver driver = new CudaDriver();
    driver.init();
    int version = driver.version();
    if (version < CudaDevice.OLDEST_DRIVER) {
      throw new DeviceUnavailableException(
          "the CUDA driver is too old: it knows CUDA "
              + version / 1000
              + "."
              + version % 1000 / 10
              + ", but 12.0 or later is needed");
    }
    return driver;
  }

  private static List<Long> openClDevices(OpenCl cl) {
    List<Long> devices = new ArrayList<>();
    for (long platform : cl.platforms()) {
      for (long device : cl.devices(platform)) {
        devices.add(device);
      }
    }
    return devices;
  }

  /**
   * Opens a CUDA device.
   *
   * @param ordinal its number, from 0
   * @param cacheFolder where compiled kernels are kept
   * @return the device
   * @throws DeviceUnavailableException if there is none of that number; one line says why
   */
  public static Device openCuda(int ordinal, Path cacheFolder) throws DeviceUnavailableException {
    CudaDriver driver = startedDriver();
    int count = driver.deviceCount();
    if (ordinal < 0 || ordinal >= count) {
      throw new DeviceUnavailableException(
          "device must be from 0 to "
              + (count - 1)
              + " (the driver sees "
              + count
              + "), but was "
              + ordinal);
    }
    return new CudaDevice(driver, ordinal, cacheFolder);
  }

  /**
   * Opens an OpenCL device.
   *
   * @param ordinal its number over all platforms, from 0
   * @return the device
   * @throws DeviceUnavailableException if there is none of that number; one line says why
   */
  public static Device openOpenCl(int ordinal) throws DeviceUnavailableException {
    OpenCl cl = new OpenCl();
    List<Long> devices = openClDevices(cl);
    if (devices.isEmpty()) {
      throw new DeviceUnavailableException(noOpenCl());
    }
    if (ordinal < 0 || ordinal >= devices.size()) {
      throw new DeviceUnavailableException(
          "device must be from 0 to " + (devices.size() - 1) + ", but was " + ordinal);
    }
    return new OpenClDevice(cl, devices.get(ordinal));
  }
}
