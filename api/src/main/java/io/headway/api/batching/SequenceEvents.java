package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;

/**
 * What happens to sequences, told to a policy so that it can keep its state up to date in
 * O(changed). Every method is empty by default. Called on the scheduler's thread, after the view
 * shows the change, and from within the draft for what the draft accepts.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface SequenceEvents<S> {
  /**
   * A sequence entered the queue: it arrived, or was preempted ({@link BatchView#preemptions}
   * tells), or its failed step is retried.
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence now waiting or swapped
   */
  default void onQueued(S state, BatchView view, int sequence) {}

  /**
   * A sequence left the queue and runs.
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence now running
   * @param cachedTokens prompt tokens it need not compute
   */
  default void onAdmitted(S state, BatchView view, int sequence, int cachedTokens) {}

  /**
   * A running sequence is about to go back to the queue; {@link #onQueued} follows.
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence the victim
   */
  default void onPreempted(S state, BatchView view, int sequence) {}

  /**
   * A completed iteration served a sequence. Not called for results that are dropped (cancelled,
   * expired or failed rows).
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence who was served
   * @param prefillTokens prompt or recomputed tokens computed
   * @param outputTokens tokens emitted; may be more than one under speculation or when several
   *     iterations are reported at once
   */
  default void onServed(
      S state, BatchView view, int sequence, int prefillTokens, int outputTokens) {}

  /**
   * Returns whether one {@link #onServed} with k output tokens leaves this state as k calls with
   * one each would, bit for bit and in whatever order sequences are served. A stateful part that
   * does not say so is never fast-forwarded.
   *
   * @return false by default
   */
  default boolean servedInBulk() {
    return false;
  }

  /**
   * A sequence is over. Its number may be reused after this call.
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence the sequence
   * @param end why it ended
   */
  default void onEnded(S state, BatchView view, int sequence, End end) {}

  /**
   * A tenant without live requests is forgotten because too many are known; its number may be given
   * to another.
   *
   * @param state the policy's state
   * @param tenant the number
   */
  default void onTenantForgotten(S state, int tenant) {}
}
