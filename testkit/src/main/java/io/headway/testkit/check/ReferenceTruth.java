package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-09: a block is counted once for each holder. Nobody gives back what it does not hold, takes
 * what it holds already, or undoes a pin that was not set; reported counts are the number of
 * holders; nobody who is over keeps a pin.
 */
final class ReferenceTruth extends Checker {
  ReferenceTruth() {
    super(Invariant.INV_09);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (!(event instanceof Blocks e)) {
      return;
    }
    List<Long> list = e.blocks();
    if (list == null) {
      return;
    }
    String pool = TraceState.poolOf(e);
    List<Long> refs = e.refs();
    Map<Long, Integer> within = new HashMap<>();
    for (int i = 0; i < list.size(); i++) {
      long block = list.get(i);
      exercised();
      BlockState state = before.block(pool, block);
      int earlier = within.merge(block, 1, Integer::sum) - 1;
      int holds = state == null ? 0 : state.holders.getOrDefault(e.r(), 0);
      int pins = state == null ? 0 : state.pins.getOrDefault(e.r(), 0);
      switch (e.kind()) {
        case RELEASE -> {
          if (holds - earlier < 1) {
            violated(e.r() + " releases block " + block + ", which it does not hold", e.r(), block);
          }
        }
        case ALLOC, SHARE -> {
          if (holds + earlier > 0) {
            violated(e.r() + " takes block " + block + ", which it holds already", e.r(), block);
          }
        }
        case UNPIN -> {
          if (pins - earlier < 1) {
            violated(e.r() + " unpins block " + block + ", which it has not pinned", e.r(), block);
          }
        }
        case PIN -> {}
      }
      if (refs != null && i < refs.size() && earlier == 0) {
        counted(e, block, refs.get(i), state);
      }
    }
  }

  private void counted(Blocks e, long block, long told, @Nullable BlockState state) {
    long before = state == null ? 0 : state.holders.size() + state.pins.size() + state.transfers;
    boolean holds = state != null && state.holders.containsKey(e.r());
    boolean pins = state != null && state.pins.containsKey(e.r());
    long after =
        before
            + switch (e.kind()) {
              case ALLOC, SHARE -> holds ? 0 : 1;
              case RELEASE -> holds ? -1 : 0;
              case PIN -> pins ? 0 : 1;
              case UNPIN -> pins ? -1 : 0;
            };
    if (told != after) {
      violated(
          e.type()
              + " leaves block "
              + block
              + " with a count of "
              + told
              + ", but it has "
              + after
              + " holders",
          e.r(),
          block);
    }
  }

  private void violated(String message, String request, long block) {
    violated(message, List.of(request), List.of(block));
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ALLOC") && !last.seen("SHARE") && !last.seen("PIN")) {
      missing("ALLOC");
    }
  }
}
