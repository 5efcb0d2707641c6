package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which sequences run in the next iteration and how many tokens of each, given an order, an
 * admission test and a victim selector.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface BatchComposer<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /**
   * As {@link BatchingPolicy#canServe}.
   *
   * @param state the composer's state
   * @param view the instance
   * @param request who asks
   * @return true (the default) to accept
   */
  default boolean canServe(S state, BatchView view, Request request) {
    return true;
  }

  /**
   * Returns whether queued sequences start in the policy's order: nobody is passed but one that was
   * refused for want of an adapter.
   *
   * @return false by default, which promises nothing
   */
  default boolean keepsOrder() {
    return false;
  }

  /**
   * Drafts the batch.
   *
   * @param state the composer's state
   * @param context the instance, the draft and the other parts
   */
  void compose(S state, BatchContext context);

  /**
   * As {@link BatchingPolicy#wakeAtNanos}.
   *
   * @param state the composer's state
   * @param view the instance
   * @return nanoseconds; {@link Long#MAX_VALUE} by default
   */
  default long wakeAtNanos(S state, BatchView view) {
    return Long.MAX_VALUE;
  }

  /**
   * As {@link BatchingPolicy#repeatableIterations}, provided that whoever was refused in this
   * decision stays refused. Not asked if somebody was preempted, or should have been.
   *
   * @param state the composer's state
   * @param view the instance
   * @return iterations; 0 by default
   */
  default int repeatableIterations(S state, BatchView view) {
    return 0;
  }
}
