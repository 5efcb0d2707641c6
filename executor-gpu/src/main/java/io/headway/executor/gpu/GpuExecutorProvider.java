package io.headway.executor.gpu;

import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceInfo;
import io.headway.executor.gpu.device.DeviceUnavailableException;
import io.headway.executor.gpu.device.Devices;
import io.headway.executor.gpu.device.KernelSettings;
import io.headway.executor.weights.Weights;
import java.nio.file.Path;

/**
 * Opens executors on the first device of one kind. Compiled CUDA kernels are kept under the folder
 * named by the system property {@value #CACHE_PROPERTY}, {@code headway/kernels} in the user's
 * cache folder by default.
 */
public abstract sealed class GpuExecutorProvider implements ExecutorProvider {
  /** System property with the folder of compiled kernels. */
  public static final String CACHE_PROPERTY = "headway.gpu.kernelCache";

  private final String id;

  private GpuExecutorProvider(String id) {
    this.id = id;
  }

  /** NVIDIA GPUs through the CUDA driver. */
  public static final class Cuda extends GpuExecutorProvider {
    /** Makes the provider. */
    public Cuda() {
      super("cuda");
    }

    @Override
    Device openDevice() throws DeviceUnavailableException {
      return Devices.openCuda(0, cacheFolder());
    }
  }

  /** Any device of an OpenCL platform. */
  public static final class OpenCl extends GpuExecutorProvider {
    /** Makes the provider. */
    public OpenCl() {
      super("opencl");
    }

    @Override
    Device openDevice() throws DeviceUnavailableException {
      return Devices.openOpenCl(0);
    }
  }

  abstract Device openDevice() throws DeviceUnavailableException;

  /**
   * Returns where compiled kernels are kept.
   *
   * @return the folder, which need not exist
   */
  public static Path cacheFolder() {
    String configured = System.getProperty(CACHE_PROPERTY);
    if (configured != null && !configured.isBlank()) {
      return Path.of(configured);
    }
    String cache = System.getenv("XDG_CACHE_HOME");
    Path base =
        cache != null && !cache.isBlank()
            ? Path.of(cache)
            : Path.of(System.getProperty("user.home", "."), ".cache");
    return base.resolve("headway").resolve("kernels");
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public Availability availability() {
    for (Devices.Listing listing : Devices.list()) {
      if (listing.kind().equals(id)) {
        if (listing.devices().isEmpty()) {
          return new Availability(false, listing.trouble());
        }
        DeviceInfo first = listing.devices().get(0);
        return new Availability(true, first.toString());
      }
    }
    throw new AssertionError("every kind is listed, but " + id + " is not");
  }

  @Override
  public Executor open(Weights weights, ExecutorOptions options) {
    GpuExecutor.elementOf(options.precision());
    Device device;
    try {
      device = openDevice();
    } catch (DeviceUnavailableException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
    try {
      return new GpuExecutor(id, device, weights, options, KernelSettings.DEFAULT_THREADS);
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }
}
