package io.headway.api.batching;

/**
 * Why a request ended. Every accepted request ends exactly once. New reasons may appear in a minor
 * version.
 */
public enum End {
  /** The engine reported a stop token or its own stop rule. */
  STOPPED,
  /** The declared output cap was reached. */
  LENGTH,
  /** The caller cancelled it. */
  CANCELLED,
  /** Its deadline passed. */
  EXPIRED,
  /** Its step failed more often than it may be retried. */
  FAILED,
  /** It can never be served with this capacity. */
  NEVER_FITS,
  /** The scheduler was drained before it ran. */
  DRAINED,
  /** Another instance took it over. */
  HANDED_OVER
}
