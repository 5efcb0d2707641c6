package io.headway.executor.gpu.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * The functions of the CUDA driver that are used here; each call is checked, and errors name call,
 * code and word.
 */
final class CudaDriver {
  static final int ATTRIBUTE_MULTIPROCESSORS = 16;
  static final int ATTRIBUTE_CAPABILITY_MAJOR = 75;
  static final int ATTRIBUTE_CAPABILITY_MINOR = 76;

  private static final int STREAM_NON_BLOCKING = 1;
  private static final int CAPTURE_THREAD_LOCAL = 1;
  private static final int OUT_OF_MEMORY = 2;

  private final NativeLibrary library;
  private final MethodHandle init;
  private final MethodHandle driverGetVersion;
  private final MethodHandle deviceGetCount;
  private final MethodHandle deviceGet;
  private final MethodHandle deviceGetName;
  private final MethodHandle deviceGetAttribute;
  private final MethodHandle deviceTotalMem;
  private final MethodHandle primaryCtxRetain;
  private final MethodHandle primaryCtxRelease;
  private final MethodHandle ctxSetCurrent;
  private final MethodHandle memGetInfo;
  private final MethodHandle memAlloc;
  private final MethodHandle memFree;
  private final MethodHandle memAllocHost;
  private final MethodHandle memFreeHost;
  private final MethodHandle memcpyHtoDAsync;
  private final MethodHandle memcpyDtoHAsync;
  private final MethodHandle memcpyDtoDAsync;
  private final MethodHandle memsetD8Async;
  private final MethodHandle streamCreate;
  private final MethodHandle streamDestroy;
  private final MethodHandle streamSynchronize;
  private final MethodHandle eventCreate;
  private final MethodHandle eventRecord;
  private final MethodHandle eventSynchronize;
  private final MethodHandle eventElapsedTime;
  private final MethodHandle eventDestroy;
  private final MethodHandle moduleLoadData;
  private final MethodHandle moduleUnload;
  private final MethodHandle moduleGetFunction;
  private final MethodHandle launchKernel;
  private final MethodHandle streamBeginCapture;
  private final MethodHandle streamEndCapture;
  private final MethodHandle graphInstantiate;
  private final MethodHandle graphLaunch;
  private final MethodHandle graphExecDestroy;
  private final MethodHandle graphDestroy;
  private final MethodHandle getErrorName;
  private final MethodHandle getErrorString;

  CudaDriver() throws DeviceUnavailableException {
    library =
        NativeLibrary.open(
            "the CUDA driver",
            List.of("libcuda.so.1", "libcuda.so", "nvcuda.dll"),
            "it comes with the NVIDIA driver, not with the CUDA toolkit");
    init = bind("cuInit", JAVA_INT);
    driverGetVersion = bind("cuDriverGetVersion", ADDRESS);
    deviceGetCount = bind("cuDeviceGetCount", ADDRESS);
    deviceGet = bind("cuDeviceGet", ADDRESS, JAVA_INT);
    deviceGetName = bind("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT);
    deviceGetAttribute = bind("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    deviceTotalMem = bind("cuDeviceTotalMem_v2", ADDRESS, JAVA_INT);
    primaryCtxRetain = bind("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT);
    primaryCtxRelease = bind("cuDevicePrimaryCtxRelease_v2", JAVA_INT);
    ctxSetCurrent = bind("cuCtxSetCurrent", JAVA_LONG);
    memGetInfo = bind("cuMemGetInfo_v2", ADDRESS, ADDRESS);
    memAlloc = bind("cuMemAlloc_v2", ADDRESS, JAVA_LONG);
    memFree = bind("cuMemFree_v2", JAVA_LONG);
    memAllocHost = bind("cuMemAllocHost_v2", ADDRESS, JAVA_LONG);
    memFreeHost = bind("cuMemFreeHost", JAVA_LONG);
    memcpyHtoDAsync = bind("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);
    memcpyDtoHAsync = bind("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    memcpyDtoDAsync = bind("cuMemcpyDtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    memsetD8Async = bind("cuMemsetD8Async", JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG);
    streamCreate = bind("cuStreamCreate", ADDRESS, JAVA_INT);
    streamDestroy = bind("cuStreamDestroy_v2", JAVA_LONG);
    streamSynchronize = bind("cuStreamSynchronize", JAVA_LONG);
    eventCreate = bind("cuEventCreate", ADDRESS, JAVA_INT);
    eventRecord = bind("cuEventRecord", JAVA_LONG, JAVA_LONG);
    eventSynchronize = bind("cuEventSynchronize", JAVA_LONG);
    eventElapsedTime = bind("cuEventElapsedTime", ADDRESS, JAVA_LONG, JAVA_LONG);
    eventDestroy = bind("cuEventDestroy_v2", JAVA_LONG);
    moduleLoadData = bind("cuModuleLoadData", ADDRESS, ADDRESS);
    moduleUnload = bind("cuModuleUnload", JAVA_LONG);
    moduleGetFunction = bind("cuModuleGetFunction", ADDRESS, JAVA_LONG, ADDRESS);
    launchKernel =
        bind(
            "cuLaunchKernel",
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            ADDRESS,
            ADDRESS);
    streamBeginCapture = bind("cuStreamBeginCapture_v2", JAVA_LONG, JAVA_INT);
    streamEndCapture = bind("cuStreamEndCapture", JAVA_LONG, ADDRESS);
    graphInstantiate = bind("cuGraphInstantiateWithFlags", ADDRESS, JAVA_LONG, JAVA_LONG);
    graphLaunch = bind("cuGraphLaunch", JAVA_LONG, JAVA_LONG);
    graphExecDestroy = bind("cuGraphExecDestroy", JAVA_LONG);
    graphDestroy = bind("cuGraphDestroy", JAVA_LONG);
    getErrorName = bind("cuGetErrorName", JAVA_INT, ADDRESS);
    getErrorString = bind("cuGetErrorString", JAVA_INT, ADDRESS);
  }

  private MethodHandle bind(String name, java.lang.foreign.MemoryLayout... arguments)
      throws DeviceUnavailableException {
    return library.function(name, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  /**
   * Starts the driver.
   *
   * @throws DeviceUnavailableException if it has no device or cannot start
   */
  void init() throws DeviceUnavailableException {
    int code;
    try {
      code = (int) init.invokeExact(0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuInit", t);
    }
    if (code != 0) {
      throw new DeviceUnavailableException(
          "the CUDA driver "
              + library
              + " does not start: cuInit failed with code "
              + code
              + words(code));
    }
  }

  /** Returns the newest CUDA version the driver knows, as 1000 x major + 10 x minor. */
  int version() {
    return number("cuDriverGetVersion", driverGetVersion);
  }

  int deviceCount() {
    return number("cuDeviceGetCount", deviceGetCount);
  }

  private int number(String call, MethodHandle function) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      check(call, (int) function.invokeExact(value));
      return value.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow(call, t);
    }
  }

  int device(int ordinal) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      check("cuDeviceGet", (int) deviceGet.invokeExact(value, ordinal));
      return value.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuDeviceGet", t);
    }
  }

  String name(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(256);
      check("cuDeviceGetName", (int) deviceGetName.invokeExact(text, 255, device));
      return text.getString(0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuDeviceGetName", t);
    }
  }

  int attribute(int attribute, int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      check("cuDeviceGetAttribute", (int) deviceGetAttribute.invokeExact(value, attribute, device));
      return value.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuDeviceGetAttribute", t);
    }
  }

  long totalBytes(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cuDeviceTotalMem", (int) deviceTotalMem.invokeExact(value, device));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuDeviceTotalMem", t);
    }
  }

  long retainContext(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cuDevicePrimaryCtxRetain", (int) primaryCtxRetain.invokeExact(value, device));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuDevicePrimaryCtxRetain", t);
    }
  }

  void releaseContext(int device) {
    try {
      check("cuDevicePrimaryCtxRelease", (int) primaryCtxRelease.invokeExact(device));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuDevicePrimaryCtxRelease", t);
    }
  }

  void setCurrent(long context) {
    call("cuCtxSetCurrent", ctxSetCurrent, context);
  }

  long freeBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(JAVA_LONG);
      MemorySegment total = arena.allocate(JAVA_LONG);
      check("cuMemGetInfo", (int) memGetInfo.invokeExact(free, total));
      return free.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemGetInfo", t);
    }
  }

  long allocate(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      int code = (int) memAlloc.invokeExact(value, bytes);
      if (code == OUT_OF_MEMORY) {
        throw new DeviceException(
            "cuMemAlloc of "
                + bytes
                + " bytes failed with code 2 (out of memory): "
                + freeBytes()
                + " bytes are free");
      }
      check("cuMemAlloc of " + bytes + " bytes", code);
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemAlloc", t);
    }
  }

  void free(long address) {
    call("cuMemFree", memFree, address);
  }

  long allocateHost(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cuMemAllocHost of " + bytes + " bytes", (int) memAllocHost.invokeExact(value, bytes));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemAllocHost", t);
    }
  }

  void freeHost(long address) {
    call("cuMemFreeHost", memFreeHost, address);
  }

  void upload(long to, MemorySegment from, long bytes, long stream) {
    try {
      check("cuMemcpyHtoDAsync", (int) memcpyHtoDAsync.invokeExact(to, from, bytes, stream));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemcpyHtoDAsync", t);
    }
  }

  void download(MemorySegment to, long from, long bytes, long stream) {
    try {
      check("cuMemcpyDtoHAsync", (int) memcpyDtoHAsync.invokeExact(to, from, bytes, stream));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemcpyDtoHAsync", t);
    }
  }

  void copy(long to, long from, long bytes, long stream) {
    try {
      check("cuMemcpyDtoDAsync", (int) memcpyDtoDAsync.invokeExact(to, from, bytes, stream));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemcpyDtoDAsync", t);
    }
  }

  void fill(long to, byte value, long bytes, long stream) {
    try {
      check("cuMemsetD8Async", (int) memsetD8Async.invokeExact(to, value, bytes, stream));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuMemsetD8Async", t);
    }
  }

  long stream() {
    return created("cuStreamCreate", streamCreate, STREAM_NON_BLOCKING);
  }

  void destroyStream(long stream) {
    call("cuStreamDestroy", streamDestroy, stream);
  }

  void synchronize(long stream) {
    call("cuStreamSynchronize", streamSynchronize, stream);
  }

  long event() {
    return created("cuEventCreate", eventCreate, 0);
  }

  private static long created(String call, MethodHandle function, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      int code = (int) function.invokeExact(value, flags);
      if (code != 0) {
        throw new DeviceException(call + " failed with code " + code);
      }
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow(call, t);
    }
  }

  void record(long event, long stream) {
    call("cuEventRecord", eventRecord, event, stream);
  }

  void synchronizeEvent(long event) {
    call("cuEventSynchronize", eventSynchronize, event);
  }

  double elapsedMillis(long from, long to) {
    call("cuEventSynchronize", eventSynchronize, from);
    call("cuEventSynchronize", eventSynchronize, to);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_FLOAT);
      check("cuEventElapsedTime", (int) eventElapsedTime.invokeExact(value, from, to));
      return value.get(JAVA_FLOAT, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuEventElapsedTime", t);
    }
  }

  void destroyEvent(long event) {
    call("cuEventDestroy", eventDestroy, event);
  }

  long load(byte[] cubin) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(cubin.length, 16);
      MemorySegment.copy(cubin, 0, image, JAVA_BYTE, 0, cubin.length);
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cuModuleLoadData", (int) moduleLoadData.invokeExact(value, image));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuModuleLoadData", t);
    }
  }

  void unload(long module) {
    call("cuModuleUnload", moduleUnload, module);
  }

  long function(long module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check(
          "cuModuleGetFunction " + name,
          (int) moduleGetFunction.invokeExact(value, module, arena.allocateFrom(name)));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuModuleGetFunction", t);
    }
  }

  void launch(
      long function, int x, int y, int z, int threads, long stream, MemorySegment arguments) {
    try {
      check(
          "cuLaunchKernel",
          (int)
              launchKernel.invokeExact(
                  function, x, y, z, threads, 1, 1, 0, stream, arguments, MemorySegment.NULL));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuLaunchKernel", t);
    }
  }

  void beginCapture(long stream) {
    try {
      check(
          "cuStreamBeginCapture",
          (int) streamBeginCapture.invokeExact(stream, CAPTURE_THREAD_LOCAL));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuStreamBeginCapture", t);
    }
  }

  /** Ends the capture and returns its graph. */
  long endCapture(long stream) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cuStreamEndCapture", (int) streamEndCapture.invokeExact(stream, value));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuStreamEndCapture", t);
    }
  }

  /** Makes a graph executable and destroys the graph itself. */
  long instantiate(long graph) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cuGraphInstantiateWithFlags", (int) graphInstantiate.invokeExact(value, graph, 0L));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuGraphInstantiateWithFlags", t);
    } finally {
      call("cuGraphDestroy", graphDestroy, graph);
    }
  }

  void launchGraph(long executable, long stream) {
    call("cuGraphLaunch", graphLaunch, executable, stream);
  }

  void destroyExecutable(long executable) {
    call("cuGraphExecDestroy", graphExecDestroy, executable);
  }

  private void call(String call, MethodHandle function, long object) {
    try {
      check(call, (int) function.invokeExact(object));
    } catch (Throwable t) {
      throw OpenCl.rethrow(call, t);
    }
  }

  private void call(String call, MethodHandle function, long first, long second) {
    try {
      check(call, (int) function.invokeExact(first, second));
    } catch (Throwable t) {
      throw OpenCl.rethrow(call, t);
    }
  }

  private void check(String call, int code) {
    if (code != 0) {
      throw new DeviceException(call + " failed with code " + code + words(code));
    }
  }

  private String words(int code) {
    String name = word(getErrorName, code);
    return name.isEmpty() ? "" : " (" + name + ": " + word(getErrorString, code) + ")";
  }

  private static String word(MethodHandle function, int code) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ADDRESS);
      int answer = (int) function.invokeExact(code, value);
      MemorySegment text = value.get(ADDRESS, 0);
      return answer != 0 || text.address() == 0 ? "" : text.reinterpret(256).getString(0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cuGetErrorName", t);
    }
  }
}
