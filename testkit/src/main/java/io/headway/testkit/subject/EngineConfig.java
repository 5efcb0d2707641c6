package io.headway.testkit.subject;

import io.headway.api.memory.BlockHash;
import io.headway.api.memory.EvictionPolicy;
import io.headway.memory.pool.PagedKvBlockPool;

/**
 * The small world that a scheduler is put into.
 *
 * @param blockTokens tokens a KV block, B
 * @param blocks KV blocks of the device, N
 * @param hostBlocks KV blocks of the host; 0 if there is no host tier
 * @param tokenBudget tokens in one decision, T
 * @param slots sequences that run at once, S
 * @param maxAdapters distinct adapters that run at once
 * @param asyncDepth results that may be outstanding
 * @param hashValues distinct values of the hash that names blocks; 0 for a real hash, few to make
 *     collisions
 * @param keys what requests carry for prefix caching
 * @param leaseNanos after which a transfer counts as failed
 * @param encoderUnits units of the encoder cache; 0 if nobody has media
 * @param alignmentTokens chunks end at multiples of it, unless they reach the end of what is known
 *     or the beginning of a media item; 1 if there is no such rule
 */
public record EngineConfig(
    int blockTokens,
    int blocks,
    int hostBlocks,
    int tokenBudget,
    int slots,
    int maxAdapters,
    int asyncDepth,
    int hashValues,
    Keys keys,
    long leaseNanos,
    int encoderUnits,
    int alignmentTokens) {
  /** What requests carry for prefix caching. */
  public enum Keys {
    /** Nothing: no request ever hits. */
    NONE,
    /** The ids of the prompt's tokens. */
    TOKENS,
    /** Keys of the prompt's whole blocks. */
    BLOCK_KEYS
  }

  /**
   * Returns the part of this world that is a pool's.
   *
   * @return block size, blocks of device and host, one cache group, and the hash
   */
  public PoolConfig pool() {
    return new PoolConfig(blockTokens, blocks, hostBlocks, 0, hashValues);
  }

  /**
   * Makes a pool for this world, with this library's own implementation.
   *
   * @return a new pool that records events
   */
  public PagedKvBlockPool newBlockPool() {
    return pool().newBlockPool();
  }

  /**
   * Makes a pool for this world that evicts by a given policy.
   *
   * @param eviction which cached block dies first
   * @return a new pool that records events
   */
  public PagedKvBlockPool newBlockPool(EvictionPolicy<?> eviction) {
    return pool().newBlockPool(eviction);
  }

  /**
   * Returns a hash with very few values, so that equal hashes of different content occur.
   *
   * @return one word with {@link #hashValues} values; 3 if that is 0
   */
  public BlockHash collidingHash() {
    return pool().collidingHash();
  }
}
