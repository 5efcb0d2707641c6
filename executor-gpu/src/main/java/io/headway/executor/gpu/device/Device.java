package io.headway.executor.gpu.device;

import java.lang.foreign.MemorySegment;

/**
 * One accelerator with one in-order queue. Every call but {@link #synchronize}, {@link
 * Mark#millisSince} and the compilers only enqueues; a buffer or host segment given to it must stay
 * untouched until the queue has passed it. Opened by {@link Devices}. Not thread-safe: one thread
 * drives a device.
 */
public interface Device extends AutoCloseable {
  /** What the first byte of a slice must be a multiple of. */
  long SLICE_ALIGNMENT = 4096;

  /** A point in the queue that can be waited for, and whose time can be read once it has passed. */
  interface Mark extends AutoCloseable {
    /** Waits until the queue has passed the mark. */
    void await();

    @Override
    void close();

    /**
     * Returns the device's time between two marks; waits until both have passed.
     *
     * @param earlier a mark set before
     * @return milliseconds
     */
    double millisSince(Mark earlier);
  }

  /** A recorded sequence of launches that can be enqueued as one. */
  interface Recording extends AutoCloseable {
    /** Enqueues it. */
    void replay();

    @Override
    void close();
  }

  /**
   * Returns what the device is.
   *
   * @return name, driver, memory
   */
  DeviceInfo info();

  /**
   * Takes device memory; its content is undefined.
   *
   * @param bytes size, at least 1
   * @return the buffer
   * @throws DeviceException if there is not enough; the message says how much was asked for and is
   *     free
   */
  DeviceBuffer allocate(long bytes);

  /**
   * Returns a part of a buffer as a buffer of its own; closing it does nothing, and it must not
   * outlive the whole.
   *
   * @param whole the buffer
   * @param offset first byte, a multiple of {@link #SLICE_ALIGNMENT}
   * @param bytes size, at least 1
   * @return the part
   */
  DeviceBuffer slice(DeviceBuffer whole, long offset, long bytes);

  /** Gives memory back; {@link DeviceBuffer#close} calls this. */
  void free(long address);

  /**
   * Takes host memory that the device copies from and to at full speed, freed with the device.
   *
   * @param bytes size, at least 1
   * @return the segment
   */
  MemorySegment allocateHost(long bytes);

  /**
   * Enqueues a copy to the device.
   *
   * @param from host memory, from its start
   * @param to buffer
   * @param toOffset byte in the buffer
   * @param bytes how many
   */
  void upload(MemorySegment from, DeviceBuffer to, long toOffset, long bytes);

  /**
   * Enqueues a copy to the host.
   *
   * @param from buffer
   * @param fromOffset byte in the buffer
   * @param to host memory, from its start
   * @param bytes how many
   */
  void download(DeviceBuffer from, long fromOffset, MemorySegment to, long bytes);

  /**
   * Enqueues a copy on the device.
   *
   * @param from source
   * @param fromOffset byte in the source
   * @param to target; another buffer, or a range that does not overlap
   * @param toOffset byte in the target
   * @param bytes how many
   */
  void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes);

  /**
   * Enqueues setting every byte of a buffer.
   *
   * @param buffer the buffer
   * @param value the byte
   */
  void fill(DeviceBuffer buffer, byte value);

  /**
   * Builds all kernels for a set of constants.
   *
   * @param settings the constants
   * @return the kernels
   * @throws DeviceException if the source does not compile; the message carries the compiler's log
   */
  Kernels build(KernelSettings settings);

  /**
   * Returns whether the device has a matrix product of its own, so that {@link #multiply} may be
   * called.
   *
   * @return false if the kernels' product is to be used
   */
  boolean multiplies();

  /**
   * Enqueues {@code out[m][n] = sum over k of left[m][k] * right[n][k]} by the vendor's library,
   * accumulated in floats.
   *
   * @param out product, elements or floats
   * @param outOffset its first byte
   * @param floatOut whether the product is stored as floats
   * @param left row-major {@code m x k} elements
   * @param leftOffset its first byte
   * @param right row-major {@code n x k} elements
   * @param element how left, right and an element product are stored
   * @param m rows of left
   * @param n rows of right
   * @param k columns of both
   * @throws UnsupportedOperationException if {@link #multiplies} is false
   */
  void multiply(
      DeviceBuffer out,
      long outOffset,
      boolean floatOut,
      DeviceBuffer left,
      long leftOffset,
      DeviceBuffer right,
      ElementType element,
      int m,
      int n,
      int k);

  /**
   * Sets a mark in the queue.
   *
   * @return the mark
   */
  Mark mark();

  /** Hands everything enqueued to the device without waiting for it. */
  void flush();

  /** Waits until everything enqueued is done. */
  void synchronize();

  /**
   * Returns whether launches can be recorded.
   *
   * @return true if {@link #record} may be called
   */
  boolean records();

  /**
   * Records what an action enqueues instead of executing it.
   *
   * @param action kernels and products over buffers that stay where they are
   * @return the recording
   * @throws UnsupportedOperationException if {@link #records} is false
   */
  Recording record(Runnable action);

  /** Frees everything that was allocated and leaves the device. */
  @Override
  void close();
}
