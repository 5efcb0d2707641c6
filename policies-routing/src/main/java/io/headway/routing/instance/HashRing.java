package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Instance;
import io.headway.api.routing.ClusterView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A consistent-hashing ring over the instances seen so far. It learns instances from the views it
 * is shown and forgets those that went away; instances that are known but not in the view at hand
 * are skipped, so that a request for another model does not move anybody's keys. Not thread-safe.
 */
public final class HashRing {
  private final RingHash hash;

  /** Ids by dense instance number; what the ring was built from. */
  private @Nullable String[] ids = new @Nullable String[8];

  /** Nodes ascending by (position, id); parallel arrays. */
  private long[] positions = {};

  private int[] owners = {};
  private int count;

  HashRing(RingHash hash) {
    this.hash = hash;
  }

  HashRing(HashRing other) {
    hash = other.hash;
    ids = other.ids.clone();
    positions = other.positions.clone();
    owners = other.owners.clone();
    count = other.count;
  }

  /**
   * Takes in instances of a view that are not on the ring yet. O(view), without allocation if none.
   */
  void learn(ClusterView view) {
    for (int i = 0; i < view.size(); i++) {
      Instance instance = view.instance(i);
      if (isNew(instance)) {
        add(view, i);
        return;
      }
    }
  }

  /** Takes an instance off the ring. */
  void forget(String id) {
    for (int index = 0; index < ids.length; index++) {
      if (id.equals(ids[index])) {
        remove(index);
        return;
      }
    }
  }

  /**
   * Finds the first node at or after a position, wrapping at the end.
   *
   * @return its number, to be advanced with {@link #next}; -1 if the ring is empty
   */
  int first(long position) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(positions[middle], position) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return count == 0 ? -1 : low == count ? 0 : low;
  }

  /** Returns the node after one, wrapping at the end. */
  int next(int node) {
    return node + 1 == count ? 0 : node + 1;
  }

  /** Returns the dense number of the instance that owns a node. */
  int owner(int node) {
    return owners[node];
  }

  /** Returns the number of nodes. */
  int nodes() {
    return count;
  }

  private boolean isNew(Instance instance) {
    return instance.index() >= ids.length || !instance.id().equals(ids[instance.index()]);
  }

  /** Adds every new instance from a position on, in one merge. */
  private void add(ClusterView view, int from) {
    List<Node> added = new ArrayList<>();
    for (int i = from; i < view.size(); i++) {
      Instance instance = view.instance(i);
      if (!isNew(instance)) {
        continue;
      }
      int index = instance.index();
      String id = instance.id();
      forget(id);
      if (index >= ids.length) {
        ids = Arrays.copyOf(ids, Math.max(index + 1, 2 * ids.length));
      }
      if (ids[index] != null) {
        remove(index);
      }
      ids[index] = id;
      for (int node = 0; node < hash.nodes(id); node++) {
        added.add(new Node(hash.position(id, node), id, index));
      }
    }
    added.sort(Node::compareTo);
    merge(added);
  }

  private void merge(List<Node> added) {
    long[] newPositions = new long[count + added.size()];
    int[] newOwners = new int[newPositions.length];
    int old = 0;
    int fresh = 0;
    for (int i = 0; i < newPositions.length; i++) {
      if (fresh == added.size() || (old < count && nodeAt(old).compareTo(added.get(fresh)) < 0)) {
        newPositions[i] = positions[old];
        newOwners[i] = owners[old++];
      } else {
        newPositions[i] = added.get(fresh).position();
        newOwners[i] = added.get(fresh++).owner();
      }
    }
    positions = newPositions;
    owners = newOwners;
    count = newPositions.length;
  }

  private Node nodeAt(int node) {
    return new Node(positions[node], requireNonNull(ids[owners[node]]), owners[node]);
  }

  private void remove(int index) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
      if (owners[i] != index) {
        positions[kept] = positions[i];
        owners[kept++] = owners[i];
      }
    }
    count = kept;
    ids[index] = null;
  }

  private record Node(long position, String id, int owner) implements Comparable<Node> {
    @Override
    public int compareTo(Node other) {
      int order = Long.compareUnsigned(position, other.position);
      return order != 0 ? order : id.compareTo(other.id);
    }
  }
}
