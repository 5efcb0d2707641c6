package io.headway.api.batching;

/** Where a live sequence stands. */
public enum SequenceState {
  /** In the queue, holding no KV: new, or preempted by recompute. */
  WAITING,
  /** In the queue with its KV in host memory: preempted by swap. */
  SWAPPED,
  /** Holds a slot and blocks; may be scheduled. */
  RUNNING,
  /** Its KV is on the way to or from another instance; cannot be scheduled. */
  MIGRATING,
  /** Over; its memory may still be in use by a plan in flight. */
  FINISHED
}
