package io.headway.testkit.trace;

import java.io.Serial;

/** Says which line of a trace cannot be read and why, as {@code file:line: message}. */
public final class TraceFormatException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /** Line at fault, from 1. */
  private final long line;

  /**
   * Creates an exception.
   *
   * @param origin name of the file
   * @param line line at fault, from 1
   * @param message what is wrong and what would be right
   */
  public TraceFormatException(String origin, long line, String message) {
    super(origin + ":" + line + ": " + message);
    this.line = line;
  }

  /**
   * Returns the line at fault.
   *
   * @return from 1
   */
  public long line() {
    return line;
  }
}
