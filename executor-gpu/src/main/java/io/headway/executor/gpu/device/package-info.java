/**
 * Accelerators behind one small surface: memory, kernels, matrix products, timing. CUDA (driver,
 * NVRTC, cuBLASLt) and OpenCL are bound through {@code java.lang.foreign}; libraries are found at
 * run time and need no installation of ours.
 */
@NullMarked
package io.headway.executor.gpu.device;

import org.jspecify.annotations.NullMarked;
