package io.headway.api.memory;

/** Names what the engine must do with the bytes of one block. */
public enum KvMoveKind {
  /** Copy a device block to a device block (copy-on-write, compaction). */
  COPY,
  /** Copy a device block to a host block; the device block may be overwritten afterwards. */
  SWAP_OUT,
  /** Copy a host block to a device block; the host block may be overwritten afterwards. */
  SWAP_IN,
  /** Copy a cached block to a lower tier; both ends are held until the transfer is ended. */
  STORE,
  /**
   * Copy a block from a lower tier to the device; both ends are held until the transfer is ended.
   */
  LOAD,
  /** Forget the bytes of a block; its id leaves the pool. */
  DROP,
  /** Copy the kept positions of one block into another, in ascending order of position. */
  RECODE
}
