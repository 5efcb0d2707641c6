package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-13: when nobody is live and nothing is in flight or on its way, nothing is held, pinned or
 * charged. Judged whenever new work comes to a system at rest, and at the end.
 */
final class Quiescence extends Checker {
  private final Map<String, Long> ledger = new HashMap<>();

  Quiescence() {
    super(Invariant.INV_13);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Ledger e) {
      if (e.amount() != null && e.r() != null) {
        ledger.merge(
            e.instance() + " " + e.incarnation() + " " + e.r(),
            e.amount(),
            (a, b) -> a + b == 0 ? null : a + b);
      }
    } else if (event instanceof TraceEvent.InstanceState e && "down".equals(e.state())) {
      ledger.keySet().removeIf(key -> key.startsWith(e.instance() + " "));
    } else if (event instanceof TraceEvent.Arrive) {
      if (before.seen("ARRIVE")) {
        judge(before);
      }
    } else if (event instanceof TraceEvent.Gauge e && "free".equals(e.name())) {
      Double value = e.value();
      Long total = before.config().blocks();
      if (value != null && total != null && before.quiescent() && !Boolean.TRUE.equals(e.used())) {
        exercised();
        if (Math.round(value) != total - before.aside()) {
          violated("at rest " + Math.round(value) + " of " + total + " blocks are free");
        }
      }
    } else if (event instanceof TraceEvent.Drained) {
      judge(before);
      for (Map.Entry<String, Long> charge : ledger.entrySet()) {
        violated("at rest " + charge.getValue() + " is still charged to " + charge.getKey());
      }
    }
  }

  private void judge(TraceState state) {
    if (!state.quiescent()) {
      return;
    }
    exercised();
    for (RequestState r : state.requests()) {
      List<Long> blocks = new ArrayList<>();
      r.tables.values().forEach(blocks::addAll);
      blocks.removeIf(block -> block == RequestState.HOLE);
      violated(
          "nobody is live, but " + r.id + ", which is over, still holds something",
          List.of(r.id),
          blocks);
    }
    for (Map.Entry<TraceState.BlockId, BlockState> entry : state.blocks().entrySet()) {
      BlockState block = entry.getValue();
      if (block.held() && !block.aside()) {
        List<String> holders = new ArrayList<>(block.holders.keySet());
        holders.addAll(block.pins.keySet());
        violated(
            "nobody is live, but block "
                + entry.getKey().block()
                + " is held or pinned by "
                + holders,
            holders,
            List.of(entry.getKey().block()));
      }
    }
    state
        .unitsHeld()
        .forEach(
            (pool, units) -> {
              if (units != 0) {
                violated("nobody is live, but " + units + " units of " + pool + " are held");
              }
            });
    if (state.heldHostBlocks() != 0) {
      violated("nobody is live, but " + state.heldHostBlocks() + " host blocks are held");
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.tablesKnown() && !last.seen("LEDGER")) {
      missing("ALLOC");
    } else if (last.quiescent()) {
      judge(last);
    } else {
      inconclusive("the trace ends before the system is at rest");
    }
  }
}
