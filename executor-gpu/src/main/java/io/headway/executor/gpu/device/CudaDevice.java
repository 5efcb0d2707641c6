package io.headway.executor.gpu.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A CUDA device: plain allocations, one stream, kernels built by NVRTC for the device's own
 * architecture, products by cuBLASLt, graphs for recordings.
 */
final class CudaDevice implements Device {
  /** The oldest driver that this code is written for: CUDA 12.0. */
  static final int OLDEST_DRIVER = 12_000;

  private static final long WORKSPACE_BYTES = 64L << 20;
  private static final int MAX_ARGUMENTS = 24;

  private final CudaDriver driver;
  private final Nvrtc compiler;
  private final CublasLt products;
  private final KernelCache cache;
  private final int device;
  private final long context;
  private final long stream;
  private final long workspace;
  private final String architecture;
  private final DeviceInfo info;
  private final Arena arena = Arena.ofConfined();
  private final Set<Long> buffers = new LinkedHashSet<>();
  private final List<Long> hosts = new ArrayList<>();
  private final List<Long> modules = new ArrayList<>();
  private final Set<Long> events = new LinkedHashSet<>();
  private boolean open = true;

  CudaDevice(CudaDriver driver, int ordinal, Path cacheFolder) throws DeviceUnavailableException {
    this.driver = driver;
    compiler = new Nvrtc();
    device = driver.device(ordinal);
    info = describe(driver, device, compiler.version());
    architecture = architecture(driver, device);
    cache = new KernelCache(cacheFolder);
    context = driver.retainContext(device);
    driver.setCurrent(context);
    stream = driver.stream();
    products = new CublasLt();
    workspace = driver.allocate(WORKSPACE_BYTES);
  }

  static DeviceInfo describe(CudaDriver driver, int device, String compilerVersion) {
    int version = driver.version();
    return new DeviceInfo(
        "cuda",
        driver.name(device),
        "driver for CUDA "
            + version / 1000
            + "."
            + version % 1000 / 10
            + ", NVRTC "
            + compilerVersion,
        architecture(driver, device),
        driver.totalBytes(device),
        driver.attribute(CudaDriver.ATTRIBUTE_MULTIPROCESSORS, device));
  }

  private static String architecture(CudaDriver driver, int device) {
    return "sm_"
        + driver.attribute(CudaDriver.ATTRIBUTE_CAPABILITY_MAJOR, device)
        + driver.attribute(CudaDriver.ATTRIBUTE_CAPABILITY_MINOR, device);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public DeviceBuffer allocate(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, but was " + bytes);
    }
    long address = driver.allocate(bytes);
    buffers.add(address);
    return new DeviceBuffer(this, address, bytes, true);
  }

  @Override
  public DeviceBuffer slice(DeviceBuffer whole, long offset, long bytes) {
    whole.checkSlice(offset, bytes);
    return new DeviceBuffer(this, whole.address() + offset, bytes, false);
  }

  @Override
  public void free(long address) {
    if (buffers.remove(address)) {
      driver.synchronize(stream);
      driver.free(address);
    }
  }

  @Override
  public MemorySegment allocateHost(long bytes) {
    long address = driver.allocateHost(bytes);
    hosts.add(address);
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  @Override
  public void upload(MemorySegment from, DeviceBuffer to, long toOffset, long bytes) {
    to.checkRange(toOffset, bytes);
    if (bytes > 0) {
      driver.upload(to.address() + toOffset, from, bytes, stream);
    }
  }

  @Override
  public void download(DeviceBuffer from, long fromOffset, MemorySegment to, long bytes) {
    from.checkRange(fromOffset, bytes);
    if (bytes > 0) {
      driver.download(to, from.address() + fromOffset, bytes, stream);
    }
  }

  @Override
  public void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes) {
    from.checkRange(fromOffset, bytes);
    to.checkRange(toOffset, bytes);
    if (bytes > 0) {
      driver.copy(to.address() + toOffset, from.address() + fromOffset, bytes, stream);
    }
  }

  @Override
  public void fill(DeviceBuffer buffer, byte value) {
    driver.fill(buffer.address(), value, buffer.bytes(), stream);
  }

  @Override
  public Kernels build(KernelSettings settings) {
    List<String> options = new ArrayList<>(settings.options());
    options.add("-arch=" + architecture);
    options.add("-std=c++17");
    byte[] cubin;
    try {
      cubin = cache.get(Kernels.source(), options, info.driver(), compiler::compile);
    } catch (IOException e) {
      throw new DeviceException(
          "the kernel cache in " + cache.folder() + " cannot be used: " + e.getMessage(), e);
    }
    long module = driver.load(cubin);
    modules.add(module);
    Map<String, Kernel> built = new LinkedHashMap<>();
    for (String name : Kernels.NAMES) {
      built.put(name, new CudaKernel(driver.function(module, name)));
    }
    return new Kernels(settings, built);
  }

  @Override
  public boolean multiplies() {
    return true;
  }

  @Override
  public void multiply(
      DeviceBuffer out,
      long outOffset,
      boolean floatOut,
      DeviceBuffer left,
      long leftOffset,
      DeviceBuffer right,
      ElementType element,
      int m,
      int n,
      int k) {
    if (m == 0) {
      return;
    }
    out.checkRange(outOffset, (long) m * n * (floatOut ? Float.BYTES : element.bytes()));
    left.checkRange(leftOffset, (long) m * k * element.bytes());
    right.checkRange(0, (long) n * k * element.bytes());
    products.multiply(
        out.address() + outOffset,
        floatOut,
        left.address() + leftOffset,
        right.address(),
        element,
        m,
        n,
        k,
        workspace,
        WORKSPACE_BYTES,
        stream);
  }

  @Override
  public Mark mark() {
    long event = driver.event();
    events.add(event);
    driver.record(event, stream);
    return new CudaMark(event);
  }

  @Override
  public void flush() {
    // Launches reach the device as they are made.
  }

  @Override
  public void synchronize() {
    driver.synchronize(stream);
  }

  @Override
  public boolean records() {
    return true;
  }

  @Override
  public Recording record(Runnable action) {
    driver.beginCapture(stream);
    long graph;
    try {
      action.run();
    } finally {
      graph = driver.endCapture(stream);
    }
    return new CudaRecording(driver.instantiate(graph));
  }

  @Override
  public void close() {
    if (!open) {
      return;
    }
    open = false;
    driver.synchronize(stream);
    products.close();
    driver.free(workspace);
    buffers.forEach(driver::free);
    hosts.forEach(driver::freeHost);
    events.forEach(driver::destroyEvent);
    modules.forEach(driver::unload);
    driver.destroyStream(stream);
    driver.releaseContext(device);
    arena.close();
  }

  private final class CudaMark implements Mark {
    private final long event;

    CudaMark(long event) {
      this.event = event;
    }

    @Override
    public void await() {
      driver.synchronizeEvent(event);
    }

    @Override
    public void close() {
      if (events.remove(event)) {
        driver.destroyEvent(event);
      }
    }

    @Override
    public double millisSince(Mark earlier) {
      if (!(earlier instanceof CudaMark other)) {
        throw new IllegalArgumentException(
            "earlier must be a mark of this device, but was " + earlier);
      }
      return driver.elapsedMillis(other.event, event);
    }
  }

  private final class CudaRecording implements Recording {
    private final long executable;
    private boolean usable = true;

    CudaRecording(long executable) {
      this.executable = executable;
    }

    @Override
    public void replay() {
      driver.launchGraph(executable, stream);
    }

    @Override
    public void close() {
      if (usable && open) {
        driver.synchronize(stream);
        driver.destroyExecutable(executable);
      }
      usable = false;
    }
  }

  private final class CudaKernel implements Kernel {
    private final long function;
    private final MemorySegment values = arena.allocate(JAVA_LONG, MAX_ARGUMENTS);
    private final MemorySegment pointers = arena.allocate(ADDRESS, MAX_ARGUMENTS);
    private int arguments;

    CudaKernel(long function) {
      this.function = function;
      for (int i = 0; i < MAX_ARGUMENTS; i++) {
        pointers.setAtIndex(ADDRESS, i, values.asSlice((long) i * Long.BYTES, Long.BYTES));
      }
    }

    @Override
    public Kernel begin() {
      arguments = 0;
      return this;
    }

    @Override
    public Kernel buffer(DeviceBuffer buffer) {
      values.setAtIndex(JAVA_LONG, arguments++, buffer.address());
      return this;
    }

    @Override
    public Kernel integer(int value) {
      values.set(JAVA_INT, (long) arguments++ * Long.BYTES, value);
      return this;
    }

    @Override
    public Kernel real(float value) {
      values.set(JAVA_FLOAT, (long) arguments++ * Long.BYTES, value);
      return this;
    }

    @Override
    public void launch(int groupsX, int groupsY, int groupsZ, int threads) {
      if (groupsX == 0 || groupsY == 0 || groupsZ == 0) {
        return;
      }
      driver.launch(function, groupsX, groupsY, groupsZ, threads, stream, pointers);
    }
  }
}
