/** Accelerators for batch plans: CUDA and OpenCL through {@code java.lang.foreign}. */
module io.headway.executor.gpu {
  requires transitive io.headway.executor;
  requires io.headway.batching;
  requires io.headway.memory;
  requires static org.jspecify;

  exports io.headway.executor.gpu;
  exports io.headway.executor.gpu.check;
  exports io.headway.executor.gpu.device;

  provides io.headway.executor.ExecutorProvider with
      io.headway.executor.gpu.GpuExecutorProvider.Cuda,
      io.headway.executor.gpu.GpuExecutorProvider.OpenCl;
}
