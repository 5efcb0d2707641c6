package io.headway.runtime;

import io.headway.api.ImplementedByUsers;
import io.headway.api.batching.End;

/**
 * Observes a scheduler for metrics. Primitive arguments, empty defaults, called on the scheduler's
 * thread. A listener must not call the scheduler. What it throws does not disturb the call that it
 * observes: it is counted and warned about, and in strict mode thrown by the next call of {@link
 * EngineScheduler#next}.
 */
@ImplementedByUsers
public interface RuntimeListener {
  /** The listener that ignores everything. */
  RuntimeListener NONE = new RuntimeListener() {};

  /**
   * A request was accepted.
   *
   * @param handle the request
   * @param nowNanos caller's clock
   */
  default void accepted(long handle, long nowNanos) {}

  /**
   * A queued request got a slot: for the first time, or again after a preemption.
   *
   * @param handle the request
   * @param waitedNanos since its arrival
   * @param cachedTokens tokens it need not compute: from the prefix cache, or swapped back in
   */
  default void started(long handle, long waitedNanos, int cachedTokens) {}

  /**
   * A running request lost its slot.
   *
   * @param handle the request
   * @param preemptions how often this happened to it
   */
  default void preempted(long handle, int preemptions) {}

  /**
   * A plan was handed out.
   *
   * @param stepId its number
   * @param rows its rows
   * @param tokens its tokens
   */
  default void planned(long stepId, int rows, int tokens) {}

  /**
   * A plan was completed.
   *
   * @param stepId its number
   * @param elapsedNanos as reported by the engine
   * @param outputTokens tokens delivered
   */
  default void completed(long stepId, long elapsedNanos, int outputTokens) {}

  /**
   * A plan was lost as a whole; its requests are computed again or ended.
   *
   * @param stepId its number
   */
  default void failed(long stepId) {}

  /**
   * A request is over.
   *
   * @param handle the request
   * @param end why
   * @param outputTokens length of its output, tokens delivered by another instance included
   */
  default void ended(long handle, End end, int outputTokens) {}

  /**
   * The guard replaced a faulty policy for one decision.
   *
   * @param violations faults so far
   * @param disabled whether the policy stays off from now on
   */
  default void guarded(long violations, boolean disabled) {}

  /**
   * The policy was put back into use after a fault, in guard or strict mode, or by {@link
   * EngineScheduler#enablePolicy}: with new state, told of everyone who is there. What it had
   * counted before is lost.
   *
   * @param violations faults so far
   */
  default void policyRestarted(long violations) {}
}
