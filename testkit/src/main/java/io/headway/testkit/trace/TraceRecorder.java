package io.headway.testkit.trace;

import io.headway.runtime.DecisionLog;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps a trace in memory, and passes it on to a further sink as it grows. Give it to a scheduler
 * as its decision log, or add records by hand. Not thread-safe.
 */
public final class TraceRecorder implements DecisionLog, TraceSink {
  private final List<TraceEvent> events = new ArrayList<>();
  private final TraceSink further;

  /** Creates a recorder without records. */
  public TraceRecorder() {
    this(event -> {});
  }

  /**
   * Creates a recorder that passes every record on.
   *
   * @param further told of each record after it was kept, for instance a check that runs along
   */
  public TraceRecorder(TraceSink further) {
    this.further = further;
  }

  @Override
  public void line(CharSequence json) {
    TraceEvent event = TraceReader.parseLine(json);
    if (event != null) {
      accept(event);
    }
  }

  @Override
  public void accept(TraceEvent event) {
    events.add(event);
    further.accept(event);
  }

  /**
   * Returns what was recorded.
   *
   * @return a copy, in order
   */
  public List<TraceEvent> events() {
    return List.copyOf(events);
  }

  /**
   * Returns the trace as it is written to a file.
   *
   * @return JSON Lines
   */
  public String text() {
    StringBuilder out = new StringBuilder();
    TraceWriter writer = new TraceWriter(out);
    events.forEach(writer::accept);
    return out.toString();
  }
}
