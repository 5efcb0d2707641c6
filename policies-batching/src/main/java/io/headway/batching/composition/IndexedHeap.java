package io.headway.batching.composition;

import io.headway.api.batching.BatchView;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A binary heap of small ints that knows where each of them stands, so that any one can be removed
 * or moved in O(log n). Allocates only to grow. Several heaps may share one {@link Positions} as
 * long as no item is in two of them.
 */
final class IndexedHeap {
  /** A strict total order. */
  interface Before {
    boolean before(BatchView view, int a, int b);
  }

  /** Where each item stands, plus 1; 0 for items in no heap. */
  static final class Positions {
    private int[] of = new int[16];

    boolean contains(int item) {
      return item < of.length && of[item] != 0;
    }

    private void ensure(int item) {
      if (item >= of.length) {
        of = Arrays.copyOf(of, Math.max(item + 1, of.length * 2));
      }
    }
  }

  private final Before order;
  private final Positions positions;
  private int[] items = new int[8];
  private int size;

  // Nodes whose subtree may be out of order; with a node, all its ancestors.
  private final BitSet stale = new BitSet();

  IndexedHeap(Before order, Positions positions) {
    this.order = order;
    this.positions = positions;
  }

  int size() {
    return size;
  }

  int first() {
    return size == 0 ? BatchView.NONE : items[0];
  }

  boolean contains(int item) {
    return positions.contains(item);
  }

  void add(BatchView view, int item) {
    append(item);
    siftUp(view, size - 1, item);
  }

  /** Adds without restoring the order; {@link #heapify} must follow. */
  void append(int item) {
    positions.ensure(item);
    if (size == items.length) {
      items = Arrays.copyOf(items, size * 2);
    }
    items[size] = item;
    positions.of[item] = ++size;
  }

  void heapify(BatchView view) {
    for (int i = (size >>> 1) - 1; i >= 0; i--) {
      siftDown(view, i, items[i]);
    }
  }

  void remove(BatchView view, int item) {
    int at = positions.of[item] - 1;
    positions.of[item] = 0;
    int last = items[--size];
    if (last != item) {
      settle(view, at, last);
    }
  }

  /**
   * Remembers that the key of an item, if it is here, has changed; {@link #restore} must follow.
   */
  void changed(int item) {
    if (!contains(item)) {
      return;
    }
    int at = positions.of[item] - 1;
    // A node is in order again only after everything below it is.
    while (!stale.get(at)) {
      stale.set(at);
      at = at == 0 ? 0 : (at - 1) >>> 1;
    }
  }

  /** Restores the order after any number of keys have changed; must precede every other change. */
  void restore(BatchView view) {
    for (int i = stale.previousSetBit(size); i >= 0; i = stale.previousSetBit(i)) {
      stale.clear(i);
      siftDown(view, i, items[i]);
    }
  }

  void clear() {
    for (int i = 0; i < size; i++) {
      positions.of[items[i]] = 0;
    }
    size = 0;
  }

  private void settle(BatchView view, int at, int item) {
    if (at > 0 && order.before(view, item, items[(at - 1) >>> 1])) {
      siftUp(view, at, item);
    } else {
      siftDown(view, at, item);
    }
  }

  private void siftUp(BatchView view, int from, int item) {
    int at = from;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (!order.before(view, item, items[parent])) {
        break;
      }
      place(at, items[parent]);
      at = parent;
    }
    place(at, item);
  }

  private void siftDown(BatchView view, int from, int item) {
    int at = from;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && order.before(view, items[child + 1], items[child])) {
        child++;
      }
      if (!order.before(view, items[child], item)) {
        break;
      }
      place(at, items[child]);
      at = child;
    }
    place(at, item);
  }

  private void place(int at, int item) {
    items[at] = item;
    positions.of[item] = at + 1;
  }
}
