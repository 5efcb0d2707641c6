package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Spreads cold requests over the instances that have gone without one the longest (llm-d's {@code
 * no-hit-lru} scorer).
 *
 * <p>A request is warm if some candidate holds a block of its prompt; then every candidate scores
 * 0.5. A cold one scores {@code 1 - rank / (n - 1)} over the n candidates, those that never took a
 * cold request first in order of position, then by the time of their last one; a single candidate
 * scores 1. Remembers the last {@code capacity} instances that took a cold request. Cost O(M log M)
 * on cold requests; allocates there.
 */
public final class NoHitLruScorer implements InstanceScorer<NoHitLruScorer.Recent> {
  /** Default for {@code capacity}, in instances. */
  public static final int DEFAULT_CAPACITY = 1024;

  /** Sort keys are (time of the last cold request, position). */
  private static final int POSITION_BITS = 24;

  private final int capacity;

  /**
   * Makes the scorer.
   *
   * @param capacity instances remembered, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public NoHitLruScorer(int capacity) {
    this.capacity = Check.atLeast("capacity", capacity, 1, "instance");
  }

  @Override
  public String id() {
    return "no-hit-lru";
  }

  @Override
  public Recent newState() {
    return new Recent();
  }

  @Override
  public Recent copyOf(Recent state) {
    Recent copy = new Recent();
    copy.order.putAll(state.order);
    copy.clock = state.clock;
    return copy;
  }

  @Override
  public void score(
      Recent state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    state.cold = isCold(request, view, candidate);
    int count = 0;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        score[i] = 0.5;
        count++;
      }
    }
    if (!state.cold) {
      return;
    }
    long[] ranked = new long[count];
    int next = 0;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        long last = state.order.getOrDefault(view.instance(i).id(), 0L);
        ranked[next++] = last << POSITION_BITS | i;
      }
    }
    Arrays.sort(ranked);
    for (int rank = 0; rank < count; rank++) {
      int position = (int) (ranked[rank] & ((1 << POSITION_BITS) - 1));
      score[position] = count == 1 ? 1 : 1 - (double) rank / (count - 1);
    }
  }

  @Override
  public void onPicked(Recent state, Request request, ClusterView view, int position) {
    if (!state.cold) {
      return;
    }
    String id = view.instance(position).id();
    state.order.remove(id);
    state.order.put(id, ++state.clock);
    if (state.order.size() > capacity) {
      state.order.remove(state.order.keySet().iterator().next());
    }
  }

  private static boolean isCold(Request request, ClusterView view, boolean[] candidate) {
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i] && view.matchedBlocks(request, i) > 0) {
        return false;
      }
    }
    return true;
  }

  /** When each instance last took a cold request. Not thread-safe. */
  public static final class Recent {
    private final Map<String, Long> order = new LinkedHashMap<>();
    private long clock;
    private boolean cold;

    private Recent() {}
  }
}
