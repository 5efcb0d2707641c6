package io.headway.memory.eviction;

import io.headway.api.Stateless;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/**
 * Evicts blocks that no waiting request in a look-ahead window will ask for, least recently
 * released first, and only then others: the scheduler-aware eviction of CachedAttention (Gao et
 * al., USENIX ATC 2024) at the granularity of blocks instead of sessions.
 *
 * <p>Needs a queue view ({@link io.headway.api.memory.KvBlockPool#observeQueue}); without one it is
 * LRU. Departure: inside the window the paper evicts from its tail first, here the least recently
 * released goes first. O(cached * window) per victim.
 */
public final class QueueAwareEviction implements EvictionPolicy<Stateless> {
  /** Default of {@code windowRequests}. */
  public static final int DEFAULT_WINDOW_REQUESTS = 32;

  private final int windowRequests;

  /**
   * Makes the policy.
   *
   * @param windowRequests waiting requests to look at, nearest first, at least 1
   * @throws IllegalArgumentException if {@code windowRequests} is below 1
   */
  public QueueAwareEviction(int windowRequests) {
    if (windowRequests < 1) {
      throw new IllegalArgumentException(
          "windowRequests must be at least 1 request, but was " + windowRequests);
    }
    this.windowRequests = windowRequests;
  }

  @Override
  public String id() {
    return "queue-aware";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public RankChange rankChange() {
    return RankChange.ANY_TIME;
  }

  @Override
  public int compare(Stateless state, EvictionView view, int a, int b) {
    int wanted =
        Boolean.compare(
            view.wantedByQueue(a, windowRequests), view.wantedByQueue(b, windowRequests));
    return wanted != 0 ? wanted : Long.compare(view.releasedTick(a), view.releasedTick(b));
  }
}
