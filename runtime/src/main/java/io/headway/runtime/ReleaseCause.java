package io.headway.runtime;

/** Why a routed request is over. */
public enum ReleaseCause {
  /** It ended normally; the only cause that learning parts look at. */
  COMPLETED,
  /** The client went away. */
  CLIENT_DISCONNECT,
  /** The instance gave it up, for instance to make room. */
  EVICTED,
  /** The instance failed or could not be reached. */
  UPSTREAM_ERROR,
  /** The gateway's own time limit. */
  TIMEOUT,
  /** The ticket was closed without a release. */
  UNKNOWN
}
