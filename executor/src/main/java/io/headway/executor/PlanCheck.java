package io.headway.executor;

import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvTier;
import io.headway.runtime.BatchPlan;
import java.util.Arrays;

/**
 * Tests a plan against the executor that is to run it, before anything is done: slots and handles,
 * positions, block tables, moves, and that every position that will be read has been written. For
 * implementations of {@link Executor}; a scheduler's plan passes, so that a fault found here is one
 * of the engine around it, such as a slot not prepared or pools of different sizes.
 *
 * <p>Keeps, per block, how many leading positions hold KV. O(blocks of all tables) per plan, no
 * allocation. Not thread-safe.
 */
public final class PlanCheck {
  private static final int NOBODY = -1;

  private final SequenceSlots slots;
  private final int maxPositions;
  private final int blockTokens;
  private final int[] deviceFill;
  private final int[] hostFill;

  /** Which row writes a block in the plan being checked; only valid where the stamp is current. */
  private final int[] writer;

  private final long[] writerStamp;
  private final long[] slotStamp;
  private long stamp;

  // What the moves of the plan being checked changed, for taking it back.
  private int[] undoBlocks = new int[8];
  private int[] undoFills = new int[8];
  private boolean[] undoOnHost = new boolean[8];
  private int undos;

  /**
   * Makes a check for one executor with an empty pool.
   *
   * @param slots its slots
   * @param maxPositions longest context
   * @param options its sizes
   */
  public PlanCheck(SequenceSlots slots, int maxPositions, ExecutorOptions options) {
    this.slots = slots;
    this.maxPositions = maxPositions;
    blockTokens = options.blockTokens();
    deviceFill = new int[options.deviceBlocks()];
    hostFill = new int[options.hostBlocks()];
    writer = new int[options.deviceBlocks()];
    writerStamp = new long[options.deviceBlocks()];
    slotStamp = new long[slots.size()];
  }

  /**
   * Tests a plan, and takes note of what it will write.
   *
   * @param plan the plan
   * @throws IllegalArgumentException if it must not be executed here; nothing was noted then
   */
  public void accept(BatchPlan plan) {
    if (plan.isEmpty()) {
      throw new IllegalArgumentException("an empty plan has nothing to execute; wait instead");
    }
    stamp++;
    undos = 0;
    try {
      for (int m = 0; m < plan.moves(); m++) {
        move(plan, m);
      }
      for (int row = 0; row < plan.rows(); row++) {
        requireRow(plan, row);
        claimWrites(plan, row);
      }
      for (int row = 0; row < plan.rows(); row++) {
        requireReads(plan, row);
      }
    } catch (RuntimeException e) {
      while (undos > 0) {
        undos--;
        (undoOnHost[undos] ? hostFill : deviceFill)[undoBlocks[undos]] = undoFills[undos];
      }
      throw e;
    }
    for (int row = 0; row < plan.rows(); row++) {
      int end = plan.start(row) + plan.count(row);
      for (int b = plan.start(row) / blockTokens; b * blockTokens < end; b++) {
        deviceFill[plan.block(row, b)] = Math.min(blockTokens, end - b * blockTokens);
      }
    }
  }

  /**
   * Notes that a block was written from outside.
   *
   * @param tier device or host
   * @param block its id
   * @param filledTokens leading positions that hold KV
   * @throws IllegalArgumentException if there is no such block or the number is out of range
   */
  public void written(KvTier tier, int block, int filledTokens) {
    requireBlock(tier, block);
    if (filledTokens < 0 || filledTokens > blockTokens) {
      throw new IllegalArgumentException(
          "filledTokens must be from 0 to blockTokens = "
              + blockTokens
              + ", but was "
              + filledTokens);
    }
    (tier == KvTier.HOST ? hostFill : deviceFill)[block] = filledTokens;
  }

  /**
   * Refuses a block that is not there.
   *
   * @param tier device or host
   * @param block its id
   * @throws IllegalArgumentException if there is no such block
   */
  public void requireBlock(KvTier tier, int block) {
    if (tier != KvTier.DEVICE && tier != KvTier.HOST) {
      throw new IllegalArgumentException("tier must be DEVICE or HOST, but was " + tier);
    }
    int blocks = tier == KvTier.HOST ? hostFill.length : deviceFill.length;
    if (block < 0 || block >= blocks) {
      throw new IllegalArgumentException(
          "block must be from 0 to " + (blocks - 1) + " in tier " + tier + ", but was " + block);
    }
  }

  // ---- moves

  private void move(BatchPlan plan, int m) {
    KvMoveKind kind = plan.moveKind(m);
    boolean fromHost = kind == KvMoveKind.SWAP_IN || kind == KvMoveKind.LOAD;
    boolean toHost = kind == KvMoveKind.SWAP_OUT || kind == KvMoveKind.STORE;
    if (kind == KvMoveKind.DROP) {
      return;
    }
    if (kind == KvMoveKind.RECODE) {
      throw new IllegalArgumentException(
          "move "
              + m
              + " of step "
              + plan.stepId()
              + " must copy whole blocks, but is RECODE: a plan does not say which positions a"
              + " lossy retention policy keeps");
    }
    int source = plan.moveSource(m);
    int target = plan.moveTarget(m);
    requireMoved(plan, m, "source", source, fromHost);
    requireMoved(plan, m, "target", target, toHost);
    int[] targets = toHost ? hostFill : deviceFill;
    remember(target, targets[target], toHost);
    targets[target] = (fromHost ? hostFill : deviceFill)[source];
  }

  private void requireMoved(BatchPlan plan, int m, String end, int block, boolean onHost) {
    int blocks = onHost ? hostFill.length : deviceFill.length;
    if (block < 0 || block >= blocks) {
      throw new IllegalArgumentException(
          "the "
              + end
              + " of move "
              + m
              + " ("
              + plan.moveKind(m)
              + ") of step "
              + plan.stepId()
              + " must be a block from 0 to "
              + (blocks - 1)
              + (onHost ? " on the host" : " on the device")
              + ", but was "
              + block
              + "; executor and scheduler must have pools of the same size");
    }
  }

  private void remember(int block, int fill, boolean onHost) {
    if (undos == undoBlocks.length) {
      undoBlocks = Arrays.copyOf(undoBlocks, undos * 2);
      undoFills = Arrays.copyOf(undoFills, undos * 2);
      undoOnHost = Arrays.copyOf(undoOnHost, undos * 2);
    }
    undoBlocks[undos] = block;
    undoFills[undos] = fill;
    undoOnHost[undos++] = onHost;
  }

  // ---- rows

  private void requireRow(BatchPlan plan, int row) {
    int slot = plan.slot(row);
    if (slot < 0 || slot >= slots.size()) {
      throw wrong(plan, row, "the slot must be from 0 to " + (slots.size() - 1));
    }
    if (slotStamp[slot] == stamp) {
      throw wrong(plan, row, "a slot must have one row in a plan, but has two");
    }
    slotStamp[slot] = stamp;
    if (slots.handle(slot) != plan.handle(row)) {
      throw wrong(
          plan,
          row,
          "the slot must be prepared for handle "
              + plan.handle(row)
              + ", but "
              + (slots.handle(slot) == SequenceSlots.EMPTY
                  ? "is empty"
                  : "holds handle " + slots.handle(slot)));
    }
    int start = plan.start(row);
    int count = plan.count(row);
    if (start < 0 || count < 1) {
      throw wrong(plan, row, "start must be at least 0 and count at least 1");
    }
    int end = start + count;
    if (end > maxPositions) {
      throw wrong(plan, row, "positions must be below the model's maxPositions = " + maxPositions);
    }
    int inputs = plan.kind(row) == WorkKind.VERIFY ? start + 1 : end;
    if (inputs > slots.known(slot)) {
      throw wrong(
          plan,
          row,
          "the input tokens must be known, but only " + slots.known(slot) + " tokens are");
    }
    int blocks = plan.blocks(row);
    if ((long) blocks * blockTokens < end) {
      throw wrong(
          plan,
          row,
          "the block table must hold "
              + end
              + " tokens, but has "
              + blocks
              + " blocks of "
              + blockTokens);
    }
    for (int b = 0; b * blockTokens < end; b++) {
      int block = plan.block(row, b);
      if (block < 0 || block >= deviceFill.length) {
        throw wrong(
            plan,
            row,
            "block "
                + b
                + " of its table must be from 0 to "
                + (deviceFill.length - 1)
                + ", but is "
                + block
                + "; executor and scheduler must have pools of the same size");
      }
    }
  }

  private void claimWrites(BatchPlan plan, int row) {
    int end = plan.start(row) + plan.count(row);
    for (int b = plan.start(row) / blockTokens; b * blockTokens < end; b++) {
      int block = plan.block(row, b);
      int other = writerStamp[block] == stamp ? writer[block] : NOBODY;
      if (other != NOBODY) {
        throw wrong(
            plan,
            row,
            "block "
                + block
                + " must be written by one row only, but "
                + (other == row ? "stands in its table twice" : "is written by row " + other));
      }
      writer[block] = row;
      writerStamp[block] = stamp;
    }
  }

  private void requireReads(BatchPlan plan, int row) {
    int start = plan.start(row);
    for (int b = 0; b * blockTokens < start; b++) {
      int block = plan.block(row, b);
      int read = Math.min(blockTokens, start - b * blockTokens);
      if (deviceFill[block] < read) {
        throw wrong(
            plan,
            row,
            "positions "
                + b * blockTokens
                + " to "
                + (b * blockTokens + read - 1)
                + " must have been written to block "
                + block
                + ", but only "
                + deviceFill[block]
                + " of them were");
      }
      if (writerStamp[block] == stamp && writer[block] != row) {
        throw wrong(
            plan,
            row,
            "block "
                + block
                + " is read, but row "
                + writer[block]
                + " writes it in the same plan; a shared block must be copied first");
      }
    }
  }

  private static IllegalArgumentException wrong(BatchPlan plan, int row, String rule) {
    return new IllegalArgumentException(
        "row "
            + row
            + " of step "
            + plan.stepId()
            + " ("
            + plan.kind(row)
            + ", slot "
            + plan.slot(row)
            + ", positions "
            + plan.start(row)
            + "+"
            + plan.count(row)
            + "): "
            + rule);
  }
}
