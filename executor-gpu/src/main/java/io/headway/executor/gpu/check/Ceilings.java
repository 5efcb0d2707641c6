package io.headway.executor.gpu.check;

import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.KernelSettings;
import io.headway.executor.gpu.device.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What this device was measured to do at most, in the same run as everything that is compared with
 * it.
 *
 * @param copyBytesPerSecond device-to-device copy, bytes read and bytes written counted
 * @param productFlops a large square product of random elements
 * @param uploadBytesPerSecond host to device, pinned
 * @param downloadBytesPerSecond device to host, pinned
 */
record Ceilings(
    double copyBytesPerSecond,
    double productFlops,
    double uploadBytesPerSecond,
    double downloadBytesPerSecond) {
  private static final int ROUNDS = 7;

  static Ceilings measure(Device device, ElementType element, boolean quick, long seed) {
    long bytes = quick ? 16L << 20 : 2L << 30;
    double copy;
    try (DeviceBuffer from = device.allocate(bytes);
        DeviceBuffer to = device.allocate(bytes)) {
      device.fill(from, (byte) 1);
      copy = 2.0 * bytes / seconds(device, () -> device.copy(from, 0, to, 0, bytes));
    }
    long linkBytes = quick ? 4L << 20 : 256L << 20;
    MemorySegment host = device.allocateHost(linkBytes);
    double upload;
    double download;
    try (DeviceBuffer buffer = device.allocate(linkBytes)) {
      upload = linkBytes / seconds(device, () -> device.upload(host, buffer, 0, linkBytes));
      download = linkBytes / seconds(device, () -> device.download(buffer, 0, host, linkBytes));
    }
    return new Ceilings(copy, product(device, element, quick ? 128 : 8192, seed), upload, download);
  }

  private static double product(Device device, ElementType element, int n, long seed) {
    Kernels kernels =
        device.build(new KernelSettings(element, 16, 1, 16, KernelSettings.DEFAULT_THREADS));
    int threads = KernelSettings.DEFAULT_THREADS;
    int count = n * n;
    long bytes = (long) count * element.bytes();
    try (DeviceBuffer left = device.allocate(bytes);
        DeviceBuffer right = device.allocate(bytes);
        DeviceBuffer out = device.allocate(bytes)) {
      for (DeviceBuffer buffer : new DeviceBuffer[] {left, right}) {
        kernels
            .get("hw_seed_weights")
            .begin()
            .buffer(buffer)
            .integer(0)
            .integer(count)
            .integer((int) seed)
            .integer(buffer == left ? 1 : 2)
            .real(0f)
            .real(1f)
            .launch((count + threads - 1) / threads, 1, 1, threads);
      }
      int tile = Kernels.GEMM_TILE;
      Runnable product =
          device.multiplies()
              ? () -> device.multiply(out, 0, false, left, 0, right, element, n, n, n)
              : () ->
                  kernels
                      .get("hw_gemm")
                      .begin()
                      .buffer(out)
                      .buffer(out)
                      .integer(0)
                      .buffer(left)
                      .buffer(right)
                      .integer(n)
                      .integer(n)
                      .integer(n)
                      .integer(0)
                      .integer(0)
                      .launch((n + tile - 1) / tile, (n + tile - 1) / tile, 1, tile * tile);
      return 2.0 * n * n * n / seconds(device, product);
    }
  }

  /** The median of several rounds after one for warmth. */
  private static double seconds(Device device, Runnable action) {
    action.run();
    double[] times = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      try (Device.Mark start = device.mark()) {
        action.run();
        try (Device.Mark end = device.mark()) {
          times[i] = end.millisSince(start) / 1e3;
        }
      }
    }
    Arrays.sort(times);
    return Math.max(1e-9, times[ROUNDS / 2]);
  }
}
