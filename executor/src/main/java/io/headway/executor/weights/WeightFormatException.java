package io.headway.executor.weights;

import java.io.Serial;
import java.nio.file.Path;

/**
 * A weight file that cannot be used: the message names the file, the tensor or field, what is wrong
 * and what is supported.
 */
public final class WeightFormatException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private static final int MAX_CHARACTERS = 500;

  /**
   * Makes an exception.
   *
   * @param file the file
   * @param problem what is wrong and what would be right
   */
  public WeightFormatException(Path file, String problem) {
    super(file + ": " + oneLine(problem));
  }

  /**
   * Makes an exception.
   *
   * @param file the file
   * @param problem what is wrong and what would be right
   * @param cause what was thrown
   */
  public WeightFormatException(Path file, String problem, Throwable cause) {
    super(file + ": " + oneLine(problem), cause);
  }

  /** Names in a damaged file may be anything: what cannot be printed is replaced, and cut short. */
  private static String oneLine(String problem) {
    StringBuilder line = new StringBuilder();
    int end = Math.min(problem.length(), MAX_CHARACTERS);
    for (int i = 0; i < end; i++) {
      char c = problem.charAt(i);
      line.append(Character.isISOControl(c) || !Character.isDefined(c) ? '?' : c);
    }
    return problem.length() > end ? line.append("...").toString() : line.toString();
  }
}
