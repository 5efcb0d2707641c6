package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * INV-14: cached tokens are granted only if they, everything before them and every isolation
 * attribute are those under which the blocks were computed. Blocks are traced back to whoever
 * computed them: adapter, isolation and (unless {@code shared-tenants} is declared) tenant must
 * agree, and so must the content, by the digests of both requests' blocks; and a block must carry
 * the key that the request asks for.
 */
final class KeySoundness extends Checker {
  /** Under what a block was computed. */
  private record Origin(TraceEvent.Arrive by, int at) {}

  private final Map<Long, Origin> origins = new HashMap<>();

  KeySoundness() {
    super(Invariant.INV_14);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Keyed e) {
      keyed(e, before);
    } else if (event instanceof Blocks e && e.pool() == null) {
      if (e.kind() == Blocks.Kind.SHARE) {
        shares(e, before);
      }
    } else if (event instanceof TraceEvent.Hit e) {
      hits(e, before);
    } else if (event instanceof TraceEvent.Index e && "clear".equals(e.action())) {
      if (e.instance() == null) {
        origins.clear();
      }
    }
  }

  private void keyed(TraceEvent.Keyed e, TraceState before) {
    Long block = e.block();
    if (block == null || !TraceState.tierOf(e.tier()).equals("device")) {
      return;
    }
    if (e.kind() == TraceEvent.Keyed.Kind.EVICT) {
      origins.remove(block);
      return;
    }
    BlockState state = before.block(TraceState.DEVICE, block);
    if (state == null) {
      return;
    }
    for (String holder : state.holders.keySet()) {
      RequestState r = before.request(holder);
      int at = r == null ? -1 : r.table(TraceState.orZero(e.group())).indexOf(block);
      if (r != null && r.arrive != null && at >= 0) {
        origins.putIfAbsent(block, new Origin(r.arrive, at));
      }
    }
  }

  private void hits(TraceEvent.Hit e, TraceState before) {
    RequestState r = before.request(e.r());
    List<String> granted = e.keys();
    if (granted == null || r == null || r.arrive == null) {
      return;
    }
    List<String> own = r.arrive.content() == null ? r.arrive.keys() : r.arrive.content();
    if (own == null) {
      missing("ARRIVE.content");
      return;
    }
    exercised();
    for (int i = 0; i < granted.size(); i++) {
      if (i >= own.size() || !own.get(i).equals(granted.get(i))) {
        violated(
            e.r() + " is granted a cached block " + i + " whose content is not its own", e.r());
        return;
      }
    }
  }

  private void shares(Blocks e, TraceState before) {
    RequestState r = before.request(e.r());
    List<Long> list = e.blocks();
    if (r == null || list == null) {
      return;
    }
    TraceEvent.Arrive arrive = r.arrive;
    if (arrive == null) {
      missing("ARRIVE");
      return;
    }
    if (arrive.content() == null && arrive.keys() == null) {
      missing("ARRIVE.content");
    }
    int at =
        e.at() == null ? r.table(TraceState.orZero(e.group())).size() : Math.toIntExact(e.at());
    List<String> lastChecked = null;
    for (int i = list.size() - 1; i >= 0; i--) {
      exercised();
      long block = list.get(i);
      int place = at + i;
      List<String> keys = arrive.keys();
      BlockState state = before.block(TraceState.DEVICE, block);
      if (keys != null
          && place < keys.size()
          && state != null
          && state.key != null
          && !state.key.equals(keys.get(place))) {
        violated(
            e.r()
                + " shares block "
                + block
                + " as its block "
                + place
                + ", which carries another key than it asks for",
            e.r(),
            block);
      }
      Origin origin = origins.get(block);
      if (origin == null) {
        continue;
      }
      String difference = difference(arrive, origin, place, before);
      if (difference == null && origin.by().content() != lastChecked) {
        lastChecked = origin.by().content();
        difference = contentDifference(arrive.content(), lastChecked, place);
      }
      if (difference != null) {
        violated(
            e.r()
                + " shares block "
                + block
                + ", which "
                + origin.by().r()
                + " computed under another "
                + difference,
            e.r(),
            block);
      }
    }
  }

  private static @Nullable String difference(
      TraceEvent.Arrive arrive, Origin origin, int place, TraceState state) {
    TraceEvent.Arrive by = origin.by();
    if (!same(arrive.adapter(), by.adapter())) {
      return "adapter";
    }
    if (!same(arrive.isolation(), by.isolation())) {
      return "isolation";
    }
    if (!state.declares("shared-tenants") && !same(arrive.tenant(), by.tenant())) {
      return "tenant";
    }
    return origin.at() == place ? null : "position";
  }

  /** Compares everything up to a block; null if nothing is known to differ. */
  private static @Nullable String contentDifference(
      @Nullable List<String> own, @Nullable List<String> other, int place) {
    if (own == null || other == null || own == other) {
      return null;
    }
    int length = Math.min(place + 1, Math.min(own.size(), other.size()));
    return own.subList(0, length).equals(other.subList(0, length)) ? null : "content";
  }

  private static boolean same(@Nullable String a, @Nullable String b) {
    return Objects.requireNonNullElse(a, "").equals(Objects.requireNonNullElse(b, ""));
  }

  private void violated(String message, String request, long block) {
    violated(message, List.of(request), List.of(block));
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("HIT") && !last.seen("SHARE") && !last.seen("PUBLISH")) {
      missing("HIT");
    }
  }
}
