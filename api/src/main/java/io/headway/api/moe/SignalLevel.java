package io.headway.api.moe;

/** How much a router computes beside the decision itself. */
public enum SignalLevel {
  /** Assignments and drops only: the serving path. */
  NONE,
  /** The balance losses and the statistics they are made of. */
  LOSSES,
  /** Everything the router can tell about how it decided. */
  ALL
}
