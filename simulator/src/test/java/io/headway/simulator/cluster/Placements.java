package io.headway.simulator.cluster;

import io.headway.api.Request;
import io.headway.runtime.EngineStats;

/** Placements that need no cluster scheduler. */
final class Placements {
  private Placements() {}

  static Placement roundRobin(int instances) {
    return new Placement() {
      private int next;

      private Listener told;

      @Override
      public void listener(Listener listener) {
        told = listener;
      }

      @Override
      public void observe(int instance, EngineStats stats, long now) {}

      @Override
      public void place(int row, Request request, long now) {
        told.placed(row, request, next++ % instances);
      }
    };
  }

  /**
   * Sends a request to whoever reports the least of everything, so that any difference in what is
   * observed changes the run.
   */
  static Placement leastOfEverything(int instances) {
    return new Placement() {
      private final long[] load = new long[instances];

      private Listener told;

      @Override
      public void listener(Listener listener) {
        told = listener;
      }

      @Override
      public void observe(int instance, EngineStats s, long now) {
        load[instance] =
            1_000L * s.waiting()
                + 100L * s.running()
                + s.usedBlocks()
                + s.runningContextTokens()
                + s.outputTokens() % 7
                + s.steps() % 5;
      }

      @Override
      public void place(int row, Request request, long now) {
        int best = 0;
        for (int i = 1; i < instances; i++) {
          best = load[i] < load[best] ? i : best;
        }
        told.placed(row, request, best);
      }
    };
  }
}
