package io.headway.testkit.subject;

/** Whether a row yields a token. */
public enum Emission {
  /** If it reaches the last token that is known: what most schedulers mean. */
  WHEN_CAUGHT_UP,
  /** It does. */
  YES,
  /** It does not. */
  NO
}
