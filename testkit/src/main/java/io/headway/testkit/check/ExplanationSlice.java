package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceSink;
import io.headway.testkit.trace.TraceWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The few records that explain a violation: those that mention its requests or blocks, the last
 * before it, and the record itself. Made by reading the trace once more, up to the violation, so
 * that the check itself need not remember anything.
 */
public final class ExplanationSlice implements TraceSink {
  /** How many records a slice has by default, the configuration and the violation included. */
  public static final int DEFAULT_RECORDS = 12;

  /**
   * One record of a slice.
   *
   * @param number its line, from 1
   * @param record the record
   */
  public record Line(long number, TraceEvent record) {
    /**
     * Writes the record.
     *
     * @return {@code line 12: {...}}
     */
    @Override
    public String toString() {
      return "line " + number + ": " + TraceWriter.line(record);
    }
  }

  private final Violation violation;
  private final int records;
  private final Set<String> requests;
  private final Set<Long> blocks;
  private final ArrayDeque<Line> recent = new ArrayDeque<>();
  private @Nullable Line config;
  private @Nullable Line last;
  private long line;

  /**
   * Creates an empty slice.
   *
   * @param violation what to explain
   * @param records how many records at most, at least 3
   */
  public ExplanationSlice(Violation violation, int records) {
    if (records < 3) {
      throw new IllegalArgumentException("records must be at least 3, but was " + records);
    }
    this.violation = violation;
    this.records = records;
    requests = new HashSet<>(violation.requests());
    blocks = new HashSet<>(violation.blocks());
  }

  @Override
  public void accept(TraceEvent event) {
    accept(event, line + 1);
  }

  /**
   * Takes a record that stands on a given line.
   *
   * @param event the record
   * @param number its line
   */
  public void accept(TraceEvent event, long number) {
    line = number;
    if (number > violation.line()) {
      return;
    }
    if (event instanceof TraceEvent.Config) {
      config = new Line(number, event);
    } else if (number == violation.line()) {
      last = new Line(number, event);
    } else if (mentions(event)) {
      recent.addLast(new Line(number, event));
      if (recent.size() > records - 2) {
        recent.removeFirst();
      }
    }
  }

  private boolean mentions(TraceEvent event) {
    if (requests.isEmpty() && blocks.isEmpty()) {
      return true;
    }
    if (event.r() != null && requests.contains(event.r())) {
      return true;
    }
    if (event instanceof TraceEvent.Step step) {
      return step.batch().stream().anyMatch(row -> requests.contains(row.r()));
    }
    if (event instanceof TraceEvent.Preempt preempt) {
      return preempt.beneficiary() != null && requests.contains(preempt.beneficiary());
    }
    if (event instanceof TraceEvent.Keyed keyed) {
      return keyed.block() != null && blocks.contains(keyed.block());
    }
    List<Long> named =
        event instanceof TraceEvent.Blocks e
            ? e.blocks()
            : event instanceof TraceEvent.XferBegin e ? e.blocks() : null;
    return named != null && named.stream().anyMatch(blocks::contains);
  }

  /**
   * Returns the slice.
   *
   * @return records in order
   */
  public List<Line> lines() {
    List<Line> all = new ArrayList<>();
    if (config != null) {
      all.add(config);
    }
    all.addAll(recent);
    if (last != null) {
      all.add(last);
    }
    return all;
  }
}
