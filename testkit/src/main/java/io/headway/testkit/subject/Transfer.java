package io.headway.testkit.subject;

import static java.util.Objects.requireNonNull;

/**
 * A transfer of a request's KV that has begun.
 *
 * @param id the request
 * @param incoming whether it comes from another instance; otherwise it goes there
 * @param blocks blocks that are written or read until the transfer ends; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // Handed through.
public record Transfer(String id, boolean incoming, int[] blocks) {
  /** Checks that nothing is null. */
  public Transfer {
    requireNonNull(id, "id");
    requireNonNull(blocks, "blocks");
  }
}
