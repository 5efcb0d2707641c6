package io.headway.memory.pool;

import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionPolicy.RankChange;
import io.headway.api.memory.EvictionView;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds the cached block that an eviction policy wants gone first. Blocks whose rank is fixed are
 * kept in an indexed binary heap; where ranks may change at any time the cached queue is searched.
 * The result depends on the set of blocks alone, never on the history of the heap, since ties end
 * in the pool's own order.
 *
 * @param <S> state of the policy
 */
final class BlockRanking<S> {
  private static final int NONE = BlockTier.NONE;

  private final EvictionPolicy<S> policy;
  private final S state;
  private final EvictionView view;
  private final boolean heaped;
  private final int newest;

  private int[] heap = {};
  private int[] place = {};
  private int size;

  /**
   * @param newestFirst whether the pool's own order takes the most recently released block first
   */
  BlockRanking(EvictionPolicy<S> policy, EvictionView view, boolean newestFirst) {
    this.policy = policy;
    this.state = policy.newState();
    this.view = view;
    this.heaped = policy.rankChange() == RankChange.FIXED;
    this.newest = newestFirst ? -1 : 1;
  }

  void add(int block) {
    if (!heaped) {
      return;
    }
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, Math.max(64, 2 * size));
    }
    if (block >= place.length) {
      place = Arrays.copyOf(place, Math.max(block + 1, 2 * place.length));
    }
    set(size++, block);
    up(size - 1);
  }

  void remove(int block) {
    if (!heaped) {
      return;
    }
    int gap = place[block];
    int last = heap[--size];
    if (gap < size) {
      set(gap, last);
      up(gap);
      down(place[last]);
    }
  }

  /** Returns the first victim, or {@link BlockTier#NONE} if nothing is cached. */
  int first(BlockTier tier) {
    return heaped ? (size == 0 ? NONE : heap[0]) : search(tier, null, 0);
  }

  /** Returns the first victim that is not marked with a stamp. */
  int firstExcept(BlockTier tier, int[] stamps, int stamp) {
    return search(tier, stamps, stamp);
  }

  private int search(BlockTier tier, int @Nullable [] stamps, int stamp) {
    int best = NONE;
    for (int b = tier.cachedHead(); b != NONE; b = tier.nextInQueue(b)) {
      if ((stamps == null || stamps[b] != stamp) && (best == NONE || before(b, best))) {
        best = b;
      }
    }
    return best;
  }

  private boolean before(int a, int b) {
    int order = policy.compare(state, view, a, b);
    if (order == 0) {
      order = newest * Long.compare(view.releasedTick(a), view.releasedTick(b));
    }
    return order < 0;
  }

  private void up(int from) {
    int at = from;
    int block = heap[at];
    while (at > 0) {
      int above = (at - 1) >> 1;
      if (!before(block, heap[above])) {
        break;
      }
      set(at, heap[above]);
      at = above;
    }
    set(at, block);
  }

  private void down(int from) {
    int at = from;
    int block = heap[at];
    while (true) {
      int below = 2 * at + 1;
      if (below >= size) {
        break;
      }
      if (below + 1 < size && before(heap[below + 1], heap[below])) {
        below++;
      }
      if (!before(heap[below], block)) {
        break;
      }
      set(at, heap[below]);
      at = below;
    }
    set(at, block);
  }

  private void set(int at, int block) {
    heap[at] = block;
    place[block] = at;
  }
}
