package io.headway.executor.gpu.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Matrix products of cuBLASLt: {@code out = left * transpose(right)} over row-major matrices,
 * accumulated in floats. One plan (descriptors and the heuristic's first algorithm) is kept per
 * shape.
 */
final class CublasLt implements AutoCloseable {
  private static final int COMPUTE_32F = 68;
  private static final int REAL_32F = 0;
  private static final int REAL_16BF = 14;
  private static final int DESC_TRANSPOSE_A = 3;
  private static final int TRANSPOSE = 1;
  private static final int PREFERENCE_MAX_WORKSPACE_BYTES = 1;
  private static final long HEURISTIC_BYTES = 96;
  private static final long HEURISTIC_WORKSPACE_OFFSET = 64;

  private final MethodHandle create;
  private final MethodHandle destroy;
  private final MethodHandle descCreate;
  private final MethodHandle descDestroy;
  private final MethodHandle descSet;
  private final MethodHandle layoutCreate;
  private final MethodHandle layoutDestroy;
  private final MethodHandle preferenceCreate;
  private final MethodHandle preferenceDestroy;
  private final MethodHandle preferenceSet;
  private final MethodHandle heuristic;
  private final MethodHandle matmul;
  private final MethodHandle statusName;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
  private final MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0f);
  private final Map<Shape, Plan> plans = new HashMap<>();
  private final long handle;

  private record Shape(ElementType element, boolean floatOut, int m, int n, int k) {}

  private record Plan(
      long operation,
      long left,
      long right,
      long out,
      MemorySegment algorithm,
      long workspaceBytes) {}

  CublasLt() throws DeviceUnavailableException {
    NativeLibrary library =
        NativeLibrary.open(
            "cuBLASLt",
            List.of(
                "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so", "libcublasLt.so.1*"),
            "it comes with the CUDA toolkit, or set "
                + NativeLibrary.PATH_VARIABLE
                + " to the folder it is in");
    create = library.function("cublasLtCreate", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    destroy = library.function("cublasLtDestroy", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    descCreate =
        library.function(
            "cublasLtMatmulDescCreate",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    descDestroy =
        library.function("cublasLtMatmulDescDestroy", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    descSet =
        library.function(
            "cublasLtMatmulDescSetAttribute",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    layoutCreate =
        library.function(
            "cublasLtMatrixLayoutCreate",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    layoutDestroy =
        library.function("cublasLtMatrixLayoutDestroy", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    preferenceCreate =
        library.function(
            "cublasLtMatmulPreferenceCreate", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    preferenceDestroy =
        library.function(
            "cublasLtMatmulPreferenceDestroy", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    preferenceSet =
        library.function(
            "cublasLtMatmulPreferenceSetAttribute",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    heuristic =
        library.function(
            "cublasLtMatmulAlgoGetHeuristic",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
    matmul =
        library.function(
            "cublasLtMatmul",
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG,
                JAVA_LONG));
    statusName =
        library.function("cublasLtGetStatusName", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    try {
      MemorySegment value = arena.allocate(JAVA_LONG);
      check("cublasLtCreate", (int) create.invokeExact(value));
      handle = value.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cublasLtCreate", t);
    }
  }

  /** Enqueues one product; addresses are device pointers. */
  void multiply(
      long out,
      boolean floatOut,
      long left,
      long right,
      ElementType element,
      int m,
      int n,
      int k,
      long workspace,
      long workspaceBytes,
      long stream) {
    Shape shape = new Shape(element, floatOut, m, n, k);
    Plan plan = plans.get(shape);
    if (plan == null) {
      plan = plan(shape, workspaceBytes);
      plans.put(shape, plan);
    }
    try {
      // Row-major matrices are column-major transposes: out' (n x m) = right (n x k) * left' (k x
      // m).
      check(
          "cublasLtMatmul",
          (int)
              matmul.invokeExact(
                  handle,
                  plan.operation(),
                  one,
                  right,
                  plan.right(),
                  left,
                  plan.left(),
                  zero,
                  out,
                  plan.out(),
                  out,
                  plan.out(),
                  plan.algorithm(),
                  workspace,
                  plan.workspaceBytes(),
                  stream));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cublasLtMatmul", t);
    }
  }

  private Plan plan(Shape shape, long workspaceBytes) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment value = scratch.allocate(JAVA_LONG);
      int stored = shape.element() == ElementType.BF16 ? REAL_16BF : REAL_32F;
      check("cublasLtMatmulDescCreate", (int) descCreate.invokeExact(value, COMPUTE_32F, REAL_32F));
      long operation = value.get(JAVA_LONG, 0);
      check(
          "cublasLtMatmulDescSetAttribute",
          (int)
              descSet.invokeExact(
                  operation,
                  DESC_TRANSPOSE_A,
                  scratch.allocateFrom(JAVA_INT, TRANSPOSE),
                  (long) Integer.BYTES));
      long right = layout(value, stored, shape.k(), shape.n(), shape.k());
      long left = layout(value, stored, shape.k(), shape.m(), shape.k());
      long out =
          layout(value, shape.floatOut() ? REAL_32F : stored, shape.n(), shape.m(), shape.n());
      check("cublasLtMatmulPreferenceCreate", (int) preferenceCreate.invokeExact(value));
      long preference = value.get(JAVA_LONG, 0);
      check(
          "cublasLtMatmulPreferenceSetAttribute",
          (int)
              preferenceSet.invokeExact(
                  preference,
                  PREFERENCE_MAX_WORKSPACE_BYTES,
                  scratch.allocateFrom(JAVA_LONG, workspaceBytes),
                  (long) Long.BYTES));
      MemorySegment result = arena.allocate(HEURISTIC_BYTES, 8);
      MemorySegment found = scratch.allocate(JAVA_INT);
      check(
          "cublasLtMatmulAlgoGetHeuristic for " + shape,
          (int)
              heuristic.invokeExact(
                  handle, operation, right, left, out, out, preference, 1, result, found));
      check("cublasLtMatmulPreferenceDestroy", (int) preferenceDestroy.invokeExact(preference));
      if (found.get(JAVA_INT, 0) == 0) {
        throw new DeviceException("cublasLtMatmulAlgoGetHeuristic found no algorithm for " + shape);
      }
      return new Plan(
          operation, left, right, out, result, result.get(JAVA_LONG, HEURISTIC_WORKSPACE_OFFSET));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cublasLtMatmulAlgoGetHeuristic", t);
    }
  }

  private long layout(MemorySegment value, int type, long rows, long columns, long leading)
      throws Throwable {
    check(
        "cublasLtMatrixLayoutCreate",
        (int) layoutCreate.invokeExact(value, type, rows, columns, leading));
    return value.get(JAVA_LONG, 0);
  }

  private void check(String call, int code) {
    if (code != 0) {
      throw new DeviceException(call + " failed with code " + code + " (" + word(code) + ")");
    }
  }

  private String word(int code) {
    try {
      MemorySegment text = (MemorySegment) statusName.invokeExact(code);
      return text.address() == 0 ? "unknown" : text.reinterpret(256).getString(0);
    } catch (Throwable t) {
      throw OpenCl.rethrow("cublasLtGetStatusName", t);
    }
  }

  @Override
  public void close() {
    try {
      for (Plan plan : plans.values()) {
        check("cublasLtMatrixLayoutDestroy", (int) layoutDestroy.invokeExact(plan.left()));
        check("cublasLtMatrixLayoutDestroy", (int) layoutDestroy.invokeExact(plan.right()));
        check("cublasLtMatrixLayoutDestroy", (int) layoutDestroy.invokeExact(plan.out()));
        check("cublasLtMatmulDescDestroy", (int) descDestroy.invokeExact(plan.operation()));
      }
      plans.clear();
      check("cublasLtDestroy", (int) destroy.invokeExact(handle));
    } catch (Throwable t) {
      throw OpenCl.rethrow("cublasLtDestroy", t);
    } finally {
      arena.close();
    }
  }
}
