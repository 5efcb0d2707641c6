package io.headway.api.memory;

import io.headway.api.ProvidedByRuntime;

/**
 * Answers what a KV pool holds and what it could do, without changing anything: neither reference
 * counts nor recency. What policies see of a pool.
 *
 * <p>Owners are handles made by {@link KvBlockPool#open}: a dense index in the low 32 bits and an
 * epoch in the high 32 bits, so that the handle of a released owner is unknown for ever and never
 * names somebody else.
 *
 * <p>Not thread-safe: a view is read on the thread that drives the pool.
 */
@ProvidedByRuntime
public interface KvPoolView {
  /** A handle that no owner ever has. */
  long NO_OWNER = -1;

  /**
   * Returns who owns the memory.
   *
   * @return the mode of this pool, fixed for its life
   */
  KvMode mode();

  /**
   * Returns the layout of this pool.
   *
   * @return the geometry, fixed for its life
   */
  KvGeometry geometry();

  /**
   * Returns the formula by which this pool, and everyone who predicts it, turns lengths into
   * blocks.
   *
   * @return the footprint over all groups, fixed for the pool's life
   */
  KvFootprint footprint();

  /**
   * Returns how many blocks of a tier are in a state. Over all states the counts add up to the
   * blocks of the tier, after every call.
   *
   * @param tier tier of memory
   * @param state state of a block
   * @return blocks, at least 0; 0 for tiers this pool does not have
   */
  int count(KvTier tier, BlockState state);

  /**
   * Returns the device blocks that sequences can use at all: all but the null block.
   *
   * @return blocks, at least 0
   */
  int usableBlocks();

  /**
   * Returns the device blocks that an allocation could take now: free ones and cached ones.
   *
   * @return blocks, at least 0
   */
  int availableBlocks();

  /**
   * Returns the blocks that admissions leave available by the pool's own configuration. Growth of
   * running owners may use them.
   *
   * @return blocks, at least 0
   */
  int watermarkBlocks();

  /**
   * Returns whether cached content dies from its end: no block is evicted while a block that
   * continues it stays matchable, as long as owners are released {@linkplain
   * ReleaseOrder#DEEPEST_FIRST deepest block first}. A block that a copy to another tier reads
   * becomes evictable when that ends, whatever continues it. What a lookup finds is contiguous
   * either way.
   *
   * @return true if the order of eviction promises it, or nothing is cached; fixed for the pool's
   *     life
   */
  boolean evictsTailFirst();

  /**
   * Looks up a chain. A hit is contiguous from token 0, a whole number of blocks, and verified by
   * content. Costs O(hit blocks).
   *
   * @param keys what to look up
   * @param limitTokens most tokens to report, at least 0; for a prompt of n tokens pass n - 1
   * @param into receives the result
   * @throws IllegalArgumentException if the chain's block size is not the pool's or the limit is
   *     negative
   */
  void probe(BlockKeyChain keys, int limitTokens, KvProbe into);

  /**
   * Returns what {@link KvBlockPool#tryAllocate} would answer for a new owner with these keys and
   * this demand, by the very same arithmetic.
   *
   * @param keys what may be hit; a chain without blocks if nothing
   * @param demand what would be asked for
   * @return the outcome; nothing was changed
   */
  KvOutcome check(BlockKeyChain keys, KvDemand demand);

  /**
   * Returns whether a handle names a live owner: opened, and not yet released for good.
   *
   * @param owner any value
   * @return true if calls with this handle are legal
   */
  boolean isLive(long owner);

  /**
   * Returns the kind of an owner.
   *
   * @param owner live owner
   * @return its kind
   * @throws IllegalArgumentException if the owner is not live
   */
  OwnerKind kind(long owner);

  /**
   * Returns the tier in which an owner's blocks are: the device, or the host while it is swapped.
   *
   * @param owner live owner
   * @return {@link KvTier#DEVICE} or {@link KvTier#HOST}
   * @throws IllegalArgumentException if the owner is not live
   */
  KvTier tier(long owner);

  /**
   * Returns the length up to which an owner last asked for room or published. Callers that do not
   * call the pool within a block know the true length better; both need the same blocks.
   *
   * @param owner live owner
   * @return tokens, 0 before the first allocation
   * @throws IllegalArgumentException if the owner is not live
   */
  int lengthTokens(long owner);

  /**
   * Returns up to which length an owner may write without calling the pool: the end of its last
   * block, or its length where the next write would touch a block that is shared or cached and must
   * be copied first. Changes with every call that names the owner, and with {@link
   * KvBlockPool#fork}.
   *
   * @param owner live owner
   * @return tokens, at least {@code lengthTokens(owner)}
   * @throws IllegalArgumentException if the owner is not live
   */
  int writableTokens(long owner);

  /**
   * Returns the leading tokens that the owner's first allocation took from the prefix cache.
   *
   * @param owner live owner
   * @return tokens, a multiple of the block size
   * @throws IllegalArgumentException if the owner is not live
   */
  int hitTokens(long owner);

  /**
   * Returns the leading tokens of an owner whose blocks are matchable or were already when it took
   * them.
   *
   * @param owner live owner
   * @return tokens, a multiple of the block size
   * @throws IllegalArgumentException if the owner is not live
   */
  int publishedTokens(long owner);

  /**
   * Returns the length of an owner's block table in one group.
   *
   * @param owner live owner
   * @param groupId group of the geometry
   * @return table entries; in an accounted pool the units that the owner holds
   * @throws IllegalArgumentException if the owner is not live
   */
  int blockCount(long owner, int groupId);

  /**
   * Returns one entry of an owner's block table.
   *
   * @param owner live owner
   * @param groupId group of the geometry
   * @param index 0 to {@code blockCount(owner, groupId) - 1}
   * @return block id in {@code tier(owner)}
   * @throws IllegalArgumentException if the owner is not live
   * @throws IllegalStateException if the pool has no block ids ({@link KvMode#ACCOUNTED})
   */
  int block(long owner, int groupId, int index);

  /**
   * Returns the counts of this pool as a value.
   *
   * @return a new snapshot
   */
  KvPoolSnapshot snapshot();
}
