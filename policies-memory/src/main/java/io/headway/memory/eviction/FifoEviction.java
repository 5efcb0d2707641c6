package io.headway.memory.eviction;

import io.headway.api.Stateless;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/**
 * Evicts the block that became matchable first, whatever was hit since; among equals the least
 * recently released one. O(log cached).
 */
public final class FifoEviction implements EvictionPolicy<Stateless> {
  /** Makes the policy; it has no parameters. */
  public FifoEviction() {}

  @Override
  public String id() {
    return "fifo";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int compare(Stateless state, EvictionView view, int a, int b) {
    return Long.compare(view.storedTick(a), view.storedTick(b));
  }
}
