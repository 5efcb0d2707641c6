package io.headway.testkit.trace;

import java.util.List;
import java.util.Optional;

/**
 * The first record in which two traces differ. The same configuration, seed and events must give
 * the same trace, so a difference is either a change of behaviour or nondeterminism.
 *
 * @param line number of the record, from 1
 * @param left the record of the first trace, or empty if it is shorter
 * @param right the record of the second trace, or empty if it is shorter
 */
public record TraceDiff(long line, Optional<TraceEvent> left, Optional<TraceEvent> right) {

  /**
   * Compares two traces.
   *
   * @param left a trace
   * @param right another
   * @return the first difference, or empty if they are equal
   */
  public static Optional<TraceDiff> between(List<TraceEvent> left, List<TraceEvent> right) {
    for (int i = 0; i < Math.max(left.size(), right.size()); i++) {
      Optional<TraceEvent> a = i < left.size() ? Optional.of(left.get(i)) : Optional.empty();
      Optional<TraceEvent> b = i < right.size() ? Optional.of(right.get(i)) : Optional.empty();
      if (!a.equals(b)) {
        return Optional.of(new TraceDiff(i + 1L, a, b));
      }
    }
    return Optional.empty();
  }

  /**
   * Says where the traces part.
   *
   * @return three lines: the number of the record, then both records
   */
  @Override
  public String toString() {
    return "first difference at record "
        + line
        + "\n  left:  "
        + left.map(TraceWriter::line).orElse("(end)")
        + "\n  right: "
        + right.map(TraceWriter::line).orElse("(end)");
  }
}
