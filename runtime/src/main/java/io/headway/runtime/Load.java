package io.headway.runtime;

/** A sum over charges. */
final class Load {
  int waiting;
  int running;
  long waitingTokens;
  long contextTokens;
  long blocks;

  /** Adds a charge as waiting or running, or takes it off with sign -1. */
  void add(Charge charge, boolean asRunning, int sign) {
    if (asRunning) {
      running += sign;
      contextTokens += (long) sign * charge.contextTokens;
    } else {
      waiting += sign;
      waitingTokens += (long) sign * charge.waitingTokens;
    }
    blocks += (long) sign * charge.blocks;
  }
}
