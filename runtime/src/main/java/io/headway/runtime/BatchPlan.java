package io.headway.runtime;

import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvMoveSink;
import java.util.Arrays;

/**
 * One iteration for the engine to execute: a flat structure of parallel arrays, borrowed until
 * {@link EngineScheduler#complete} or {@link EngineScheduler#fail} of its {@link #stepId}. Rows
 * come decodes first, then verifies, then prefills, each by slot.
 *
 * <p>Execute the {@linkplain #moves() moves} in order before the rows. Row {@code i} feeds {@link
 * #count} tokens of the sequence in {@link #slot}, starting at position {@link #start}, and yields
 * a token if {@link #emits}.
 */
public final class BatchPlan {
  private final KvBlockPool pool;
  private final boolean paged;

  private long stepId = -1;
  private long wakeAtNanos = Long.MAX_VALUE;
  private int rows;
  private int decodes;
  private int verifies;
  private int paddedRows;
  private int tokens;
  private int paddingTokens;
  long[] handles = new long[16];
  int[] slots = new int[16];
  int[] starts = new int[16];
  private int[] counts = new int[16];
  private boolean[] emits = new boolean[16];
  boolean[] inputOnDevice = new boolean[16];
  long[] owners = new long[16];
  private int moves;
  private KvMoveKind[] moveKinds = new KvMoveKind[8];
  private int[] moveSources = new int[8];
  private int[] moveTargets = new int[8];
  private int[] moveTransfers = new int[8];

  /** Takes the pool's moves; one object, so that draining allocates nothing. */
  final KvMoveSink moveSink = this::addMove;

  /** The sequence of each row, for the scheduler when the plan completes. */
  int[] sequences = new int[16];

  /** When it was handed out. */
  long plannedNanos;

  /** Whether an earlier plan was lost, so that this one's results count for nothing. */
  boolean voided;

  BatchPlan(KvBlockPool pool) {
    this.pool = pool;
    paged = pool.mode() == KvMode.PAGED;
  }

  /**
   * Returns the number of this plan; plans complete in this order.
   *
   * @return ascending from 0; -1 for an empty plan
   */
  public long stepId() {
    return stepId;
  }

  /**
   * Returns whether there is nothing to execute. An empty plan needs no completion.
   *
   * @return true without rows
   */
  public boolean isEmpty() {
    return rows == 0;
  }

  /**
   * Returns, for an empty plan, when time alone may change that.
   *
   * @return nanoseconds on the caller's clock; {@link Long#MAX_VALUE} if only an event can
   */
  public long wakeAtNanos() {
    return wakeAtNanos;
  }

  /** Returns how many rows are decodes; they come first. */
  int decodes() {
    return decodes;
  }

  /**
   * Returns the number of rows.
   *
   * @return at least 0
   */
  public int rows() {
    return rows;
  }

  /**
   * Returns the rows rounded up to the engine's next row bucket.
   *
   * @return at least {@link #rows}
   */
  public int paddedRows() {
    return paddedRows;
  }

  /**
   * Returns the tokens of all rows.
   *
   * @return the sum of {@link #count}
   */
  public int tokens() {
    return tokens;
  }

  /**
   * Returns token positions that the policy's kind of batching computes in vain: padded prompts,
   * rows of ended sequences.
   *
   * @return tokens, beside {@link #tokens}
   */
  public int paddingTokens() {
    return paddingTokens;
  }

  /**
   * Returns the request of a row.
   *
   * @param row 0 to {@code rows - 1}
   * @return its handle
   */
  public long handle(int row) {
    return handles[row];
  }

  /**
   * Returns the slot of a row.
   *
   * @param row 0 to {@code rows - 1}
   * @return 0 to {@code maxSequences - 1}
   */
  public int slot(int row) {
    return slots[row];
  }

  /**
   * Returns what a row computes.
   *
   * @param row 0 to {@code rows - 1}
   * @return decode, verify or prefill
   */
  public WorkKind kind(int row) {
    return row < decodes
        ? WorkKind.DECODE
        : row < decodes + verifies ? WorkKind.VERIFY : WorkKind.PREFILL;
  }

  /**
   * Returns the position of a row's first token.
   *
   * @param row 0 to {@code rows - 1}
   * @return tokens whose KV is there already
   */
  public int start(int row) {
    return starts[row];
  }

  /**
   * Returns how many tokens a row feeds.
   *
   * @param row 0 to {@code rows - 1}
   * @return at least 1; for a verify one more than {@link #draftCount}
   */
  public int count(int row) {
    return row < decodes ? 1 : counts[row];
  }

  /**
   * Returns how many of a row's tokens are drafts.
   *
   * @param row 0 to {@code rows - 1}
   * @return 0 unless the row is a verify
   */
  public int draftCount(int row) {
    return kind(row) == WorkKind.VERIFY ? counts[row] - 1 : 0;
  }

  /**
   * Returns whether a row yields a token; a prefill chunk before the last yields none.
   *
   * @param row 0 to {@code rows - 1}
   * @return true if a token is to be sampled
   */
  public boolean emits(int row) {
    return row < decodes + verifies || emits[row];
  }

  /**
   * Returns whether a row's input token is sampled by a plan still in flight, so that only the
   * device knows it.
   *
   * @param row 0 to {@code rows - 1}
   * @return true if the engine must take the slot's last sampled token
   */
  public boolean inputOnDevice(int row) {
    return inputOnDevice[row];
  }

  /**
   * Returns the length of a row's block table.
   *
   * @param row 0 to {@code rows - 1}
   * @return blocks of group 0; in an accounted pool the units held
   */
  public int blocks(int row) {
    return pool.blockCount(owners[row], 0);
  }

  /**
   * Returns one entry of a row's block table.
   *
   * @param row 0 to {@code rows - 1}
   * @param index 0 to {@code blocks(row) - 1}
   * @return the block that holds positions {@code index * blockTokens} and following
   * @throws IllegalStateException if the pool hands out no block ids
   */
  public int block(int row, int index) {
    return block(row, 0, index);
  }

  /**
   * Returns one entry of a row's block table in a pool with several cache groups.
   *
   * @param row 0 to {@code rows - 1}
   * @param group cache group
   * @param index position in the table
   * @return the block id
   * @throws IllegalStateException if the pool hands out no block ids
   */
  public int block(int row, int group, int index) {
    if (!paged) {
      throw new IllegalStateException(
          "block ids exist only in PAGED mode, but the pool is " + pool.mode());
    }
    return pool.block(owners[row], group, index);
  }

  /**
   * Returns how many block copies, swaps and transfers precede the rows.
   *
   * @return at least 0
   */
  public int moves() {
    return moves;
  }

  /**
   * Returns what a move does.
   *
   * @param move 0 to {@code moves - 1}, in the order of execution
   * @return copy, swap out, swap in, ...
   */
  public KvMoveKind moveKind(int move) {
    return moveKinds[move];
  }

  /**
   * Returns where a move reads.
   *
   * @param move 0 to {@code moves - 1}
   * @return block id in the source tier
   */
  public int moveSource(int move) {
    return moveSources[move];
  }

  /**
   * Returns where a move writes.
   *
   * @param move 0 to {@code moves - 1}
   * @return block id in the target tier
   */
  public int moveTarget(int move) {
    return moveTargets[move];
  }

  /**
   * Returns the number by which the engine reports the end of an asynchronous transfer to the pool.
   *
   * @param move 0 to {@code moves - 1}
   * @return the transfer id, or -1 if the move needs no report
   */
  public int moveTransfer(int move) {
    return moveTransfers[move];
  }

  void begin() {
    stepId = -1;
    wakeAtNanos = Long.MAX_VALUE;
    rows = 0;
    decodes = 0;
    verifies = 0;
    paddedRows = 0;
    tokens = 0;
    paddingTokens = 0;
    moves = 0;
    voided = false;
  }

  /** Makes room for rows, so that {@link #add} need not ask. */
  void reserve(int most) {
    if (most > handles.length) {
      grow(Math.max(most, handles.length * 2));
    }
  }

  /** Counts rows of decodes that were written into the columns. */
  void decoding(int added) {
    rows += added;
    decodes += added;
    tokens += added;
  }

  /** Adds a row to those reserved, behind all decodes: verifies first, then prefills. */
  void add(
      int sequence,
      long handle,
      int slot,
      WorkKind kind,
      int start,
      int count,
      boolean emitting,
      boolean onDevice,
      long owner) {
    int i = rows;
    rows = i + 1;
    tokens += count;
    sequences[i] = sequence;
    handles[i] = handle;
    slots[i] = slot;
    starts[i] = start;
    inputOnDevice[i] = onDevice;
    owners[i] = owner;
    counts[i] = count;
    if (kind == WorkKind.VERIFY) {
      verifies++;
    } else {
      emits[i] = emitting;
    }
  }

  private void addMove(KvMoveKind kind, int source, int target, int groupId, int transferId) {
    int i = moves;
    if (i == moveKinds.length) {
      int length = i * 2;
      moveKinds = Arrays.copyOf(moveKinds, length);
      moveSources = Arrays.copyOf(moveSources, length);
      moveTargets = Arrays.copyOf(moveTargets, length);
      moveTransfers = Arrays.copyOf(moveTransfers, length);
    }
    moves = i + 1;
    moveKinds[i] = kind;
    moveSources[i] = source;
    moveTargets[i] = target;
    moveTransfers[i] = transferId;
  }

  void finish(long step, int padded, int padding) {
    stepId = step;
    paddedRows = padded;
    paddingTokens = padding;
  }

  void wakeAt(long nanos) {
    wakeAtNanos = nanos;
  }

  private void grow(int length) {
    sequences = Arrays.copyOf(sequences, length);
    handles = Arrays.copyOf(handles, length);
    slots = Arrays.copyOf(slots, length);
    starts = Arrays.copyOf(starts, length);
    counts = Arrays.copyOf(counts, length);
    emits = Arrays.copyOf(emits, length);
    inputOnDevice = Arrays.copyOf(inputOnDevice, length);
    owners = Arrays.copyOf(owners, length);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("BatchPlan[step=" + stepId + ", tokens=" + tokens);
    for (int i = 0; i < rows; i++) {
      text.append(", slot ")
          .append(slots[i])
          .append(' ')
          .append(kind(i))
          .append(' ')
          .append(starts[i])
          .append('+')
          .append(count(i));
    }
    return text.append(']').toString();
  }
}
