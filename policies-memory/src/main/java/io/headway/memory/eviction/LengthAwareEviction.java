package io.headway.memory.eviction;

import io.headway.api.Stateless;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/**
 * Evicts the block with the fewest hits, and among those the one nearest the start of its chain, so
 * that blocks deep in long prompts, which are dear to recompute, are kept; among equals the least
 * recently released one (Mooncake, Qin et al., FAST 2025). O(log cached).
 *
 * <p>The paper says "prioritising blocks that occur later in requests"; that the earlier one goes
 * first is our reading. An ancestor that is gone makes its descendants unreachable until it is
 * computed again. Departure: counts start anew when content is stored again.
 */
public final class LengthAwareEviction implements EvictionPolicy<Stateless> {
  /** Makes the policy; it has no parameters. */
  public LengthAwareEviction() {}

  @Override
  public String id() {
    return "length-aware";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int compare(Stateless state, EvictionView view, int a, int b) {
    int hits = Integer.compare(view.hitCount(a), view.hitCount(b));
    return hits != 0 ? hits : Integer.compare(view.chainIndex(a), view.chainIndex(b));
  }
}
