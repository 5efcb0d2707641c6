package io.headway.testkit.subject;

/**
 * A block that the executor copies before it runs a decision.
 *
 * @param kind from where to where
 * @param source block that is read
 * @param target block that is written
 */
public record Move(Kind kind, int source, int target) {
  /** From where to where a block is copied. */
  public enum Kind {
    /** Within the device. */
    COPY,
    /** From the device to the host. */
    SWAP_OUT,
    /** From the host to the device. */
    SWAP_IN
  }
}
