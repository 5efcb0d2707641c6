package io.headway.memory.eviction;

import io.headway.api.Stateless;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/**
 * Evicts the block with the fewest hits since it became matchable; among equals the least recently
 * released one. O(log cached). Counts start anew when content is stored again, so old popularity
 * does not outlive an eviction.
 */
public final class LfuEviction implements EvictionPolicy<Stateless> {
  /** Makes the policy; it has no parameters. */
  public LfuEviction() {}

  @Override
  public String id() {
    return "lfu";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  /** Whoever hits a block hits those before it, too, so that they have no fewer hits. */
  @Override
  public boolean evictsTailFirst() {
    return true;
  }

  @Override
  public int compare(Stateless state, EvictionView view, int a, int b) {
    return Integer.compare(view.hitCount(a), view.hitCount(b));
  }
}
