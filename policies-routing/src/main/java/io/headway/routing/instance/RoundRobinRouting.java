package io.headway.routing.instance;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import java.util.Arrays;

/**
 * Sends requests to the candidates in turn, with one cursor per set of candidates: after k requests
 * over one set the counts of its members differ by at most 1, whatever other sets are served in
 * between.
 *
 * <p>A set is the ascending sequence of its ids. When a new set would exceed {@code maxCursors} all
 * cursors are dropped first, as the vLLM production-stack router does. Cost O(M) to recognise the
 * set plus O(cursors) when it differs from the last one; allocates only when a set is new. No ties.
 */
public final class RoundRobinRouting implements RoutingPolicy<RoundRobinRouting.Cursors> {
  /** Default for {@code maxCursors}. */
  public static final int DEFAULT_MAX_CURSORS = 1024;

  private final int maxCursors;

  /**
   * Makes the policy.
   *
   * @param maxCursors sets remembered at once, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public RoundRobinRouting(int maxCursors) {
    this.maxCursors = Check.atLeast("maxCursors", maxCursors, 1, "cursor");
  }

  @Override
  public String id() {
    return "round-robin";
  }

  @Override
  public Cursors newState() {
    return new Cursors();
  }

  @Override
  public Cursors copyOf(Cursors state) {
    return new Cursors(state);
  }

  /** One request more or less between members of a set that does not change. */
  @Override
  public Claims claims() {
    return Claims.builder().bound(Claims.Bound.BALANCE_REQUESTS, 1).build();
  }

  @Override
  public void route(Cursors state, Request request, ClusterView view, RouteDraft draft) {
    draft.accept(state.next(view, maxCursors));
  }

  /** The cursors of the candidate sets seen. Not thread-safe. */
  public static final class Cursors {
    private long[] hashes = new long[4];
    private String[][] members = new String[4][];
    private int[] cursors = new int[4];
    private int count;
    private int last;

    private Cursors() {}

    private Cursors(Cursors other) {
      hashes = other.hashes.clone();
      members = other.members.clone();
      cursors = other.cursors.clone();
      count = other.count;
      last = other.last;
    }

    private int next(ClusterView view, int maxCursors) {
      int set = find(view);
      if (set < 0) {
        set = add(view, maxCursors);
      }
      last = set;
      int chosen = cursors[set];
      cursors[set] = chosen + 1 == view.size() ? 0 : chosen + 1;
      return chosen;
    }

    private int find(ClusterView view) {
      if (last < count && same(members[last], view)) {
        return last;
      }
      long hash = hash(view);
      for (int i = 0; i < count; i++) {
        if (hashes[i] == hash && same(members[i], view)) {
          return i;
        }
      }
      return -1;
    }

    private int add(ClusterView view, int maxCursors) {
      if (count == maxCursors) {
        Arrays.fill(members, 0, count, null);
        count = 0;
      }
      if (count == hashes.length) {
        int more = Math.min(maxCursors, 2 * count);
        hashes = Arrays.copyOf(hashes, more);
        members = Arrays.copyOf(members, more);
        cursors = Arrays.copyOf(cursors, more);
      }
      String[] ids = new String[view.size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = view.instance(i).id();
      }
      hashes[count] = hash(view);
      members[count] = ids;
      cursors[count] = 0;
      return count++;
    }

    private static boolean same(String[] ids, ClusterView view) {
      if (ids.length != view.size()) {
        return false;
      }
      for (int i = 0; i < ids.length; i++) {
        if (!ids[i].equals(view.instance(i).id())) {
          return false;
        }
      }
      return true;
    }

    private static long hash(ClusterView view) {
      long hash = view.size();
      for (int i = 0; i < view.size(); i++) {
        hash = StableHash.mix(hash + view.instance(i).id().hashCode());
      }
      return hash;
    }
  }
}
