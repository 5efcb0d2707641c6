package io.headway.api.batching;

/** Where a preempted sequence enters the arrival-ordered queue. */
public enum QueueEnd {
  /** Before all others. */
  HEAD,
  /** After all others. */
  TAIL
}
