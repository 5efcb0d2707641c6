package io.headway.simulator.metrics;

/** What became of a request of the workload. */
public enum RequestOutcome {
  /** It had not ended when the simulation did. */
  UNFINISHED,
  /** All of its output was made. */
  FINISHED,
  /** The router or the scheduler refused it, or it could never fit. */
  REJECTED,
  /** It was cancelled or its deadline passed. */
  EXPIRED,
  /** It was accepted and failed. */
  FAILED
}
