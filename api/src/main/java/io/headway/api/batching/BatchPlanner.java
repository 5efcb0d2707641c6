package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.SchedulingPolicy;

/**
 * Decides, once per window and outside the fast path, an order or whole batches for the waiting
 * sequences: annealing, slices, buckets, groups.
 *
 * <p>A composed policy asks its planner in the first decision in which {@link #nextPlanNanos} is
 * reached and the composition wants to know who is next; not while nobody waits, and not while the
 * composition has no room for anybody. The plan stands until the next one: a planned sequence keeps
 * its place when it is set aside, refused or preempted to the head of the queue, and leaves it when
 * it ends or is preempted to the tail. A batch closed by {@link PlannedOrder#endBatch} that still
 * runs when a new plan is made counts as standing before it.
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

    /** Closes a group that may start together: what follows starts in a later iteration. */
    void endIteration();
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
   * Returns when to plan next: a time that has come for "as soon as somebody asks".
   *
   * @param state the planner's state
   * @param view the instance
   * @return nanoseconds on the caller's clock; {@link Long#MAX_VALUE} if only an event can make a
   *     new plan necessary
   */
  long nextPlanNanos(S state, BatchView view);
}
