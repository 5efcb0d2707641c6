package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.ArrayList;
import java.util.List;

/**
 * INV-10: a block that somebody holds, has pinned or is transferring is not handed out as new, and
 * none is given back while an iteration in flight reads or writes it. An engine whose device runs
 * iterations and writes strictly in order may declare {@code in-order} and release earlier.
 */
final class NoAliasing extends Checker {
  NoAliasing() {
    super(Invariant.INV_10);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof Blocks e) {
      List<Long> list = e.blocks();
      if (list != null && e.kind() == Blocks.Kind.ALLOC) {
        allocates(e, list, before);
      } else if (list != null && e.kind() == Blocks.Kind.RELEASE) {
        releases(e, list, before);
      }
    } else if (event instanceof TraceEvent.Keyed e
        && e.kind() == TraceEvent.Keyed.Kind.EVICT
        && e.block() != null) {
      String tier = TraceState.tierOf(e.tier());
      String pool = tier.equals("device") ? TraceState.DEVICE : tier;
      BlockState state = before.block(pool, e.block());
      exercised();
      if (state != null && (!state.pins.isEmpty() || state.transfers > 0)) {
        violated(
            "block " + e.block() + " is evicted while it is pinned or in a transfer",
            new ArrayList<>(state.pins.keySet()),
            List.of(e.block()));
      }
    }
  }

  private void allocates(Blocks e, List<Long> list, TraceState before) {
    String pool = TraceState.poolOf(e);
    for (long block : list) {
      exercised();
      BlockState state = before.block(pool, block);
      Long nullBlock = before.config().nullBlock();
      if (nullBlock != null && block == nullBlock && pool.equals(TraceState.DEVICE)) {
        violated(
            e.r() + " is given block " + block + ", which stands for nothing",
            List.of(e.r()),
            List.of(block));
      }
      if (state != null && state.held()) {
        List<String> requests = new ArrayList<>(List.of(e.r()));
        requests.addAll(state.holders.keySet());
        requests.addAll(state.pins.keySet());
        violated(
            "block "
                + block
                + " is handed to "
                + e.r()
                + " as new while it is "
                + (state.holders.isEmpty()
                    ? "pinned or in a transfer"
                    : "held by " + String.join(", ", state.holders.keySet())),
            requests,
            List.of(block));
      }
    }
  }

  private void releases(Blocks e, List<Long> list, TraceState before) {
    RequestState r = before.request(e.r());
    if (r == null || before.declares("in-order") || e.pool() != null) {
      return;
    }
    exercised();
    boolean over = r.phase == Phase.ENDED || r.phase.queued();
    if (r.inFlight > 0 && over) {
      violated(
          e.r() + " gives blocks back while " + r.inFlight + " iterations in flight use them",
          List.of(e.r()),
          list);
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ALLOC")) {
      missing("ALLOC");
    }
  }
}
