package io.headway.testkit.subject;

/**
 * A block that must be copied from one tier to another.
 *
 * @param kind from where to where
 * @param source block of the tier it comes from
 * @param target block of the tier it goes to
 * @param id number to end it by; -1 if it needs no end
 */
public record Copy(Kind kind, int source, int target, int id) {
  /** From where to where. */
  public enum Kind {
    /** A holder's block to the host, at once. */
    SWAP_OUT,
    /** A holder's block to the device, at once. */
    SWAP_IN,
    /** A cached block to the host; takes until its end is reported. */
    STORE,
    /** A cached block to the device; takes until its end is reported. */
    LOAD;

    /**
     * Returns whether it goes to the host.
     *
     * @return true for a copy from the device
     */
    public boolean toHost() {
      return this == SWAP_OUT || this == STORE;
    }
  }
}
