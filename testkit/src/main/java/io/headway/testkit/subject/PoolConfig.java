package io.headway.testkit.subject;

import io.headway.api.memory.BlockHash;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvGroup;
import io.headway.memory.eviction.LruEviction;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.memory.prefix.Sha256BlockHash;
import java.util.List;

/**
 * The small world that a KV block pool is put into.
 *
 * @param blockTokens tokens a KV block, B
 * @param blocks KV blocks of the device, N
 * @param hostBlocks KV blocks of the host; 0 if there is no host tier
 * @param windowTokens tokens that the layers of a second cache group look back, the token itself
 *     included; 0 if there is one group only, which reads everything
 * @param hashValues distinct values of the hash that names blocks; 0 for a real hash, few to make
 *     collisions
 */
public record PoolConfig(
    int blockTokens, int blocks, int hostBlocks, int windowTokens, int hashValues) {
  /**
   * Returns how many cache groups there are. All of them take their blocks from the same N.
   *
   * @return 1, or 2 if the second one has a window
   */
  public int groups() {
    return windowTokens == 0 ? 1 : 2;
  }

  /**
   * Returns how many blocks before a token the second group still reads.
   *
   * @return {@code ceil((windowTokens - 1) / blockTokens)}; 0 without a second group
   */
  public int windowBlocks() {
    return windowTokens == 0 ? 0 : (windowTokens - 1 + blockTokens - 1) / blockTokens;
  }

  /**
   * Returns the first block that a group still reads.
   *
   * @param group 0 or 1
   * @param computedTokens leading tokens that are computed
   * @return block index, from 0
   */
  public int firstRead(int group, int computedTokens) {
    return group == 0 ? 0 : Math.max(0, computedTokens - windowTokens + 1) / blockTokens;
  }

  /**
   * Returns the blocks of one group that tokens take.
   *
   * @param tokens at least 0
   * @return {@code ceil(tokens / blockTokens)}
   */
  public int blocksFor(int tokens) {
    return (tokens + blockTokens - 1) / blockTokens;
  }

  /**
   * Makes a pool for this world, with this library's own implementation.
   *
   * @return a new pool that records events
   */
  public PagedKvBlockPool newBlockPool() {
    return newBlockPool(new LruEviction());
  }

  /**
   * Makes a pool for this world that evicts by a given policy.
   *
   * @param eviction which cached block dies first
   * @return a new pool that records events
   */
  public PagedKvBlockPool newBlockPool(EvictionPolicy<?> eviction) {
    PagedKvConfig config =
        PagedKvConfig.of(blockTokens, blocks).withHostBlocks(hostBlocks).withEvents(true);
    if (windowTokens > 0) {
      KvGroup window =
          new KvGroup(1, KvGroup.Kind.SLIDING, windowTokens, blockTokens, blockTokens, 1);
      KvGeometry geometry =
          new KvGeometry(blockTokens, List.of(KvGroup.full(blockTokens, blockTokens, 1), window));
      // One block stands for positions that nobody reads.
      config =
          PagedKvConfig.of(blockTokens, blocks + 1)
              .withHostBlocks(hostBlocks)
              .withEvents(true)
              .withNullBlock(true)
              .withGeometry(geometry);
    }
    return PagedKvBlockPool.of(
        config, hashValues == 0 ? new Sha256BlockHash() : collidingHash(), eviction);
  }

  /**
   * Returns a hash with very few values, so that equal hashes of different content occur.
   *
   * @return one word with {@link #hashValues} values; 3 if that is 0
   */
  public BlockHash collidingHash() {
    return new CollidingHash(hashValues == 0 ? 3 : hashValues);
  }
}
