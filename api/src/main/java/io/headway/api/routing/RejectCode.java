package io.headway.api.routing;

/** Why a request was not accepted. New codes may appear in a minor version. */
public enum RejectCode {
  /** No instance is up, ready and of the right role. */
  NO_CANDIDATE,
  /** Larger than any instance can ever hold. */
  NEVER_FITS,
  /** The cluster is overloaded. */
  OVERLOAD,
  /** A latency target cannot be met. */
  LATENCY_TARGET,
  /** The deadline cannot be met. */
  DEADLINE,
  /** The queue in front of the cluster is full. */
  QUEUE_FULL,
  /** The caller gave up while the request was queued at the router. */
  CANCELLED
}
