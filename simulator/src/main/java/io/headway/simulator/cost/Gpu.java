package io.headway.simulator.cost;

import java.util.List;
import java.util.Objects;

/**
 * The accelerator figures that a cost model reads: peak arithmetic, memory bandwidth, memory size
 * link and host bandwidth of one device. All units are decimal (1 TB/s = 1e12 bytes per second).
 *
 * <p>The presets repeat the vendor's data sheets (dense bf16, without structured sparsity). They
 * are peaks, not measurements: what a kernel reaches is the business of {@link
 * RooflineEfficiencies}.
 *
 * @param name stable lower-case name, such as {@code a100-80g}
 * @param peakFlopsPerSecond dense bf16 peak, floating-point operations per second; above 0
 * @param hbmBytesPerSecond device memory bandwidth, bytes per second; above 0
 * @param memoryBytes device memory, bytes; above 0
 * @param linkBytesPerSecond bandwidth to its peers in one direction, bytes per second; above 0
 * @param hostBytesPerSecond PCIe bandwidth to the host in one direction, bytes per second; above 0
 */
public record Gpu(
    String name,
    double peakFlopsPerSecond,
    double hbmBytesPerSecond,
    double memoryBytes,
    double linkBytesPerSecond,
    double hostBytesPerSecond) {

  /** NVIDIA A100 80 GB SXM: 312 TFLOP/s, 2.039 TB/s, 80 GB, 300 and 32 GB/s per direction. */
  public static final Gpu A100_80G = new Gpu("a100-80g", 312e12, 2.039e12, 80e9, 300e9, 32e9);

  /** NVIDIA H100 SXM: 989.5 TFLOP/s, 3.35 TB/s, 80 GB, 450 and 64 GB/s per direction. */
  public static final Gpu H100 = new Gpu("h100", 989.5e12, 3.35e12, 80e9, 450e9, 64e9);

  /** NVIDIA H200 SXM: the arithmetic of the H100 with 4.8 TB/s and 141 GB. */
  public static final Gpu H200 = new Gpu("h200", 989.5e12, 4.8e12, 141e9, 450e9, 64e9);

  /**
   * NVIDIA L4: 121 TFLOP/s, 0.3 TB/s, 24 GB; it has no NVLink, so the link is PCIe 4.0 x16 with 32
   * GB/s per direction.
   */
  public static final Gpu L4 = new Gpu("l4", 121e12, 0.3e12, 24e9, 32e9, 32e9);

  private static final List<Gpu> PRESETS = List.of(A100_80G, H100, H200, L4);

  /** Checks that every figure is positive and finite. */
  public Gpu {
    Objects.requireNonNull(name, "name");
    CostChecks.positive(peakFlopsPerSecond, "peakFlopsPerSecond", "operations per second");
    CostChecks.positive(hbmBytesPerSecond, "hbmBytesPerSecond", "bytes per second");
    CostChecks.positive(memoryBytes, "memoryBytes", "bytes");
    CostChecks.positive(linkBytesPerSecond, "linkBytesPerSecond", "bytes per second");
    CostChecks.positive(hostBytesPerSecond, "hostBytesPerSecond", "bytes per second");
  }

  /**
   * Returns the presets, in a fixed order.
   *
   * @return the named devices
   */
  public static List<Gpu> presets() {
    return PRESETS;
  }

  /**
   * Returns the preset of a name.
   *
   * @param name a preset's name
   * @return the device
   * @throws IllegalArgumentException if no preset has this name; the message lists those there are
   */
  public static Gpu named(String name) {
    for (Gpu gpu : PRESETS) {
      if (gpu.name.equals(name)) {
        return gpu;
      }
    }
    throw CostChecks.unknown("gpu", PRESETS.stream().map(Gpu::name).toList(), name);
  }
}
