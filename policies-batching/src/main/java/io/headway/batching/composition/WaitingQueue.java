package io.headway.batching.composition;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;
import java.util.Arrays;

/**
 * The waiting sequences in a policy's order: the structure that fits how often its keys change.
 * Sequences enter and leave by events, so that a decision without changes costs nothing.
 */
abstract class WaitingQueue {
  // Set aside in this decision, in that order; the first of them may have left meanwhile.
  private int[] aside = new int[8];
  private int asideCount;

  /**
   * Makes the structure for an order.
   *
   * @param order the order
   * @param state its state
   * @param <S> the type of its state
   * @return an empty queue
   */
  static <S> WaitingQueue of(QueueOrder<S> order, S state) {
    return switch (order.keyChange()) {
      case QUEUE_ORDER -> new InQueueOrder();
      case FIXED -> new ByFixedKey((view, a, b) -> order.compare(state, view, a, b) < 0);
      case PER_TENANT ->
          new ByTenant(
              (view, a, b) -> order.compareTenants(state, view, a, b) < 0,
              (view, a, b) -> order.compare(state, view, a, b) < 0);
      case ANY_TIME -> new ByChangingKey((view, a, b) -> order.compare(state, view, a, b) < 0);
    };
  }

  /** A sequence entered the queue, and the order's state knows it. */
  abstract void entered(BatchView view, int sequence);

  /** A sequence leaves the queue; the order's state has not been told yet. */
  abstract void left(BatchView view, int sequence);

  /** Whether a sequence is in this structure, set aside or not. */
  abstract boolean holds(int sequence);

  /** A sequence ended, queued or not. */
  final void ended(BatchView view, int sequence) {
    if (holds(sequence)) {
      left(view, sequence);
    }
  }

  /** An event about a sequence of this tenant may have changed the tenant's key. */
  void keyChanged(int tenant) {}

  /** The order's key of a sequence may have changed; {@link #restore} must follow. */
  void rankChanged(int sequence) {}

  /** Restores the order after keys have changed. */
  void restore(BatchView view) {}

  /** The first one not set aside, or {@link BatchView#NONE}. */
  abstract int head(BatchView view);

  /** Takes a sequence out until the decision ends. */
  abstract void hide(BatchView view, int sequence);

  /** Puts back what {@link #hide} took out. */
  abstract void show(BatchView view, int sequence);

  /** Whether the head stays the head as long as nothing arrives, leaves or ends. */
  abstract boolean headStands(BatchView view);

  /** The decision ends: whatever depends on keys that change at any time is forgotten. */
  void decided() {}

  final void setAside(BatchView view, int sequence) {
    if (asideCount == aside.length) {
      aside = Arrays.copyOf(aside, asideCount * 2);
    }
    aside[asideCount++] = sequence;
    hide(view, sequence);
  }

  final void endDecision(BatchView view) {
    for (int i = 0; i < asideCount; i++) {
      show(view, aside[i]);
    }
    asideCount = 0;
    decided();
  }

  /** Forgets a sequence that leaves the queue while it is set aside; returns whether it was. */
  final boolean forgetAside(int sequence) {
    for (int i = 0; i < asideCount; i++) {
      if (aside[i] == sequence) {
        System.arraycopy(aside, i + 1, aside, i, --asideCount - i);
        return true;
      }
    }
    return false;
  }

  final boolean isAside(int sequence) {
    for (int i = 0; i < asideCount; i++) {
      if (aside[i] == sequence) {
        return true;
      }
    }
    return false;
  }

  final int lastAside() {
    return asideCount == 0 ? BatchView.NONE : aside[asideCount - 1];
  }

  /** The view's own list. */
  private static final class InQueueOrder extends WaitingQueue {
    // Whether everybody before the last one set aside is set aside too.
    private boolean contiguous = true;

    @Override
    void entered(BatchView view, int sequence) {
      contiguous &= lastAside() == BatchView.NONE;
    }

    @Override
    void left(BatchView view, int sequence) {
      if (forgetAside(sequence)) {
        contiguous = false;
      }
    }

    @Override
    boolean holds(int sequence) {
      return isAside(sequence);
    }

    @Override
    int head(BatchView view) {
      int last = lastAside();
      if (last == BatchView.NONE) {
        return view.firstWaiting();
      }
      int next = contiguous ? view.nextWaiting(last) : view.firstWaiting();
      while (next != BatchView.NONE && isAside(next)) {
        next = view.nextWaiting(next);
      }
      return next;
    }

    @Override
    void hide(BatchView view, int sequence) {}

    @Override
    void show(BatchView view, int sequence) {}

    @Override
    boolean headStands(BatchView view) {
      return true;
    }

    @Override
    void decided() {
      contiguous = true;
    }
  }

  /** A heap, since keys stay as they are while a sequence waits. */
  private static final class ByFixedKey extends WaitingQueue {
    private final IndexedHeap heap;

    ByFixedKey(IndexedHeap.Before order) {
      heap = new IndexedHeap(order, new IndexedHeap.Positions());
    }

    @Override
    void entered(BatchView view, int sequence) {
      heap.add(view, sequence);
    }

    @Override
    void left(BatchView view, int sequence) {
      if (!forgetAside(sequence)) {
        heap.remove(view, sequence);
      }
    }

    @Override
    boolean holds(int sequence) {
      return heap.contains(sequence) || isAside(sequence);
    }

    @Override
    void rankChanged(int sequence) {
      heap.changed(sequence);
    }

    @Override
    void restore(BatchView view) {
      heap.restore(view);
    }

    @Override
    int head(BatchView view) {
      return heap.first();
    }

    @Override
    void hide(BatchView view, int sequence) {
      heap.remove(view, sequence);
    }

    @Override
    void show(BatchView view, int sequence) {
      heap.add(view, sequence);
    }

    @Override
    boolean headStands(BatchView view) {
      return true;
    }
  }

  /** A heap of tenants over one heap of sequences per tenant. */
  private static final class ByTenant extends WaitingQueue {
    private final IndexedHeap tenants;
    private final IndexedHeap.Before within;
    private final IndexedHeap.Positions positions = new IndexedHeap.Positions();
    private IndexedHeap[] queues = new IndexedHeap[0];

    // After which restoration a tenant's key changed last: most of a batch belongs to few tenants.
    private int[] changedAfter = new int[8];
    private int restorations = 1;

    ByTenant(IndexedHeap.Before between, IndexedHeap.Before within) {
      tenants = new IndexedHeap(between, new IndexedHeap.Positions());
      this.within = within;
    }

    @Override
    void entered(BatchView view, int sequence) {
      int tenant = view.tenant(sequence);
      IndexedHeap queue = queueOf(tenant);
      queue.add(view, sequence);
      if (queue.size() == 1) {
        restoreTenants(view);
        tenants.add(view, tenant);
      } else {
        tenants.changed(tenant);
      }
    }

    @Override
    void left(BatchView view, int sequence) {
      if (!forgetAside(sequence)) {
        hide(view, sequence);
      }
    }

    @Override
    boolean holds(int sequence) {
      return positions.contains(sequence) || isAside(sequence);
    }

    @Override
    void keyChanged(int tenant) {
      if (tenant >= changedAfter.length) {
        changedAfter = Arrays.copyOf(changedAfter, Math.max(tenant + 1, changedAfter.length * 2));
      }
      if (changedAfter[tenant] != restorations) {
        changedAfter[tenant] = restorations;
        tenants.changed(tenant);
      }
    }

    private void restoreTenants(BatchView view) {
      restorations++;
      tenants.restore(view);
    }

    @Override
    int head(BatchView view) {
      restoreTenants(view);
      int tenant = tenants.first();
      return tenant == BatchView.NONE ? BatchView.NONE : queues[tenant].first();
    }

    @Override
    void hide(BatchView view, int sequence) {
      int tenant = view.tenant(sequence);
      IndexedHeap queue = queues[tenant];
      queue.remove(view, sequence);
      if (queue.size() == 0) {
        restoreTenants(view);
        tenants.remove(view, tenant);
      }
    }

    @Override
    void show(BatchView view, int sequence) {
      entered(view, sequence);
    }

    @Override
    boolean headStands(BatchView view) {
      return tenants.size() <= 1;
    }

    private IndexedHeap queueOf(int tenant) {
      if (tenant >= queues.length) {
        int known = queues.length;
        queues = Arrays.copyOf(queues, Math.max(tenant + 1, known * 2));
        for (int i = known; i < queues.length; i++) {
          queues[i] = new IndexedHeap(within, positions);
        }
      }
      return queues[tenant];
    }
  }

  /** A heap built anew in each decision that looks at the queue. */
  private static final class ByChangingKey extends WaitingQueue {
    private final IndexedHeap heap;
    private boolean built;

    ByChangingKey(IndexedHeap.Before order) {
      heap = new IndexedHeap(order, new IndexedHeap.Positions());
    }

    @Override
    void entered(BatchView view, int sequence) {
      if (built) {
        heap.add(view, sequence);
      }
    }

    @Override
    void left(BatchView view, int sequence) {
      if (built && !forgetAside(sequence)) {
        heap.remove(view, sequence);
      }
    }

    @Override
    boolean holds(int sequence) {
      return heap.contains(sequence) || isAside(sequence);
    }

    @Override
    void restore(BatchView view) {
      if (built) {
        heap.heapify(view);
      }
    }

    @Override
    int head(BatchView view) {
      if (!built) {
        for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
          heap.append(s);
        }
        heap.heapify(view);
        built = true;
      }
      return heap.first();
    }

    @Override
    void hide(BatchView view, int sequence) {
      heap.remove(view, sequence);
    }

    @Override
    void show(BatchView view, int sequence) {}

    @Override
    boolean headStands(BatchView view) {
      return view.waitingCount() <= 1;
    }

    @Override
    void decided() {
      heap.clear();
      built = false;
    }
  }
}
