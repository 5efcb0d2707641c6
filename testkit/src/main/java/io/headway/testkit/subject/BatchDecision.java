package io.headway.testkit.subject;

import java.util.List;

/**
 * One scheduling decision.
 *
 * @param step its number, ascending from 0 among those with rows
 * @param rows what runs; empty if nothing does
 * @param moves blocks to be copied first, in order
 * @param preempted requests that gave their place and computed tokens up, in this decision
 * @param totalTokens declared sum of the rows' tokens, padding excluded
 * @param wakeAtNanos with no rows: when time alone may change that; {@link Long#MAX_VALUE} if never
 */
public record BatchDecision(
    long step,
    List<Row> rows,
    List<Move> moves,
    List<String> preempted,
    int totalTokens,
    long wakeAtNanos) {
  /** Copies the lists. */
  public BatchDecision {
    rows = List.copyOf(rows);
    moves = List.copyOf(moves);
    preempted = List.copyOf(preempted);
  }

  /**
   * Makes a decision without moves and preemptions.
   *
   * @param step its number
   * @param rows what runs
   * @return the decision
   */
  public static BatchDecision of(long step, List<Row> rows) {
    return of(step, rows, List.of());
  }

  /**
   * Makes a decision without moves.
   *
   * @param step its number
   * @param rows what runs
   * @param preempted requests that were preempted
   * @return the decision
   */
  public static BatchDecision of(long step, List<Row> rows, List<String> preempted) {
    int total = 0;
    for (Row row : rows) {
      total += row.count();
    }
    return new BatchDecision(step, rows, List.of(), preempted, total, Long.MAX_VALUE);
  }

  /**
   * Makes a decision in which nothing runs.
   *
   * @param wakeAtNanos when time alone may change that; {@link Long#MAX_VALUE} if never
   * @return the decision
   */
  public static BatchDecision nothing(long wakeAtNanos) {
    return new BatchDecision(-1, List.of(), List.of(), List.of(), 0, wakeAtNanos);
  }

  /**
   * Returns whether nothing runs.
   *
   * @return true without rows
   */
  public boolean isEmpty() {
    return rows.isEmpty();
  }
}
