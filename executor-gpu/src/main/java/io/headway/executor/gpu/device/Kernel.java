package io.headway.executor.gpu.device;

/**
 * One function on a device. Arguments are given in order and kept until the launch; {@code
 * kernel.begin().buffer(a) .integer(n).launch(...)} allocates nothing. Not thread-safe.
 */
public interface Kernel {
  /**
   * Starts a list of arguments.
   *
   * @return this
   */
  Kernel begin();

  /**
   * Adds a buffer.
   *
   * @param buffer device memory
   * @return this
   */
  Kernel buffer(DeviceBuffer buffer);

  /**
   * Adds an {@code int}.
   *
   * @param value the value
   * @return this
   */
  Kernel integer(int value);

  /**
   * Adds a {@code float}.
   *
   * @param value the value
   * @return this
   */
  Kernel real(float value);

  /**
   * Enqueues the function over a grid of work-groups.
   *
   * @param groupsX groups along x; 0 launches nothing
   * @param groupsY groups along y
   * @param groupsZ groups along z
   * @param threads threads of a group
   * @throws DeviceException if the driver refuses
   */
  void launch(int groupsX, int groupsY, int groupsZ, int threads);
}
