package io.headway.routing.instance;

import io.headway.api.Instance;

/**
 * Decides between candidates of equal score. Both ways are deterministic and end in the lowest id.
 */
public enum TieBreak {
  /**
   * The candidate that this router has left alone the longest ({@link Instance#lastRouted()}), then
   * the lowest id. Equal instances get equal shares even when every request is over before the next
   * arrives.
   */
  LEAST_RECENT,
  /** The lowest id, as the published baselines scan their lists. */
  LOWEST_ID;

  /**
   * Returns whether a candidate found later in ascending order of id replaces the best so far.
   *
   * @param later the candidate found later
   * @param best the best so far, of equal score
   * @return true if {@code later} wins the tie
   */
  boolean replaces(Instance later, Instance best) {
    return this == LEAST_RECENT && later.lastRouted() < best.lastRouted();
  }
}
