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
  private long stepId = -1;
  private int rows;
  private int[] firstToken = new int[16];
  private int[] tokenCount = new int[16];
  private int[] tokens = new int[16];
  private boolean[] stopped = new boolean[16];
  private boolean[] deliver = new boolean[16];
  private @Nullable Throwable[] failures = new Throwable[16];
  private long elapsedNanos;

  /** Makes an empty result. */
  public StepResult() {}

  /**
   * Starts a report for one plan: no tokens, no stops, no failures.
   *
   * @param plan the plan that was executed
   * @return this
   */
  public StepResult begin(BatchPlan plan) {
    stepId = plan.stepId();
    rows = plan.rows();
    elapsedNanos = 0;
    if (rows > firstToken.length) {
      int length = Math.max(rows, firstToken.length * 2);
      firstToken = new int[length];
      tokenCount = new int[length];
      stopped = new boolean[length];
      deliver = new boolean[length];
      failures = new Throwable[length];
    }
    int room = 0;
    for (int i = 0; i < rows; i++) {
      firstToken[i] = room;
      tokenCount[i] = 0;
      stopped[i] = false;
      deliver[i] = false;
      failures[i] = null;
      room += plan.kind(i) == WorkKind.VERIFY ? plan.count(i) : 1;
    }
    if (room > tokens.length) {
      tokens = new int[Math.max(room, tokens.length * 2)];
    }
    Arrays.fill(tokens, 0, room, 0);
    return this;
  }

  /**
   * Reports the one token that a decode or the last chunk of a prefill yielded, or that a verify
   * yielded when no draft was accepted.
   *
   * @param row an emitting row
   * @param token its id; any value if the engine does not tell
   */
  public void token(int row, int token) {
    tokens[firstToken[checked(row)]] = token;
    tokenCount[row] = 1;
  }

  /**
   * Reports the tokens of a verify: the accepted drafts and the one sampled behind them.
   *
   * @param row a verifying row
   * @param accepted drafts accepted, 0 to the row's draft count
   * @param ids {@code accepted + 1} token ids
   */
  public void tokens(int row, int accepted, int[] ids) {
    int from = firstToken[checked(row)];
    int room = (row + 1 < rows ? firstToken[row + 1] : tokens.length) - from;
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
   */
  public void stop(int row) {
    stopped[checked(row)] = true;
  }

  /**
   * Reports that one row failed and its KV cannot be trusted; the other rows count.
   *
   * @param row the row
   * @param cause what happened
   */
  public void rowFailed(int row, Throwable cause) {
    failures[checked(row)] = Check.notNull("cause", cause);
  }

  /**
   * Reports how long the plan took.
   *
   * @param nanos at least 0
   * @return this
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
   */
  public boolean deliver(int row) {
    return deliver[checked(row)];
  }

  /**
   * Returns the first token reported for a row.
   *
   * @param row an emitting row
   * @return its id
   */
  public int token(int row) {
    return tokens[firstToken[checked(row)]];
  }

  /**
   * Returns one of the tokens reported for a row.
   *
   * @param row an emitting row
   * @param index 0 to {@code tokenCount(row) - 1}
   * @return its id
   */
  public int tokenAt(int row, int index) {
    return tokens[firstToken[checked(row)] + index];
  }

  /**
   * Returns how many tokens were reported for a row.
   *
   * @param row the row
   * @return 0 or more
   */
  public int tokenCount(int row) {
    return tokenCount[checked(row)];
  }

  /**
   * Returns the plan this result is about.
   *
   * @return its step id
   */
  public long stepId() {
    return stepId;
  }

  int rows() {
    return rows;
  }

  boolean stopped(int row) {
    return stopped[row];
  }

  @Nullable Throwable failure(int row) {
    return failures[row];
  }

  long elapsedNanos() {
    return elapsedNanos;
  }

  int reported(int row) {
    return tokenCount[row];
  }

  void deliverNothing(int row) {
    deliver[row] = false;
  }

  void deliver(int row, int count) {
    deliver[row] = count > 0;
  }

  private int checked(int row) {
    if (row < 0 || row >= rows) {
      throw new IllegalArgumentException(
          "row must be from 0 to " + (rows - 1) + ", but was " + row);
    }
    return row;
  }
}
