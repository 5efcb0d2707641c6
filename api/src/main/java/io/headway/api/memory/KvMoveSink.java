package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;

/**
 * Receives the moves that a pool decided, in the order in which the engine must execute them.
 *
 * <p>Not thread-safe; called on the thread that drains the pool. Implementations copy what they
 * need and must not call the pool.
 */
@ImplementedByUsers
@FunctionalInterface
public interface KvMoveSink {
  /** Value of {@code transferId} for moves that need no completion. */
  int NO_TRANSFER = -1;

  /**
   * Takes one move.
   *
   * @param kind what to do
   * @param sourceBlock block id in the source tier of {@code kind}
   * @param targetBlock block id in the target tier of {@code kind}; equal to {@code sourceBlock}
   *     for {@link KvMoveKind#DROP}
   * @param groupId cache group whose layout the block has
   * @param transferId for {@link KvMoveKind#STORE} and {@link KvMoveKind#LOAD} the number to pass
   *     to {@link KvBlockPool#endTransfer} once the copy ended, else {@link #NO_TRANSFER}
   */
  void move(KvMoveKind kind, int sourceBlock, int targetBlock, int groupId, int transferId);
}
