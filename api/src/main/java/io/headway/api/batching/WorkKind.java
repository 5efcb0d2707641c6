package io.headway.api.batching;

/** What a row of a batch computes. */
public enum WorkKind {
  /** One token whose predecessor was just emitted. */
  DECODE,
  /** One emitted token and drafted tokens behind it, verified together. */
  VERIFY,
  /** Prompt tokens, or tokens recomputed after a preemption. */
  PREFILL
}
