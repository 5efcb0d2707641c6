package io.headway.api.batching;

/**
 * The answer of a draft to one step of a policy. Anything but {@link #DONE} has changed nothing.
 * New outcomes may appear in a minor version; treat unknown ones as "not now".
 */
public enum DraftOutcome {
  /** Accepted and in the batch. */
  DONE,
  /** The pool cannot supply the blocks now; preempting or waiting may help. */
  NO_BLOCKS,
  /** More blocks than the pool has in all; waiting never helps. */
  NEVER_FITS,
  /** More tokens than the engine's limit for one iteration leaves. */
  OVER_TOKENS,
  /** Every sequence slot is taken. */
  NO_SLOT,
  /** The batch would need more adapters than the engine loads at once. */
  NO_ADAPTER,
  /**
   * A plan in flight still uses the sequence's blocks or decides its next position; possible after
   * that plan completed.
   */
  IN_FLIGHT,
  /** The host has no room to swap the victim out. */
  NO_HOST_BLOCKS,
  /** Nothing was short: the policy itself let the sequence wait, see {@link BatchDraft#defer}. */
  LATER;

  /**
   * Returns whether the step was accepted.
   *
   * @return true for {@link #DONE} only
   */
  public boolean done() {
    return this == DONE;
  }
}
