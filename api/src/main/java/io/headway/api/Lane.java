package io.headway.api;

/** Which traffic a request belongs to, for policies that run both on one instance. */
public enum Lane {
  /** Somebody waits for the answer: the default. */
  INTERACTIVE,
  /** Asynchronous batch work, which fills what interactive work leaves free. */
  BATCH
}
