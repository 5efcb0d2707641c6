package io.headway.api.memory;

/** Says in which order the blocks of one owner return to the pool. */
public enum ReleaseOrder {
  /**
   * From the last block of each table to the first, group by group. The default: deep blocks of a
   * prefix chain become evictable before their ancestors, so the reusable part lives longest.
   */
  DEEPEST_FIRST,
  /** From the first block of each table to the last, group by group. */
  SHALLOWEST_FIRST
}
