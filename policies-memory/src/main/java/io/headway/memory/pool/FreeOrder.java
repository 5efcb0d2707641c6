package io.headway.memory.pool;

/**
 * Says where blocks that nobody references any more enter the eviction order, from whose head new
 * blocks are taken.
 */
public enum FreeOrder {
  /**
   * At the tail, in the order in which they were released: first in, first out over blocks, least
   * recently used over cached content. The default.
   */
  APPEND,
  /**
   * At the head, one by one: the most recently released block is reused first. The early vLLM block
   * manager did so; it destroys cached content soonest.
   */
  LIFO,
  /**
   * Cached blocks at the tail; blocks without content at the head, as one run in the order in which
   * they were released, so that no cached content dies while worthless blocks are left.
   */
  UNCACHED_FIRST
}
