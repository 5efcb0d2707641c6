package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Decides the order of the waiting queue: a total order whose last tie-break is {@link
 * BatchView#compareArrival}.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface QueueOrder<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /** When keys may change, which decides the structure the queue is kept in. */
  enum KeyChange {
    /**
     * The queue's own order: arrivals by (arrival, id), preempted ones where they were put. {@link
     * #compare} is not called.
     */
    QUEUE_ORDER,
    /** A key is fixed while its sequence waits, but for what {@link #refresh} reports. */
    FIXED,
    /**
     * The key of a tenant changes; within a tenant the order is fixed. {@link #compareTenants}
     * orders tenants.
     */
    PER_TENANT,
    /**
     * Any key may change between two decisions, and by an admission or preemption within one:
     * sorted anew whenever that happened and the queue is looked at.
     */
    ANY_TIME
  }

  /**
   * Returns when keys may change.
   *
   * @return {@link KeyChange#FIXED} by default
   */
  default KeyChange keyChange() {
    return KeyChange.FIXED;
  }

  /**
   * Brings keys up to date before they are compared: promotions of those who waited too long,
   * refills, whatever else depends on time or on who waits. Called when a decision first looks at
   * the queue or compares, and again after each admission and preemption of that decision; not at
   * all by a decision that needs no order.
   *
   * @param state the policy's state
   * @param view the instance
   * @param changes told of every queued sequence whose key changed, as {@link KeyChange#FIXED}
   *     requires; with {@link KeyChange#PER_TENANT} the keys of tenants change by events only
   */
  default void refresh(S state, BatchView view, RankChanges changes) {}

  /**
   * Compares two sequences; with {@link KeyChange#PER_TENANT}, two of the same tenant.
   *
   * @param state the policy's state
   * @param view the instance
   * @param a a live sequence
   * @param b a live sequence
   * @return negative if {@code a} goes first; 0 only if {@code a == b}
   */
  int compare(S state, BatchView view, int a, int b);

  /**
   * Compares two tenants; used with {@link KeyChange#PER_TENANT} only.
   *
   * @param state the policy's state
   * @param view the instance
   * @param a a tenant number
   * @param b a tenant number
   * @return negative if {@code a}'s sequences go first; 0 only if {@code a == b}
   */
  default int compareTenants(S state, BatchView view, int a, int b) {
    throw new IllegalStateException(
        "queue order '" + id() + "' declares PER_TENANT keys but does not compare tenants");
  }
}
