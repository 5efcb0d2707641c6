package io.headway.testkit.trace;

/** Takes the records of a trace in order. */
@FunctionalInterface
public interface TraceSink {
  /**
   * Takes one record.
   *
   * @param event the record
   */
  void accept(TraceEvent event);
}
