package io.headway.simulator.cluster;

import io.headway.api.Request;
import io.headway.runtime.EngineStats;

/** Where requests go: the seam between the cluster loop and whoever routes. */
interface Placement {
  /** The request was turned away. */
  int REJECTED = -1;

  /** The request waits at the router. */
  int QUEUED = -2;

  /**
   * Returns whether decisions depend on what instances report, so that they must be observed before
   * each.
   */
  boolean readsLoad();

  /** Tells the router what an instance reports. */
  void observe(int instance, EngineStats stats, long now);

  /** Decides where a request goes; an instance index, {@link #REJECTED} or {@link #QUEUED}. */
  int place(int row, Request request, long now);

  /** The request is over. */
  void ended(int row, boolean completed, int outputTokens, long now);
}
