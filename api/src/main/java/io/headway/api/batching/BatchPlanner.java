package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.SchedulingPolicy;

/**
 * Decides, once per window and outside the fast path, an order or whole batches for the waiting
 * sequences: annealing, slices, buckets, groups.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface BatchPlanner<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /** Receives the plan. Sequences never appended keep the queue's order behind those that were. */
  @ProvidedByRuntime
  interface PlannedOrder {
    /**
     * Appends a waiting sequence.
     *
     * @param sequence waiting, not appended before
     * @throws io.headway.api.PolicyViolationException if it is not waiting or stands in the plan
     *     already
     */
    void append(int sequence);

    /** Closes a batch: what follows starts only when everything before has ended. */
    void endBatch();
  }

  /**
   * Plans anew.
   *
   * @param state the planner's state
   * @param view the instance
   * @param order where the plan is written
   */
  void plan(S state, BatchView view, PlannedOrder order);

  /**
   * Returns when to plan next.
   *
   * @param state the planner's state
   * @param view the instance
   * @return nanoseconds on the caller's clock
   */
  long nextPlanNanos(S state, BatchView view);
}
