package io.headway.executor.gpu.device;

/**
 * There is no such device here: a library is missing or too old, or no accelerator is visible. The
 * message is one line that says what was looked for, where, and what would help.
 */
public final class DeviceUnavailableException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message one line for the user
   */
  public DeviceUnavailableException(String message) {
    super(message);
  }
}
