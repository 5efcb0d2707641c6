package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;

/**
 * Receives changes of what a pool can be hit for, in order; what a router's prefix index needs.
 *
 * <p>A content may have several physical copies. {@code copies} is the number of copies in that
 * tier and group after the change, so an index adds a key when it rises to 1 and forgets it only
 * when it falls to 0. Events exist only for committed changes: what was rolled back is never
 * reported.
 *
 * <p>Not thread-safe; called on the thread that drains the pool. Implementations must not call the
 * pool.
 */
@ImplementedByUsers
public interface KvEventSink {
  /**
   * A block became matchable.
   *
   * @param key key of the content
   * @param parent key of the block before it, or {@link BlockKey#NONE} for the first block of a
   *     chain
   * @param block block id in {@code tier}
   * @param groupId cache group
   * @param tier where the block lives
   * @param copies copies of this content after the change, at least 1
   */
  void stored(BlockKey key, BlockKey parent, int block, int groupId, KvTier tier, int copies);

  /**
   * A block lost its key and can no longer be hit.
   *
   * @param key key of the content
   * @param block block id in {@code tier}
   * @param groupId cache group
   * @param tier where the block lived
   * @param copies copies of this content that remain, possibly 0
   */
  void removed(BlockKey key, int block, int groupId, KvTier tier, int copies);

  /** Every key of every tier was forgotten at once. */
  void cleared();
}
