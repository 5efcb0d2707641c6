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
   * An iteration has completed. Told once per iteration, before {@link #onEnded} of those it ends;
   * results that are dropped (cancelled, expired or failed rows) do not count.
   *
   * @param state the policy's state
   * @param view the instance, which shows the whole iteration
   * @param served who was served, at least one sequence; lent for this call
   */
  default void onServed(S state, BatchView view, ServedSequences served) {}

  /**
   * Returns for how many iterations, each of one output token per running sequence, one {@link
   * #onServed} of them all leaves this state as one per iteration would, bit for bit. Asked of the
   * stateful parts of a policy, while the plan just drafted is in flight, so that the policy can
   * answer {@link BatchingPolicy#repeatableIterations}.
   *
   * @param state the policy's state
   * @param view the instance
   * @return iterations, {@link Integer#MAX_VALUE} for any number; 0 (the default) promises nothing
   */
  default int bulkIterations(S state, BatchView view) {
    return 0;
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
