package io.headway.executor.weights;

import java.io.Serial;
import java.nio.file.Path;

/**
 * A weight file that cannot be used: the message names the file, the tensor or field, what is wrong
 * and what is supported.
 */
public final class WeightFormatException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param file the file
   * @param problem what is wrong and what would be right
   */
  public WeightFormatException(Path file, String problem) {
    super(file + ": " + problem);
  }

  /**
   * Makes an exception.
   *
   * @param file the file
   * @param problem what is wrong and what would be right
   * @param cause what was thrown
   */
  public WeightFormatException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }
}
