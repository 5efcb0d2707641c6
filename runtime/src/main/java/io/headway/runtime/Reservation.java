package io.headway.runtime;

/**
 * Room on a decode instance for a request whose prompt another instance computes, or why there is
 * none.
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
    NEVER,
    /** A live request has the same id. */
    DUPLICATE_ID,
    /** The scheduler takes no new requests. */
    DRAINING
  }

  static final Reservation NEVER = new Reservation(Kind.NEVER, -1, -1, 0, 0);
  static final Reservation DUPLICATE_ID = new Reservation(Kind.DUPLICATE_ID, -1, -1, 0, 0);
  static final Reservation DRAINING = new Reservation(Kind.DRAINING, -1, -1, 0, 0);

  static Reservation later(int missingBlocks) {
    return new Reservation(Kind.LATER, -1, -1, missingBlocks, 0);
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
