package io.headway.api.memory;

import java.util.Objects;

/**
 * Says whether a pool could do what it was asked, and if not, why and by how much it fell short.
 *
 * <p>Everything is all-or-nothing: unless the verdict is {@link Verdict#OK}, nothing changed.
 *
 * @param verdict whether it was done
 * @param reason what was short; {@link Reason#NONE} exactly when the verdict is {@link Verdict#OK}
 * @param shortfallBlocks with {@link Verdict#LATER} the blocks that must become available before
 *     the same call can succeed (at least 1 when blocks are short, 0 when something else must end
 *     first); with {@link Verdict#NEVER} the blocks by which the pool is too small; 0 with {@link
 *     Verdict#OK}
 */
public record KvOutcome(Verdict verdict, Reason reason, int shortfallBlocks) {

  /** Whether something was done, may be done later, or cannot be done. */
  public enum Verdict {
    /** Done. */
    OK,
    /** Not now: nothing changed, and it may succeed after releases or the end of a transfer. */
    LATER,
    /** It cannot succeed at this pool size, however empty the pool gets. */
    NEVER
  }

  /** What stood in the way. */
  public enum Reason {
    /** Nothing. */
    NONE,
    /** Too few free and evictable device blocks. */
    DEVICE_BLOCKS,
    /** Enough blocks, but not above the watermark that admissions must leave free. */
    WATERMARK,
    /** Too few free and evictable blocks in the lower tier. */
    HOST_BLOCKS,
    /** More blocks than the pool has. */
    POOL_SIZE,
    /** A block that is needed is the source or target of a running transfer. */
    IN_TRANSFER
  }

  /** The outcome of everything that succeeded. */
  public static final KvOutcome OK = new KvOutcome(Verdict.OK, Reason.NONE, 0);

  /**
   * Checks that the components agree.
   *
   * @param verdict whether it was done
   * @param reason what was short
   * @param shortfallBlocks with {@link Verdict#LATER} the blocks that must become available before
   *     the same call can succeed
   * @throws IllegalArgumentException if an OK outcome has a reason or a shortfall, another one has
   *     no reason, or the shortfall is negative
   */
  public KvOutcome {
    Objects.requireNonNull(verdict, "verdict");
    Objects.requireNonNull(reason, "reason");
    Arguments.atLeast("shortfallBlocks", shortfallBlocks, 0, "block");
    if ((verdict == Verdict.OK) != (reason == Reason.NONE)) {
      throw new IllegalArgumentException(
          "reason must be NONE exactly when the verdict is OK, but was "
              + reason
              + " with "
              + verdict);
    }
    if (verdict == Verdict.OK && shortfallBlocks != 0) {
      throw new IllegalArgumentException(
          "shortfallBlocks must be 0 blocks when the verdict is OK, but was " + shortfallBlocks);
    }
  }

  /**
   * Returns the outcome "not now".
   *
   * @param reason what is short
   * @param shortfallBlocks blocks that are missing, at least 0
   * @return the outcome
   */
  public static KvOutcome later(Reason reason, int shortfallBlocks) {
    return new KvOutcome(Verdict.LATER, reason, shortfallBlocks);
  }

  /**
   * Returns the outcome "not at this pool size".
   *
   * @param shortfallBlocks blocks by which the pool is too small, at least 0
   * @return the outcome
   */
  public static KvOutcome never(int shortfallBlocks) {
    return new KvOutcome(Verdict.NEVER, Reason.POOL_SIZE, shortfallBlocks);
  }

  /**
   * Returns whether the call was carried out.
   *
   * @return true exactly for {@link Verdict#OK}
   */
  public boolean ok() {
    return verdict == Verdict.OK;
  }
}
