package io.headway.executor.gpu.device;

/**
 * A call into a driver or library failed. The message names the call, the code as number and, where
 * the library knows it, as word.
 */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message the call, its code and what it means
   */
  public DeviceException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a cause.
   *
   * @param message the call and what went wrong
   * @param cause why
   */
  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
