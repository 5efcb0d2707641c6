package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.SchedulingPolicy;

/**
 * Decides in which tier cached KV content is kept: what is copied to the host before it dies, what
 * is fetched before its sequence is admitted. Asked when a sequence is queued, when it ends and
 * when a transfer ends; the pool carries a wish out by {@link KvBlockPool#promote} and {@link
 * KvBlockPool#demote} as far as room allows.
 *
 * @param <S> state the policy keeps; {@link io.headway.api.Stateless} if none
 */
@ImplementedByUsers
public interface TierPolicy<S> extends SchedulingPolicy<S> {
  /** What a tier policy sees: the pool, the queue and what moving and recomputing cost. */
  @ProvidedByRuntime
  interface TierView {
    /**
     * Returns the pool.
     *
     * @return its counts and lookups
     */
    KvPoolView pool();

    /**
     * Returns the waiting sequences in the order in which they will be admitted.
     *
     * @return a live view
     */
    KvQueueView queue();

    /**
     * Returns the time of this decision.
     *
     * @return nanoseconds on the caller's clock
     */
    long nowNanos();

    /**
     * Returns how long a transfer between the device and another tier takes.
     *
     * @param tier the other tier
     * @param blocks how many blocks
     * @return nanoseconds; {@link Long#MAX_VALUE} if the tier does not exist
     */
    long transferNanos(KvTier tier, int blocks);

    /**
     * Returns how long computing tokens anew takes.
     *
     * @param tokens how many
     * @param historyTokens tokens before them whose KV is there
     * @return nanoseconds
     */
    long recomputeNanos(int tokens, int historyTokens);
  }

  /** Receives wishes. One that there is no room for is passed over and changes nothing. */
  @ProvidedByRuntime
  interface TierDraft {
    /**
     * Wishes content to be copied to the device.
     *
     * @param keys the content
     * @param upToTokens leading tokens wanted there
     */
    void promote(BlockKeyChain keys, int upToTokens);

    /**
     * Wishes content to be copied to the host.
     *
     * @param keys the content
     * @param upToTokens leading tokens wanted there
     */
    void demote(BlockKeyChain keys, int upToTokens);
  }

  /**
   * Decides what to move.
   *
   * @param state state of this policy
   * @param view pool, queue and costs
   * @param draft where wishes are written
   */
  void plan(S state, TierView view, TierDraft draft);
}
