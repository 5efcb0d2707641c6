package io.headway.executor;

import io.headway.api.ImplementedByUsers;
import io.headway.executor.weights.Weights;

/**
 * Opens executors on one kind of device. Found by {@link java.util.ServiceLoader}; stateless, and
 * cheap to make: looking for a device is left to {@link #availability}.
 */
@ImplementedByUsers
public interface ExecutorProvider {
  /**
   * Whether a device is there, and what was tried.
   *
   * @param available whether {@link ExecutorProvider#open} can succeed
   * @param description the device if available, otherwise what was tried and what was missing
   */
  record Availability(boolean available, String description) {}

  /**
   * Returns the name of the kind of device.
   *
   * @return lower case, such as {@code cpu}, {@code cuda} or {@code opencl}
   */
  String id();

  /**
   * Looks for a device. Never throws for a missing device or driver.
   *
   * @return whether it is there, in words
   */
  Availability availability();

  /**
   * Loads a model onto the device.
   *
   * @param weights the model; read during this call only, and not closed
   * @param options sizes and precision
   * @return an executor with an empty KV pool
   * @throws IllegalArgumentException if the device cannot run this model or these options, naming
   *     which
   * @throws IllegalStateException if there is no device
   */
  Executor open(Weights weights, ExecutorOptions options);
}
