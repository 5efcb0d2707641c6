package io.headway.testkit.trace;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Gives the records of a trace in order. */
public interface TraceSource extends Closeable {
  /**
   * Reads on to the next record of a known type.
   *
   * @return the record, or null at the end
   * @throws IOException if the stream fails
   * @throws TraceFormatException if a line cannot be read
   */
  @Nullable TraceEvent next() throws IOException;

  /**
   * Returns the line of the record that {@link #next} returned last. Several records may stand for
   * one line of a foreign log.
   *
   * @return from 1
   */
  long line();

  /**
   * Returns the line that was read last.
   *
   * @return its text, without the line's end
   */
  String text();
}
