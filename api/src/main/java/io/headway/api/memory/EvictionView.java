package io.headway.api.memory;

import io.headway.api.ProvidedByRuntime;

/**
 * Shows an eviction policy what is known about cached blocks: content that nobody references and
 * that a later request may hit. Read-only; valid during the call that received it.
 *
 * <p>Ticks are a logical clock that counts the pool's calls; there is no wall time.
 */
@ProvidedByRuntime
public interface EvictionView {
  /**
   * Returns the present tick.
   *
   * @return ticks since the pool was made
   */
  long tick();

  /**
   * Returns the tick at which a block was last given up by its last owner: the recency that the
   * pool's own order goes by.
   *
   * @param block cached block
   * @return tick, at most {@link #tick()}
   */
  long releasedTick(int block);

  /**
   * Returns the tick at which a block became matchable.
   *
   * @param block cached block
   * @return tick, at most {@link #tick()}
   */
  long storedTick(int block);

  /**
   * Returns how many allocations have hit this block since it became matchable.
   *
   * @param block cached block
   * @return hits, at least 0
   */
  int hitCount(int block);

  /**
   * Returns the position of a block in its chain.
   *
   * @param block cached block
   * @return 0 for the block that begins a sequence
   */
  int chainIndex(int block);

  /**
   * Returns the cache group of a block.
   *
   * @param block cached block
   * @return group of the pool's geometry
   */
  int groupId(int block);

  /**
   * Returns the attributes under which a block was computed.
   *
   * @param block cached block
   * @return its attributes
   */
  BlockExtras extras(int block);

  /**
   * Returns whether one of the nearest waiting requests will ask for the content of a block.
   *
   * @param block cached block
   * @param windowRequests how many waiting requests to look at, nearest first, at least 0
   * @return true if the content is part of one of their prefixes; false without an observed queue
   */
  boolean wantedByQueue(int block, int windowRequests);
}
