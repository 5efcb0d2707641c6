package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Decides in which order cached KV blocks die when an allocation needs more blocks than are free.
 *
 * <p>The pool takes blocks without content first and asks only about cached ones; blocks that are
 * referenced, pinned or part of a transfer are never candidates. The answer is an order, not an
 * action, so that an attempt that fails or is rolled back leaves no trace in the policy: {@link
 * #compare} must not change the state.
 *
 * @param <S> state the policy keeps; {@link io.headway.api.Stateless} if none
 */
@ImplementedByUsers
public interface EvictionPolicy<S> extends SchedulingPolicy<S> {

  /** When the rank of a block may change, which decides the structure blocks are kept in. */
  enum RankChange {
    /**
     * The pool's own order: least recently released first, free and cached blocks in one queue,
     * O(1). {@link #compare} is not called.
     */
    POOL_ORDER,
    /** The rank is fixed while a block stays unreferenced: kept in a heap, O(log cached). */
    FIXED,
    /** Any rank may change at any time: searched anew for each victim, O(cached). */
    ANY_TIME
  }

  /**
   * Returns when ranks may change.
   *
   * @return {@link RankChange#FIXED} by default
   */
  default RankChange rankChange() {
    return RankChange.FIXED;
  }

  /**
   * Returns whether a block outlives the cached blocks that continue it, as long as owners give
   * their deepest block back first and no copy between tiers delays one: nothing is then kept that
   * no hit can reach. A pool tells it on ({@link KvPoolView#evictsTailFirst}), and the decision log
   * says so where it is not promised.
   *
   * @return by default whether ranks are the {@linkplain RankChange#POOL_ORDER pool's own order}
   */
  default boolean evictsTailFirst() {
    return rankChange() == RankChange.POOL_ORDER;
  }

  /**
   * Compares two cached blocks.
   *
   * @param state state of this policy, not to be changed
   * @param view what is known about blocks
   * @param a cached block
   * @param b another cached block
   * @return negative if {@code a} is evicted before {@code b}, positive if after, 0 to leave it to
   *     the pool's own order
   */
  int compare(S state, EvictionView view, int a, int b);
}
