package io.headway.runtime;

import static java.util.Objects.requireNonNull;

import io.headway.api.InstanceState;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The instances of a cluster, each in its current incarnation. Guarded by the cluster's lock, but
 * for {@link #publish} and {@link #hasPublished}, which take none.
 */
final class Fleet {
  /** Instances that are gone and whose last incarnation is remembered. */
  private static final int MAX_TOMBSTONES = 4096;

  /** Names that only instances serving a given model have. */
  final Holders models = new Holders();

  /** What decisions ask of every instance. */
  final InstanceNumbers numbers = new InstanceNumbers();

  private final ConcurrentHashMap<String, Member> live = new ConcurrentHashMap<>();

  /** Stack of members with something published. */
  private final AtomicReference<@Nullable Member> published = new AtomicReference<>();

  private final PrefixIndex prefixes;
  private @Nullable Member[] members = new @Nullable Member[8];

  /** The index of each member, by rank. */
  private int[] indexes = new int[8];

  private int size;
  private boolean[] indexTaken = new boolean[8];
  private final Map<String, Integer> tombstones = new LinkedHashMap<>();

  Fleet(PrefixIndex prefixes) {
    this.prefixes = prefixes;
  }

  // ---- without the lock

  /** Publishes an observation; false if the incarnation is not the current one. */
  boolean publish(String id, int incarnation, Observation observation) {
    Member member = live.get(id);
    if (member == null || member.incarnation() != incarnation) {
      return false;
    }
    while (true) {
      Observation old = member.published.get();
      if (old != null && old.atNanos() > observation.atNanos()) {
        return true;
      }
      if (member.published.compareAndSet(old, observation)) {
        if (old == null) {
          push(member);
        }
        return true;
      }
    }
  }

  private void push(Member member) {
    Member head;
    do {
      head = published.get();
      member.nextPublished = head;
    } while (!published.compareAndSet(head, member));
  }

  boolean hasPublished() {
    return published.get() != null;
  }

  // ---- under the lock

  /** Takes in what was published. */
  void takeIn() {
    Member member = published.get() == null ? null : published.getAndSet(null);
    while (member != null) {
      // Read first: once the slot is empty, the member may be pushed again.
      Member next = member.nextPublished;
      Observation observation = member.published.getAndSet(null);
      if (observation != null && member.state() != InstanceState.DOWN) {
        member.observe(observation);
      }
      member = next;
    }
  }

  int size() {
    return size;
  }

  /** Returns a member by its rank in ascending order of id. */
  Member member(int rank) {
    return requireNonNull(members[rank]);
  }

  /** Returns the index of a member by its rank. */
  int index(int rank) {
    return indexes[rank];
  }

  /** Returns a number above every index in use. */
  int indexBound() {
    return indexTaken.length;
  }

  @Nullable Member find(String id) {
    return live.get(id);
  }

  /** Returns the current incarnation of an instance if it is the one asked for. */
  @Nullable Member find(String id, int incarnation) {
    Member member = live.get(id);
    return member != null && member.incarnation() == incarnation ? member : null;
  }

  /** Returns whether an incarnation is older than, or as old as, one that is gone. */
  boolean isPast(String id, int incarnation) {
    Integer last = tombstones.get(id);
    return last != null && incarnation <= last;
  }

  void add(Member member, int prefixBlocks) {
    int index = 0;
    while (index < indexTaken.length && indexTaken[index]) {
      index++;
    }
    if (index == indexTaken.length) {
      indexTaken = Arrays.copyOf(indexTaken, 2 * index);
    }
    indexTaken[index] = true;
    member.index = index;
    prefixes.open(index, prefixBlocks);
    models.replace(index, Set.of(), member.profile.models());
    if (size == members.length) {
      members = Arrays.copyOf(members, 2 * size);
      indexes = Arrays.copyOf(indexes, 2 * size);
    }
    int rank = rankOf(member.id());
    System.arraycopy(members, rank, members, rank + 1, size - rank);
    System.arraycopy(indexes, rank, indexes, rank + 1, size - rank);
    members[rank] = member;
    indexes[rank] = index;
    size++;
    member.enter(numbers);
    tombstones.remove(member.id());
    live.put(member.id(), member);
  }

  void reprofile(Member member, InstanceProfile profile) {
    models.replace(member.index, member.profile.models(), profile.models());
    member.profile(profile);
  }

  void remove(Member member) {
    member.state(InstanceState.DOWN);
    member.leave();
    live.remove(member.id(), member);
    int rank = rankOf(member.id());
    System.arraycopy(members, rank + 1, members, rank, size - rank - 1);
    System.arraycopy(indexes, rank + 1, indexes, rank, size - rank - 1);
    members[--size] = null;
    prefixes.clear(member.index);
    models.replace(member.index, member.profile.models(), Set.of());
    member.forgetAdapters();
    indexTaken[member.index] = false;
    tombstones.put(member.id(), member.incarnation());
    if (tombstones.size() > MAX_TOMBSTONES) {
      Iterator<String> oldest = tombstones.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  /** Returns the rank of an id, or where it belongs. */
  private int rankOf(String id) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (member(middle).id().compareTo(id) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
