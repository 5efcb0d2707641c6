package io.headway.executor.gpu.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The functions of OpenCL 1.2 that are used here; each call is checked, and errors name call and
 * code.
 */
final class OpenCl {
  static final long DEVICE_TYPE_ALL = 0xFFFFFFFFL;
  static final int DEVICE_NAME = 0x102B;
  static final int DEVICE_VERSION = 0x102F;
  static final int DRIVER_VERSION = 0x102D;
  static final int DEVICE_GLOBAL_MEM_SIZE = 0x101F;
  static final int DEVICE_MAX_MEM_ALLOC_SIZE = 0x1010;
  static final int DEVICE_MAX_COMPUTE_UNITS = 0x1002;
  static final int DEVICE_TYPE = 0x1000;
  static final int PLATFORM_NAME = 0x0902;
  static final int PROGRAM_BUILD_LOG = 0x1183;
  static final long QUEUE_PROFILING_ENABLE = 2;
  static final long MEM_READ_WRITE = 1;
  static final int BUFFER_CREATE_TYPE_REGION = 0x1220;
  static final int PROFILING_COMMAND_END = 0x1283;

  private static final int DEVICE_NOT_FOUND = -1;
  private static final int PLATFORM_NOT_FOUND_KHR = -1001;

  private final MethodHandle getPlatformIds;
  private final MethodHandle getPlatformInfo;
  private final MethodHandle getDeviceIds;
  private final MethodHandle getDeviceInfo;
  private final MethodHandle createContext;
  private final MethodHandle releaseContext;
  private final MethodHandle createCommandQueue;
  private final MethodHandle releaseCommandQueue;
  private final MethodHandle createBuffer;
  private final MethodHandle createSubBuffer;
  private final MethodHandle releaseMemObject;
  private final MethodHandle createProgramWithSource;
  private final MethodHandle buildProgram;
  private final MethodHandle getProgramBuildInfo;
  private final MethodHandle releaseProgram;
  private final MethodHandle createKernel;
  private final MethodHandle releaseKernel;
  private final MethodHandle setKernelArg;
  private final MethodHandle enqueueNdRangeKernel;
  private final MethodHandle enqueueReadBuffer;
  private final MethodHandle enqueueWriteBuffer;
  private final MethodHandle enqueueCopyBuffer;
  private final MethodHandle enqueueFillBuffer;
  private final MethodHandle enqueueMarker;
  private final MethodHandle waitForEvents;
  private final MethodHandle getEventProfilingInfo;
  private final MethodHandle releaseEvent;
  private final MethodHandle flush;
  private final MethodHandle finish;

  OpenCl() throws DeviceUnavailableException {
    NativeLibrary library =
        NativeLibrary.open(
            "the OpenCL loader",
            List.of("libOpenCL.so.1", "libOpenCL.so", "OpenCL.dll"),
            "install an OpenCL loader and a platform (for the CPU: ocl-icd-libopencl1 and pocl-opencl-icd)");
    getPlatformIds =
        library.function(
            "clGetPlatformIDs", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    getPlatformInfo =
        library.function(
            "clGetPlatformInfo",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    getDeviceIds =
        library.function(
            "clGetDeviceIDs",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
    getDeviceInfo =
        library.function(
            "clGetDeviceInfo",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    createContext =
        library.function(
            "clCreateContext",
            FunctionDescriptor.of(
                JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    releaseContext =
        library.function("clReleaseContext", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    createCommandQueue =
        library.function(
            "clCreateCommandQueue",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));
    releaseCommandQueue =
        library.function("clReleaseCommandQueue", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    createBuffer =
        library.function(
            "clCreateBuffer",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS));
    createSubBuffer =
        library.function(
            "clCreateSubBuffer",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
    releaseMemObject =
        library.function("clReleaseMemObject", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    createProgramWithSource =
        library.function(
            "clCreateProgramWithSource",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
    buildProgram =
        library.function(
            "clBuildProgram",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    getProgramBuildInfo =
        library.function(
            "clGetProgramBuildInfo",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    releaseProgram =
        library.function("clReleaseProgram", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    createKernel =
        library.function(
            "clCreateKernel", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS));
    releaseKernel = library.function("clReleaseKernel", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    setKernelArg =
        library.function(
            "clSetKernelArg",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS));
    enqueueNdRangeKernel =
        library.function(
            "clEnqueueNDRangeKernel",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT,
                ADDRESS, ADDRESS));
    enqueueReadBuffer =
        library.function(
            "clEnqueueReadBuffer",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT,
                ADDRESS, ADDRESS));
    enqueueWriteBuffer =
        library.function(
            "clEnqueueWriteBuffer",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT,
                ADDRESS, ADDRESS));
    enqueueCopyBuffer =
        library.function(
            "clEnqueueCopyBuffer",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                JAVA_INT, ADDRESS, ADDRESS));
    enqueueFillBuffer =
        library.function(
            "clEnqueueFillBuffer",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT,
                ADDRESS, ADDRESS));
    enqueueMarker =
        library.function(
            "clEnqueueMarkerWithWaitList",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
    waitForEvents =
        library.function("clWaitForEvents", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    getEventProfilingInfo =
        library.function(
            "clGetEventProfilingInfo",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    releaseEvent = library.function("clReleaseEvent", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    flush = library.function("clFlush", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    finish = library.function("clFinish", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
  }

  /** Returns the platforms, none if the loader knows none. */
  long[] platforms() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      int code = (int) getPlatformIds.invokeExact(0, MemorySegment.NULL, count);
      if (code == PLATFORM_NOT_FOUND_KHR || (code == 0 && count.get(JAVA_INT, 0) == 0)) {
        return new long[0];
      }
      check("clGetPlatformIDs", code);
      int n = count.get(JAVA_INT, 0);
      MemorySegment ids = arena.allocate(JAVA_LONG, n);
      check("clGetPlatformIDs", (int) getPlatformIds.invokeExact(n, ids, MemorySegment.NULL));
      return ids.toArray(JAVA_LONG);
    } catch (Throwable t) {
      throw rethrow("clGetPlatformIDs", t);
    }
  }

  String platformName(long platform) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(1024);
      check(
          "clGetPlatformInfo",
          (int)
              getPlatformInfo.invokeExact(
                  platform, PLATFORM_NAME, text.byteSize() - 1, text, MemorySegment.NULL));
      return text.getString(0);
    } catch (Throwable t) {
      throw rethrow("clGetPlatformInfo", t);
    }
  }

  long[] devices(long platform) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      int code =
          (int) getDeviceIds.invokeExact(platform, DEVICE_TYPE_ALL, 0, MemorySegment.NULL, count);
      if (code == DEVICE_NOT_FOUND) {
        return new long[0];
      }
      check("clGetDeviceIDs", code);
      int n = count.get(JAVA_INT, 0);
      MemorySegment ids = arena.allocate(JAVA_LONG, n);
      check(
          "clGetDeviceIDs",
          (int) getDeviceIds.invokeExact(platform, DEVICE_TYPE_ALL, n, ids, MemorySegment.NULL));
      return ids.toArray(JAVA_LONG);
    } catch (Throwable t) {
      throw rethrow("clGetDeviceIDs", t);
    }
  }

  String deviceText(long device, int parameter) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(1024);
      check(
          "clGetDeviceInfo",
          (int)
              getDeviceInfo.invokeExact(
                  device, parameter, text.byteSize() - 1, text, MemorySegment.NULL));
      return text.getString(0);
    } catch (Throwable t) {
      throw rethrow("clGetDeviceInfo", t);
    }
  }

  long deviceNumber(long device, int parameter) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check(
          "clGetDeviceInfo",
          (int)
              getDeviceInfo.invokeExact(
                  device, parameter, value.byteSize(), value, MemorySegment.NULL));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw rethrow("clGetDeviceInfo", t);
    }
  }

  long context(long device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      MemorySegment devices = arena.allocateFrom(JAVA_LONG, device);
      long context =
          (long)
              createContext.invokeExact(
                  MemorySegment.NULL, 1, devices, MemorySegment.NULL, MemorySegment.NULL, code);
      check("clCreateContext", code.get(JAVA_INT, 0));
      return context;
    } catch (Throwable t) {
      throw rethrow("clCreateContext", t);
    }
  }

  void releaseContext(long context) {
    release("clReleaseContext", releaseContext, context);
  }

  long queue(long context, long device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      long queue =
          (long) createCommandQueue.invokeExact(context, device, QUEUE_PROFILING_ENABLE, code);
      check("clCreateCommandQueue", code.get(JAVA_INT, 0));
      return queue;
    } catch (Throwable t) {
      throw rethrow("clCreateCommandQueue", t);
    }
  }

  void releaseQueue(long queue) {
    release("clReleaseCommandQueue", releaseCommandQueue, queue);
  }

  long buffer(long context, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      long buffer =
          (long) createBuffer.invokeExact(context, MEM_READ_WRITE, bytes, MemorySegment.NULL, code);
      check("clCreateBuffer of " + bytes + " bytes", code.get(JAVA_INT, 0));
      return buffer;
    } catch (Throwable t) {
      throw rethrow("clCreateBuffer", t);
    }
  }

  long subBuffer(long buffer, long offset, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      MemorySegment region = arena.allocateFrom(JAVA_LONG, offset, bytes);
      long part =
          (long)
              createSubBuffer.invokeExact(
                  buffer, MEM_READ_WRITE, BUFFER_CREATE_TYPE_REGION, region, code);
      check("clCreateSubBuffer at " + offset, code.get(JAVA_INT, 0));
      return part;
    } catch (Throwable t) {
      throw rethrow("clCreateSubBuffer", t);
    }
  }

  void releaseBuffer(long buffer) {
    release("clReleaseMemObject", releaseMemObject, buffer);
  }

  /** Compiles a program; the exception carries the compiler's log. */
  long program(long context, long device, String source, String options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      MemorySegment text = arena.allocateFrom(source, StandardCharsets.UTF_8);
      MemorySegment texts = arena.allocateFrom(ADDRESS, text);
      long program =
          (long) createProgramWithSource.invokeExact(context, 1, texts, MemorySegment.NULL, code);
      check("clCreateProgramWithSource", code.get(JAVA_INT, 0));
      int built =
          (int)
              buildProgram.invokeExact(
                  program,
                  1,
                  arena.allocateFrom(JAVA_LONG, device),
                  arena.allocateFrom(options),
                  MemorySegment.NULL,
                  MemorySegment.NULL);
      if (built != 0) {
        MemorySegment log = arena.allocate(1 << 16);
        int read =
            (int)
                getProgramBuildInfo.invokeExact(
                    program,
                    device,
                    PROGRAM_BUILD_LOG,
                    log.byteSize() - 1,
                    log,
                    MemorySegment.NULL);
        releaseProgram(program);
        throw new DeviceException(
            "clBuildProgram failed with code "
                + built
                + " for options "
                + options
                + (read == 0
                    ? ":\n" + log.getString(0)
                    : "; its log could not be read (code " + read + ")"));
      }
      return program;
    } catch (Throwable t) {
      throw rethrow("clBuildProgram", t);
    }
  }

  void releaseProgram(long program) {
    release("clReleaseProgram", releaseProgram, program);
  }

  long kernel(long program, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(JAVA_INT);
      long kernel = (long) createKernel.invokeExact(program, arena.allocateFrom(name), code);
      check("clCreateKernel " + name, code.get(JAVA_INT, 0));
      return kernel;
    } catch (Throwable t) {
      throw rethrow("clCreateKernel", t);
    }
  }

  void releaseKernel(long kernel) {
    release("clReleaseKernel", releaseKernel, kernel);
  }

  void argument(long kernel, int index, long bytes, MemorySegment value) {
    try {
      check("clSetKernelArg " + index, (int) setKernelArg.invokeExact(kernel, index, bytes, value));
    } catch (Throwable t) {
      throw rethrow("clSetKernelArg", t);
    }
  }

  /** Enqueues a kernel; global and local sizes are three {@code size_t} each. */
  void launch(long queue, long kernel, MemorySegment global, MemorySegment local) {
    try {
      check(
          "clEnqueueNDRangeKernel",
          (int)
              enqueueNdRangeKernel.invokeExact(
                  queue,
                  kernel,
                  3,
                  MemorySegment.NULL,
                  global,
                  local,
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL));
    } catch (Throwable t) {
      throw rethrow("clEnqueueNDRangeKernel", t);
    }
  }

  void read(long queue, long buffer, long offset, long bytes, MemorySegment to) {
    try {
      check(
          "clEnqueueReadBuffer",
          (int)
              enqueueReadBuffer.invokeExact(
                  queue, buffer, 0, offset, bytes, to, 0, MemorySegment.NULL, MemorySegment.NULL));
    } catch (Throwable t) {
      throw rethrow("clEnqueueReadBuffer", t);
    }
  }

  void write(long queue, long buffer, long offset, long bytes, MemorySegment from) {
    try {
      check(
          "clEnqueueWriteBuffer",
          (int)
              enqueueWriteBuffer.invokeExact(
                  queue,
                  buffer,
                  0,
                  offset,
                  bytes,
                  from,
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL));
    } catch (Throwable t) {
      throw rethrow("clEnqueueWriteBuffer", t);
    }
  }

  void copy(long queue, long from, long to, long fromOffset, long toOffset, long bytes) {
    try {
      check(
          "clEnqueueCopyBuffer",
          (int)
              enqueueCopyBuffer.invokeExact(
                  queue,
                  from,
                  to,
                  fromOffset,
                  toOffset,
                  bytes,
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL));
    } catch (Throwable t) {
      throw rethrow("clEnqueueCopyBuffer", t);
    }
  }

  void fill(long queue, long buffer, MemorySegment pattern, long bytes) {
    try {
      check(
          "clEnqueueFillBuffer",
          (int)
              enqueueFillBuffer.invokeExact(
                  queue,
                  buffer,
                  pattern,
                  pattern.byteSize(),
                  0L,
                  bytes,
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL));
    } catch (Throwable t) {
      throw rethrow("clEnqueueFillBuffer", t);
    }
  }

  /** Enqueues a marker and returns its event. */
  long marker(long queue) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment event = arena.allocate(JAVA_LONG);
      check(
          "clEnqueueMarkerWithWaitList",
          (int) enqueueMarker.invokeExact(queue, 0, MemorySegment.NULL, event));
      return event.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw rethrow("clEnqueueMarkerWithWaitList", t);
    }
  }

  void await(long event) {
    try (Arena arena = Arena.ofConfined()) {
      check(
          "clWaitForEvents",
          (int) waitForEvents.invokeExact(1, arena.allocateFrom(JAVA_LONG, event)));
    } catch (Throwable t) {
      throw rethrow("clWaitForEvents", t);
    }
  }

  /** Waits for an event and returns when its command ended. */
  long endNanos(long event) {
    try (Arena arena = Arena.ofConfined()) {
      check(
          "clWaitForEvents",
          (int) waitForEvents.invokeExact(1, arena.allocateFrom(JAVA_LONG, event)));
      MemorySegment value = arena.allocate(JAVA_LONG);
      check(
          "clGetEventProfilingInfo",
          (int)
              getEventProfilingInfo.invokeExact(
                  event, PROFILING_COMMAND_END, value.byteSize(), value, MemorySegment.NULL));
      return value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw rethrow("clGetEventProfilingInfo", t);
    }
  }

  void releaseEvent(long event) {
    release("clReleaseEvent", releaseEvent, event);
  }

  void flush(long queue) {
    release("clFlush", flush, queue);
  }

  void finish(long queue) {
    release("clFinish", finish, queue);
  }

  private static void release(String call, MethodHandle function, long object) {
    try {
      check(call, (int) function.invokeExact(object));
    } catch (Throwable t) {
      throw rethrow(call, t);
    }
  }

  private static void check(String call, int code) {
    if (code != 0) {
      String word = word(code);
      throw new DeviceException(
          call + " failed with code " + code + (word == null ? "" : " (" + word + ")"));
    }
  }

  private static @Nullable String word(int code) {
    return switch (code) {
      case -3 -> "the compiler is not available";
      case -4 -> "not enough device memory for this object";
      case -5 -> "out of resources";
      case -6 -> "out of host memory";
      case -11 -> "the program does not build";
      case -30 -> "invalid value";
      case -38 -> "invalid buffer";
      case -45 -> "invalid program executable";
      case -46 -> "no kernel of this name";
      case -49, -50, -51, -52 -> "arguments do not fit the kernel";
      case -53, -54, -55 -> "invalid work dimensions or group size";
      case -61 -> "the buffer is larger than the device allows";
      default -> null;
    };
  }

  /**
   * Passes on what an exact invocation may throw: our own exceptions as they are, linkage trouble
   * wrapped.
   */
  static RuntimeException rethrow(String call, Throwable thrown) {
    if (thrown instanceof RuntimeException e) {
      return e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
    return new DeviceException(call + " could not be called", thrown);
  }
}
