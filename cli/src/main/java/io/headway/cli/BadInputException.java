package io.headway.cli;

import java.io.Serial;

/**
 * Says in one line what is wrong with an input: the file and line or the option, the value received
 * and what would be right. The command prints the line and ends with exit code {@value
 * Main#BAD_INPUT}.
 */
public final class BadInputException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Creates an exception whose message is shown to the user as it is.
   *
   * @param message what is wrong and what would be right
   */
  public BadInputException(String message) {
    super(message);
  }

  /**
   * Creates an exception whose message is shown to the user as it is.
   *
   * @param message what is wrong and what would be right
   * @param cause the exception that found it, shown with {@code --debug} only
   */
  public BadInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
