package io.headway.executor.gpu.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** NVRTC, the compiler of CUDA C++ at run time; each call is checked. */
final class Nvrtc {
  private static final String ADVICE =
      "it comes with the CUDA toolkit, or set "
          + NativeLibrary.PATH_VARIABLE
          + " to the folder it is in";

  private final MethodHandle version;
  private final MethodHandle createProgram;
  private final MethodHandle compileProgram;
  private final MethodHandle getCubinSize;
  private final MethodHandle getCubin;
  private final MethodHandle getProgramLogSize;
  private final MethodHandle getProgramLog;
  private final MethodHandle destroyProgram;
  private final MethodHandle getErrorString;

  Nvrtc() throws DeviceUnavailableException {
    // NVRTC opens its builtins by name alone. Where they lie beside it, outside the loader's path,
    // it finds them only
    // if they are loaded already; where the loader knows them, not finding them here does no harm.
    try {
      NativeLibrary.open("NVRTC's builtins", builtins(), ADVICE);
    } catch (DeviceUnavailableException e) {
      System.getLogger(Nvrtc.class.getName()).log(System.Logger.Level.DEBUG, e.getMessage());
    }
    NativeLibrary library =
        NativeLibrary.open(
            "NVRTC",
            List.of("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", "libnvrtc.so.1*"),
            ADVICE);
    version = library.function("nvrtcVersion", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    createProgram =
        library.function(
            "nvrtcCreateProgram",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS));
    compileProgram =
        library.function(
            "nvrtcCompileProgram", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
    getCubinSize =
        library.function("nvrtcGetCUBINSize", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    getCubin =
        library.function("nvrtcGetCUBIN", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    getProgramLogSize =
        library.function(
            "nvrtcGetProgramLogSize", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    getProgramLog =
        library.function("nvrtcGetProgramLog", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    destroyProgram =
        library.function("nvrtcDestroyProgram", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    getErrorString =
        library.function("nvrtcGetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT));
  }

  private static List<String> builtins() {
    List<String> names = new ArrayList<>();
    names.add("libnvrtc-builtins.so*");
    for (int major = 13; major >= 12; major--) {
      for (int minor = 9; minor >= 0; minor--) {
        names.add("libnvrtc-builtins.so." + major + "." + minor);
      }
    }
    return names;
  }

  /** Returns the version as {@code major.minor}. */
  String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      check("nvrtcVersion", (int) version.invokeExact(major, minor));
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("nvrtcVersion", t);
    }
  }

  /**
   * Compiles a source to machine code.
   *
   * @param source CUDA C++
   * @param options compiler options, the architecture ({@code -arch=sm_90}) among them
   * @return the cubin
   * @throws DeviceException if it does not compile; the message carries the log
   */
  byte[] compile(String source, List<String> options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(JAVA_LONG);
      check(
          "nvrtcCreateProgram",
          (int)
              createProgram.invokeExact(
                  handle,
                  arena.allocateFrom(source),
                  arena.allocateFrom("headway.cu"),
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL));
      long program = handle.get(JAVA_LONG, 0);
      try {
        MemorySegment texts = arena.allocate(ADDRESS, options.size());
        for (int i = 0; i < options.size(); i++) {
          texts.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int code = (int) compileProgram.invokeExact(program, options.size(), texts);
        if (code != 0) {
          throw new DeviceException(
              "nvrtcCompileProgram failed with code "
                  + code
                  + " ("
                  + word(code)
                  + "):\n"
                  + log(program, arena));
        }
        MemorySegment size = arena.allocate(JAVA_LONG);
        check("nvrtcGetCUBINSize", (int) getCubinSize.invokeExact(program, size));
        MemorySegment cubin = arena.allocate(size.get(JAVA_LONG, 0));
        check("nvrtcGetCUBIN", (int) getCubin.invokeExact(program, cubin));
        return cubin.toArray(JAVA_BYTE);
      } finally {
        check("nvrtcDestroyProgram", (int) destroyProgram.invokeExact(handle));
      }
    } catch (Throwable t) {
      throw OpenCl.rethrow("nvrtcCompileProgram", t);
    }
  }

  private String log(long program, Arena arena) throws Throwable {
    MemorySegment size = arena.allocate(JAVA_LONG);
    check("nvrtcGetProgramLogSize", (int) getProgramLogSize.invokeExact(program, size));
    MemorySegment text = arena.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    check("nvrtcGetProgramLog", (int) getProgramLog.invokeExact(program, text));
    return text.getString(0);
  }

  private void check(String call, int code) throws Throwable {
    if (code != 0) {
      throw new DeviceException(call + " failed with code " + code + " (" + word(code) + ")");
    }
  }

  private String word(int code) throws Throwable {
    MemorySegment text = (MemorySegment) getErrorString.invokeExact(code);
    return text.address() == 0 ? "unknown" : text.reinterpret(256).getString(0);
  }
}
