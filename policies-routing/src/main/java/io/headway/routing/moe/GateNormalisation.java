package io.headway.routing.moe;

/** What the gates of a token's pairs are divided by. */
public enum GateNormalisation {
  /** Nothing: the gate is the score itself. */
  NONE,
  /** The sum over all chosen experts, before dropping: gates sum to 1 if nothing is dropped. */
  CHOSEN,
  /** The sum over the pairs that were kept: gates of a routed token always sum to 1. */
  KEPT
}
