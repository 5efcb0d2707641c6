package io.headway.memory.eviction;

import io.headway.api.Stateless;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/**
 * Evicts the least recently released block: the order of the pool's free queue itself, as in vLLM's
 * version 1. Since owners release their deepest block first, a chain dies from its end. O(1).
 */
public final class LruEviction implements EvictionPolicy<Stateless> {
  /** Makes the policy; it has no parameters. */
  public LruEviction() {}

  @Override
  public String id() {
    return "lru";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public RankChange rankChange() {
    return RankChange.POOL_ORDER;
  }

  @Override
  public int compare(Stateless state, EvictionView view, int a, int b) {
    return Long.compare(view.releasedTick(a), view.releasedTick(b));
  }
}
