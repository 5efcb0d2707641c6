package io.headway.runtime;

/**
 * Room on a decode instance for a request whose prompt another instance computes.
 *
 * @param kind granted, or why not
 * @param handle the request on this instance if granted, otherwise -1
 * @param slot its slot if granted, otherwise -1
 * @param blocks blocks held for it if granted; with LATER the blocks that are missing
 * @param leaseUntilNanos when the reservation expires if the transfer does not end before
 */
public record Reservation(Kind kind, long handle, int slot, int blocks, long leaseUntilNanos) {
  /** What became of a reservation. */
  public enum Kind {
    /** Memory and slot are held. */
    GRANTED,
    /** No room now; ask again after an {@code ended} or {@code released} event. */
    LATER,
    /** Larger than this instance. */
    NEVER
  }

  /**
   * Returns whether room is held.
   *
   * @return true for {@link Kind#GRANTED} only
   */
  public boolean granted() {
    return kind == Kind.GRANTED;
  }
}
