package io.headway.runtime;

import org.jspecify.annotations.Nullable;

/**
 * What one request costs one instance, from the decision that sends it there until it is over or
 * sent elsewhere. Guarded by the cluster's lock.
 */
final class Charge {
  /** Null once the charge is closed, so that what is remembered of it keeps no request alive. */
  @Nullable Ticket ticket;

  /** Null once the charge is closed. */
  @Nullable Member member;

  /** Prompt tokens to compute there while it waits; 0 where only decodes run. */
  int waitingTokens;

  /** Context it holds there once it runs. */
  int contextTokens;

  int blocks;
  long dispatchedAt;
  boolean started;
  long startedAt;

  /** Whether an observation newer than the dispatch counts this request. */
  boolean observed;

  /** Whether the observation counts it as running although it is over. */
  boolean countedAsRunning;

  /** When it was closed. */
  long overAt;

  /** In the member's backlog; -1 if nothing was predicted. */
  int backlogEntry = -1;

  /** In the order of dispatch at its member. */
  @Nullable Charge olderOpen;

  @Nullable Charge newerOpen;

  /** In the member's list of charges not observed yet, or over but still observed. */
  @Nullable Charge older;

  @Nullable Charge newer;

  Charge(Ticket ticket) {
    this.ticket = ticket;
  }
}
