package io.headway.simulator.workload;

import java.io.IOException;
import java.io.InputStream;

/**
 * Turns a recorded trace into a {@link Workload}. One class per format; {@link TraceFormat} lists
 * them.
 *
 * <p>Arrivals are counted from the first row of the trace. The text may have CR LF line ends, a
 * byte order mark and no end after the last line.
 */
public interface TraceReader {
  /**
   * Reads a trace to its end, or to the row limit of the options.
   *
   * @param source what messages call the trace, such as its file name
   * @param in the text, UTF-8; not closed here
   * @param options treatment of irregular rows, and limits
   * @return the workload
   * @throws IOException if the stream fails
   * @throws TraceFormatException if the text is no trace of this format or passes a limit
   */
  Workload read(String source, InputStream in, TraceOptions options) throws IOException;
}
