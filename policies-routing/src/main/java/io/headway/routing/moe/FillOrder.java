package io.headway.routing.moe;

/**
 * In which order tokens fill the slots of their experts. Always choice-major: every first choice,
 * then every second choice, and so on.
 */
public enum FillOrder {
  /** Token 0, 1, 2, ... */
  TOKEN,
  /** By descending probability of the token's first choice; equal ones by ascending token. */
  PRIORITY_MAX,
  /**
   * By descending sum of the probabilities of the token's choices, which is 1 where the others have
   * none; equal ones by token.
   */
  PRIORITY_SUM
}
