package io.headway.testkit.subject;

import java.util.List;

/**
 * What the executor reports about a decision.
 *
 * @param step the decision
 * @param rows one report per row, in the decision's order
 */
public record StepReport(long step, List<RowReport> rows) {
  /** Copies the list. */
  public StepReport {
    rows = List.copyOf(rows);
  }
}
