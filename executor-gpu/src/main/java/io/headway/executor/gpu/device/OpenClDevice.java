package io.headway.executor.gpu.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A device of an OpenCL 1.2 platform, with one in-order queue. */
final class OpenClDevice implements Device {
  private static final int SIZES = 3;

  private final OpenCl cl;
  private final long device;
  private final long context;
  private final long queue;
  private final long maxAllocationBytes;
  private final DeviceInfo info;
  private final Arena arena = Arena.ofConfined();
  private final Set<Long> buffers = new LinkedHashSet<>();
  private final List<Long> programs = new ArrayList<>();
  private final List<Long> kernels = new ArrayList<>();
  private final Set<Long> events = new LinkedHashSet<>();
  private final List<Long> slices = new ArrayList<>();
  private final MemorySegment pattern;
  private boolean open = true;

  OpenClDevice(OpenCl cl, long device) {
    this.cl = cl;
    this.device = device;
    info = describe(cl, device);
    maxAllocationBytes = cl.deviceNumber(device, OpenCl.DEVICE_MAX_MEM_ALLOC_SIZE);
    context = cl.context(device);
    queue = cl.queue(context, device);
    pattern = arena.allocate(JAVA_BYTE);
  }

  static DeviceInfo describe(OpenCl cl, long device) {
    return new DeviceInfo(
        "opencl",
        cl.deviceText(device, OpenCl.DEVICE_NAME),
        "driver " + cl.deviceText(device, OpenCl.DRIVER_VERSION),
        cl.deviceText(device, OpenCl.DEVICE_VERSION),
        cl.deviceNumber(device, OpenCl.DEVICE_GLOBAL_MEM_SIZE),
        (int) cl.deviceNumber(device, OpenCl.DEVICE_MAX_COMPUTE_UNITS));
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
    if (bytes > maxAllocationBytes) {
      throw new DeviceException(
          info.name()
              + " allocates at most "
              + maxAllocationBytes
              + " bytes at once (CL_DEVICE_MAX_MEM_ALLOC_SIZE), but "
              + bytes
              + " were asked for; use fewer KV blocks or a smaller model");
    }
    long buffer = cl.buffer(context, bytes);
    buffers.add(buffer);
    return new DeviceBuffer(this, buffer, bytes, true);
  }

  @Override
  public DeviceBuffer slice(DeviceBuffer whole, long offset, long bytes) {
    whole.checkSlice(offset, bytes);
    long part = cl.subBuffer(whole.address(), offset, bytes);
    slices.add(part);
    return new DeviceBuffer(this, part, bytes, false);
  }

  @Override
  public void free(long address) {
    if (buffers.remove(address)) {
      cl.releaseBuffer(address);
    }
  }

  @Override
  public MemorySegment allocateHost(long bytes) {
    return arena.allocate(bytes, 64);
  }

  @Override
  public void upload(MemorySegment from, DeviceBuffer to, long toOffset, long bytes) {
    to.checkRange(toOffset, bytes);
    if (bytes > 0) {
      cl.write(queue, to.address(), toOffset, bytes, from);
    }
  }

  @Override
  public void download(DeviceBuffer from, long fromOffset, MemorySegment to, long bytes) {
    from.checkRange(fromOffset, bytes);
    if (bytes > 0) {
      cl.read(queue, from.address(), fromOffset, bytes, to);
    }
  }

  @Override
  public void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes) {
    from.checkRange(fromOffset, bytes);
    to.checkRange(toOffset, bytes);
    if (bytes > 0) {
      cl.copy(queue, from.address(), to.address(), fromOffset, toOffset, bytes);
    }
  }

  @Override
  public void fill(DeviceBuffer buffer, byte value) {
    pattern.set(JAVA_BYTE, 0, value);
    cl.fill(queue, buffer.address(), pattern, buffer.bytes());
  }

  @Override
  public Kernels build(KernelSettings settings) {
    long program =
        cl.program(
            context,
            device,
            Kernels.source(),
            String.join(" ", settings.options()) + " -cl-std=CL1.2");
    programs.add(program);
    Map<String, Kernel> built = new LinkedHashMap<>();
    for (String name : Kernels.NAMES) {
      long kernel = cl.kernel(program, name);
      kernels.add(kernel);
      built.put(name, new OpenClKernel(kernel));
    }
    return new Kernels(settings, built);
  }

  @Override
  public boolean multiplies() {
    return false;
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
    throw new UnsupportedOperationException(
        "OpenCL has no matrix product of its own; use the kernel hw_gemm");
  }

  @Override
  public Mark mark() {
    long event = cl.marker(queue);
    events.add(event);
    return new OpenClMark(event);
  }

  @Override
  public void flush() {
    cl.flush(queue);
  }

  @Override
  public void synchronize() {
    cl.finish(queue);
  }

  @Override
  public boolean records() {
    return false;
  }

  @Override
  public Recording record(Runnable action) {
    throw new UnsupportedOperationException("OpenCL 1.2 records no launches");
  }

  @Override
  public void close() {
    if (!open) {
      return;
    }
    open = false;
    cl.finish(queue);
    events.forEach(cl::releaseEvent);
    slices.forEach(cl::releaseBuffer);
    kernels.forEach(cl::releaseKernel);
    programs.forEach(cl::releaseProgram);
    buffers.forEach(cl::releaseBuffer);
    cl.releaseQueue(queue);
    cl.releaseContext(context);
    arena.close();
  }

  /** A marker whose end is read from its event. */
  private final class OpenClMark implements Mark {
    private final long event;

    OpenClMark(long event) {
      this.event = event;
    }

    @Override
    public void await() {
      cl.flush(queue);
      cl.await(event);
    }

    @Override
    public void close() {
      if (events.remove(event)) {
        cl.releaseEvent(event);
      }
    }

    @Override
    public double millisSince(Mark earlier) {
      if (!(earlier instanceof OpenClMark other)) {
        throw new IllegalArgumentException(
            "earlier must be a mark of this device, but was " + earlier);
      }
      return (cl.endNanos(event) - cl.endNanos(other.event)) / 1e6;
    }
  }

  private final class OpenClKernel implements Kernel {
    private final long kernel;
    private final MemorySegment value = arena.allocate(JAVA_LONG);
    private final MemorySegment global = arena.allocate(JAVA_LONG, SIZES);
    private final MemorySegment local = arena.allocate(JAVA_LONG, SIZES);
    private int arguments;

    OpenClKernel(long kernel) {
      this.kernel = kernel;
      local.setAtIndex(JAVA_LONG, 1, 1);
      local.setAtIndex(JAVA_LONG, 2, 1);
    }

    @Override
    public Kernel begin() {
      arguments = 0;
      return this;
    }

    @Override
    public Kernel buffer(DeviceBuffer buffer) {
      value.set(JAVA_LONG, 0, buffer.address());
      cl.argument(kernel, arguments++, Long.BYTES, value);
      return this;
    }

    @Override
    public Kernel integer(int number) {
      value.set(JAVA_INT, 0, number);
      cl.argument(kernel, arguments++, Integer.BYTES, value);
      return this;
    }

    @Override
    public Kernel real(float number) {
      value.set(JAVA_FLOAT, 0, number);
      cl.argument(kernel, arguments++, Float.BYTES, value);
      return this;
    }

    @Override
    public void launch(int groupsX, int groupsY, int groupsZ, int threads) {
      if (groupsX == 0 || groupsY == 0 || groupsZ == 0) {
        return;
      }
      global.setAtIndex(JAVA_LONG, 0, (long) groupsX * threads);
      global.setAtIndex(JAVA_LONG, 1, groupsY);
      global.setAtIndex(JAVA_LONG, 2, groupsZ);
      local.setAtIndex(JAVA_LONG, 0, threads);
      cl.launch(queue, kernel, global, local);
    }
  }
}
