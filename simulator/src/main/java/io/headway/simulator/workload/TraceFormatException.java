package io.headway.simulator.workload;

/**
 * A trace cannot be read: its message is one line that names the file, the line, the rule that was
 * broken, what was found and what would be right.
 */
public final class TraceFormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String source;
  private final long line;

  /**
   * Creates an exception for a place in a trace.
   *
   * @param source name of the file
   * @param line number of the line, from 1
   * @param problem what is wrong and what would be right
   */
  public TraceFormatException(String source, long line, String problem) {
    super(source + ":" + line + ": " + problem);
    this.source = source;
    this.line = line;
  }

  /**
   * Returns the file that cannot be read.
   *
   * @return its name as given to the reader
   */
  public String source() {
    return source;
  }

  /**
   * Returns where the problem is.
   *
   * @return number of the line, from 1
   */
  public long line() {
    return line;
  }
}
