package io.headway.testkit.vectors;

/**
 * Says in one line why a vector file, or one vector in it, cannot be read: it names the file, the
 * vector if known, the field and what would be right.
 */
public final class VectorFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message one line
   */
  public VectorFormatException(String message) {
    super(message);
  }

  /**
   * Makes the exception with what led to it.
   *
   * @param message one line
   * @param cause the parser's or file system's own complaint
   */
  public VectorFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
