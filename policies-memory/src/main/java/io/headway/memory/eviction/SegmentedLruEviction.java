package io.headway.memory.eviction;

import io.headway.api.Stateless;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/**
 * Evicts the least recently released block that was hit at most once, and others only when none is
 * left: the segmented LRU of SGLang's radix cache, with a protection threshold of {@value
 * #PROTECTED_HITS} hits. O(log cached).
 */
public final class SegmentedLruEviction implements EvictionPolicy<Stateless> {
  /** Hits from which on a block is protected. */
  public static final int PROTECTED_HITS = 2;

  /** Makes the policy; it has no parameters. */
  public SegmentedLruEviction() {}

  @Override
  public String id() {
    return "slru";
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
    int segment =
        Boolean.compare(view.hitCount(a) >= PROTECTED_HITS, view.hitCount(b) >= PROTECTED_HITS);
    return segment != 0 ? segment : Long.compare(view.releasedTick(a), view.releasedTick(b));
  }
}
