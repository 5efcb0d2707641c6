package io.headway.simulator.cluster;

import io.headway.api.Request;
import io.headway.runtime.EngineStats;
import io.headway.simulator.metrics.RequestOutcome;

/** Where requests go: the seam between the cluster loop and whoever routes. */
interface Placement {
  /** Told where a request goes, at once or after it waited at the router. */
  interface Listener {
    /** The request goes to an instance. */
    void placed(int row, Request request, int instance);

    /** The request was turned away. */
    void rejected(int row);
  }

  /** Sets who is told; called once, before anything else. */
  void listener(Listener listener);

  /** Tells the router what an instance reports. */
  void observe(int instance, EngineStats stats, long now);

  /** Decides where a request goes; the listener is told now or later. */
  void place(int row, Request request, long now);

  /** The request executes for the first time. */
  default void started(int row, long now) {}

  /** The request has its first token. */
  default void firstToken(int row, long now) {}

  /** The request is over. */
  default void ended(int row, RequestOutcome outcome, int outputTokens, long now) {}

  /** Returns when time alone may place somebody who waits at the router. */
  default long wakeAtNanos() {
    return Long.MAX_VALUE;
  }

  /** Lets time pass at the router. */
  default void tick(long now) {}

  /**
   * Returns what is wrong with the router's ledgers once everything has ended; empty if nothing.
   */
  default String leftover(long now) {
    return "";
  }
}
