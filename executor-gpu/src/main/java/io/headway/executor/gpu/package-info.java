/**
 * Runs batch plans on NVIDIA GPUs and on any OpenCL device: the providers {@code cuda} and {@code
 * opencl} of {@link io.headway.executor.ExecutorProvider}.
 */
@NullMarked
package io.headway.executor.gpu;

import org.jspecify.annotations.NullMarked;
