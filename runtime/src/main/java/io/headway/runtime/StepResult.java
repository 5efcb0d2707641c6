package io.headway.runtime;

import io.headway.api.batching.WorkKind;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What an engine reports about one executed plan, and, after {@link EngineScheduler#complete},
 * which of its tokens may be shown. Reusable: keep one per plan in flight and call {@link #begin}
 * for each plan. Not thread-safe.
 */
public final class StepResult {
  private @Nullable BatchPlan plan;
  private long stepId = -1;
  private int rows;

  /** Where the tokens of each row begin, and behind the last row where they end. */
  private int[] firstToken = new int[17];

  private int[] tokenCount = new int[16];
  private int[] tokens = new int[16];
  private boolean[] stopped = new boolean[16];
  private boolean[] deliver = new boolean[16];
  private @Nullable Throwable[] failures = new Throwable[16];
  private boolean anyFailure;
  private long elapsedNanos;

  /** Makes an empty result. */
  public StepResult() {}

  /**
   * Starts a report for one plan: no tokens, no stops, no failures.
   *
   * @param executed the plan that was executed
   * @return this
   */
  public StepResult begin(BatchPlan executed) {
    plan = executed;
    stepId = executed.stepId();
    rows = executed.rows();
    elapsedNanos = 0;
    if (rows > tokenCount.length) {
      int length = Math.max(rows, tokenCount.length * 2);
      firstToken = new int[length + 1];
      tokenCount = new int[length];
      stopped = new boolean[length];
      deliver = new boolean[length];
      failures = new Throwable[length];
    }
    int room = 0;
    for (int i = 0; i < rows; i++) {
      firstToken[i] = room;
      room += executed.kind(i) == WorkKind.VERIFY ? executed.count(i) : 1;
    }
    firstToken[rows] = room;
    if (room > tokens.length) {
      tokens = new int[Math.max(room, tokens.length * 2)];
    }
    Arrays.fill(tokenCount, 0, rows, 0);
    Arrays.fill(stopped, 0, rows, false);
    Arrays.fill(deliver, 0, rows, false);
    if (anyFailure) {
      Arrays.fill(failures, null);
      anyFailure = false;
    }
    return this;
  }

  /**
   * Reports the one token that a decode or the last chunk of a prefill yielded, or that a verify
   * yielded when no draft was accepted.
   *
   * @param row an emitting row
   * @param token its id; any value if the engine does not tell and the requests carry no token ids
   *     (otherwise generated blocks are found by it)
   * @throws IllegalArgumentException if there is no such row, or it emits nothing
   */
  public void token(int row, int token) {
    tokens[firstToken[emitting(row)]] = token;
    tokenCount[row] = 1;
  }

  /**
   * Reports the tokens of a verify: the accepted drafts and the one sampled behind them.
   *
   * @param row an emitting row
   * @param accepted drafts accepted, 0 to the row's draft count
   * @param ids {@code accepted + 1} token ids
   * @throws IllegalArgumentException if there is no such row, it emits nothing, or the counts do
   *     not fit
   */
  public void tokens(int row, int accepted, int[] ids) {
    int from = firstToken[emitting(row)];
    int room = firstToken[row + 1] - from;
    if (accepted < 0 || accepted + 1 > room || ids.length < accepted + 1) {
      throw new IllegalArgumentException(
          "accepted must be from 0 to the row's draft count "
              + (room - 1)
              + " with one id more than drafts, but was "
              + accepted
              + " with "
              + ids.length
              + " ids");
    }
    System.arraycopy(ids, 0, tokens, from, accepted + 1);
    tokenCount[row] = accepted + 1;
  }

  /**
   * Reports that a row's last token ends its sequence.
   *
   * @param row an emitting row
   * @throws IllegalArgumentException if there is no such row, or it emits nothing
   */
  public void stop(int row) {
    stopped[emitting(row)] = true;
  }

  /**
   * Reports that one row failed and its KV cannot be trusted; the other rows count.
   *
   * @param row the row
   * @param cause what happened
   * @throws IllegalArgumentException if there is no such row
   */
  public void rowFailed(int row, Throwable cause) {
    failures[checked(row)] = Check.notNull("cause", cause);
    anyFailure = true;
  }

  /**
   * Reports how long the plan took.
   *
   * @param nanos at least 0
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public StepResult elapsed(long nanos) {
    elapsedNanos = Check.atLeast("elapsedNanos", nanos, 0, "ns");
    return this;
  }

  /**
   * Returns, after completion, whether a row's tokens may be shown. False if the request was
   * cancelled, expired, stopped earlier or rolled back meanwhile, and for the first token of a
   * request whose prompt was recomputed after a failed hand-over.
   *
   * @param row the row
   * @return true if the tokens belong to the output
   * @throws IllegalArgumentException if there is no such row
   */
  public boolean deliver(int row) {
    return deliver[checked(row)];
  }

  /**
   * Returns the first token reported for a row.
   *
   * @param row a row with at least one token
   * @return its id
   * @throws IllegalArgumentException if there is no such row or token
   */
  public int token(int row) {
    return tokenAt(row, 0);
  }

  /**
   * Returns one of the tokens reported for a row.
   *
   * @param row a row
   * @param index 0 to {@code tokenCount(row) - 1}
   * @return its id
   * @throws IllegalArgumentException if there is no such row or token
   */
  public int tokenAt(int row, int index) {
    int count = tokenCount[checked(row)];
    if (index < 0 || index >= count) {
      throw new IllegalArgumentException(
          "index must be below the row's token count " + count + ", but was " + index);
    }
    return tokens[firstToken[row] + index];
  }

  /**
   * Returns how many tokens were reported for a row.
   *
   * @param row the row
   * @return 0 or more
   * @throws IllegalArgumentException if there is no such row
   */
  public int tokenCount(int row) {
    return tokenCount[checked(row)];
  }

  /**
   * Returns the plan this result is about.
   *
   * @return its step id; -1 before the first {@link #begin}
   */
  public long stepId() {
    return stepId;
  }

  /**
   * Returns how long the plan took.
   *
   * @return nanoseconds as reported; 0 if they were not
   */
  public long elapsedNanos() {
    return elapsedNanos;
  }

  /** Returns the plan this result is about, which may be about another step by now. */
  @Nullable BatchPlan plan() {
    return plan;
  }

  boolean stopped(int row) {
    return stopped[row];
  }

  /** Returns whether any row failed. */
  boolean anyFailure() {
    return anyFailure;
  }

  @Nullable Throwable failure(int row) {
    return failures[row];
  }

  /** Returns the tokens reported for a row that is known to exist. */
  int reported(int row) {
    return tokenCount[row];
  }

  /** Returns a token that is known to have been reported. */
  int reportedToken(int row, int index) {
    return tokens[firstToken[row] + index];
  }

  /** Lets the engine show the tokens of some rows. */
  void allow(int from, int to) {
    Arrays.fill(deliver, from, to, true);
  }

  private int checked(int row) {
    if (row < 0 || row >= rows) {
      throw new IllegalArgumentException(
          "row must be from 0 to " + (rows - 1) + ", but was " + row);
    }
    return row;
  }

  private int emitting(int row) {
    BatchPlan executed = plan;
    if (executed == null || !executed.emits(checked(row))) {
      throw new IllegalArgumentException(
          "row must yield a token to report one, but row "
              + checked(row)
              + " computes a part of a prompt only");
    }
    return row;
  }
}
