package io.headway.executor.gpu.device;

/** A piece of device memory; freed by {@link #close} or with its device. */
public final class DeviceBuffer implements AutoCloseable {
  private final Device device;
  private final long address;
  private final long bytes;
  private final boolean owned;
  private boolean open = true;

  DeviceBuffer(Device device, long address, long bytes, boolean owned) {
    this.owned = owned;
    this.device = device;
    this.address = address;
    this.bytes = bytes;
  }

  /**
   * Returns the size.
   *
   * @return bytes
   */
  public long bytes() {
    return bytes;
  }

  /** Checks that a slice may begin and end where it is asked to. */
  void checkSlice(long offset, long length) {
    checkRange(offset, length);
    if (offset % Device.SLICE_ALIGNMENT != 0 || length < 1) {
      throw new IllegalArgumentException(
          "a slice must begin at a multiple of "
              + Device.SLICE_ALIGNMENT
              + " bytes and have at least 1, but was "
              + length
              + " bytes at "
              + offset);
    }
  }

  /** Returns the device's name for the memory: a pointer in CUDA, a {@code cl_mem} in OpenCL. */
  long address() {
    if (!open) {
      throw new IllegalStateException("the buffer of " + bytes + " bytes is closed");
    }
    return address;
  }

  /** Checks that a range lies inside. */
  void checkRange(long offset, long length) {
    if (offset < 0 || length < 0 || offset > bytes - length) {
      throw new IllegalArgumentException(
          "offset and length must lie inside the buffer of "
              + bytes
              + " bytes, but were "
              + offset
              + " and "
              + length);
    }
  }

  @Override
  public void close() {
    if (open && owned) {
      device.free(address());
      open = false;
    }
  }
}
