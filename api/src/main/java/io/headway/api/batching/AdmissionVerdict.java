package io.headway.api.batching;

/** The answer of an admission test. */
public enum AdmissionVerdict {
  /** May start now. */
  YES,
  /** Not now; ask again when something has changed. */
  LATER,
  /** Can never be served. */
  NEVER
}
