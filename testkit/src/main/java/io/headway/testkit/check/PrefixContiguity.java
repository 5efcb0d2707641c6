package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-17: a hit covers a prefix without a gap, in every cache group up to the length that was
 * granted, its blocks are one chain, and a block is not evicted while a block that continues it
 * remains matchable, unless the trace declares {@code any-end-eviction}. Groups with a window drop
 * what they no longer read, so only groups that read everything are held to the order of eviction.
 */
final class PrefixContiguity extends Checker {
  /** How far each group's shared blocks reach, in blocks, per request of this decision. */
  private final Map<String, Map<Long, Long>> reach = new HashMap<>();

  /** How many matchable blocks continue a key. */
  private final Map<TraceState.KeyId, Integer> children = new HashMap<>();

  PrefixContiguity() {
    super(Invariant.INV_17);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof Blocks e && e.kind() == Blocks.Kind.SHARE && e.pool() == null) {
      shares(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      for (TraceEvent.Row row : e.batch()) {
        covered(row, before);
      }
      reach.clear();
    } else if (event instanceof TraceEvent.Keyed e) {
      keyed(e, before);
    } else if (event instanceof TraceEvent.Index e
        && "clear".equals(e.action())
        && e.instance() == null) {
      children.clear();
    }
  }

  private void shares(Blocks e, TraceState before) {
    RequestState r = before.request(e.r());
    List<Long> list = e.blocks();
    if (r == null || list == null || list.isEmpty()) {
      return;
    }
    long group = TraceState.orZero(e.group());
    long at = e.at() == null ? r.table(group).size() : e.at();
    reach.computeIfAbsent(e.r(), id -> new HashMap<>()).put(group, at + list.size());
    String previous = null;
    for (int i = 0; i < list.size(); i++) {
      BlockState state = before.block(TraceState.DEVICE, list.get(i));
      String key = state == null ? null : state.key;
      String parent = state == null ? null : state.parent;
      if (key != null && before.readsAll(group)) {
        exercised();
        if (i == 0 && at == 0 && parent != null) {
          broken(
              e.r() + "'s hit begins with block " + list.get(0) + ", which continues another",
              e.r(),
              list.get(0));
        } else if (i > 0 && previous != null && !previous.equals(parent) && knowsParents) {
          broken(
              e.r()
                  + "'s hit has a gap before block "
                  + list.get(i)
                  + ": it does not continue"
                  + " the block before it",
              e.r(),
              list.get(i));
        }
      }
      previous = key;
    }
  }

  /** Whether records PUBLISH name what a block continues. */
  private boolean knowsParents;

  private void covered(TraceEvent.Row row, TraceState before) {
    RequestState r = before.request(row.r());
    if (r == null || !r.phase.queued() || r.hitTokens == 0 || before.blockTokens() == 0) {
      return;
    }
    if (!before.tablesKnown()) {
      missing("SHARE");
      return;
    }
    exercised();
    Map<Long, Long> groups = reach.getOrDefault(row.r(), Map.of());
    long count = Math.max(1, TraceState.orZero(before.config().groups()));
    for (long group = 0; group < count; group++) {
      long served = groups.getOrDefault(group, 0L) * before.blockTokens();
      if (served < r.hitTokens) {
        violated(
            row.r()
                + " is granted "
                + r.hitTokens
                + " cached tokens, but group "
                + group
                + " serves "
                + served,
            row.r());
      }
    }
  }

  private void keyed(TraceEvent.Keyed e, TraceState before) {
    String key = e.key();
    Long block = e.block();
    long group = TraceState.orZero(e.group());
    String tier = TraceState.tierOf(e.tier());
    if (key == null || block == null || !before.readsAll(group)) {
      return;
    }
    if (e.kind() == TraceEvent.Keyed.Kind.PUBLISH) {
      if (e.parent() != null) {
        knowsParents = true;
        children.merge(new TraceState.KeyId(group, tier, e.parent()), 1, Integer::sum);
      }
      return;
    }
    BlockState state = before.block(tier.equals("device") ? TraceState.DEVICE : tier, block);
    if (state != null && state.parent != null) {
      children.computeIfPresent(
          new TraceState.KeyId(group, tier, state.parent), (id, n) -> n > 1 ? n - 1 : null);
    }
    if (before.declares("any-end-eviction")) {
      return;
    }
    exercised();
    TraceState.KeyId id = new TraceState.KeyId(group, tier, key);
    if (before.blocksOf(group, tier, key).size() <= 1 && children.containsKey(id)) {
      broken(
          "key " + key + " is evicted while blocks that continue it remain matchable", "", block);
    }
  }

  private void broken(String message, String request, long block) {
    violated(message, request.isEmpty() ? List.of() : List.of(request), List.of(block));
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("HIT") && !last.seen("PUBLISH")) {
      missing("HIT");
    }
  }
}
