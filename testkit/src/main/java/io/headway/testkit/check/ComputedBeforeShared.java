package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import io.headway.testkit.trace.TraceEvent.Row;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-15: a block becomes matchable only when a completed iteration has computed all its tokens (or
 * a load has brought them), and is shared only when it is matchable or computed. After a failed
 * load its blocks count as empty for everybody who holds them, until somebody has computed them.
 */
final class ComputedBeforeShared extends Checker {
  /** Who recomputes a block, in which iteration. */
  private record Repair(long step, String by) {}

  private static final Repair NOBODY = new Repair(-1, "");

  /** Blocks that a failed load has left empty. */
  private final Map<Long, Repair> invalid = new HashMap<>();

  /** Blocks that a load has filled. */
  private final Map<Long, Boolean> loaded = new HashMap<>();

  ComputedBeforeShared() {
    super(Invariant.INV_15);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Keyed e) {
      if (e.kind() == TraceEvent.Keyed.Kind.PUBLISH) {
        publishes(e, before);
      }
    } else if (event instanceof Blocks e && e.pool() == null && e.blocks() != null) {
      if (e.kind() == Blocks.Kind.SHARE) {
        shares(e, before);
      } else if (e.kind() == Blocks.Kind.ALLOC) {
        e.blocks().forEach(loaded::remove);
        e.blocks().forEach(invalid::remove);
      }
    } else if (event instanceof TraceEvent.XferEnd e) {
      TraceState.Transfer transfer = before.transfer(e.transfer());
      if (transfer != null && !transfer.direction().equals("out")) {
        boolean done = "done".equals(e.result());
        for (long block : transfer.blocks()) {
          if (done) {
            loaded.put(block, true);
            invalid.remove(block);
          } else if (e.tokens() == null) {
            invalid.put(block, NOBODY);
          }
        }
      }
    } else if (event instanceof TraceEvent.Step e) {
      if (!invalid.isEmpty()) {
        for (Row row : e.batch()) {
          reads(row, e, before);
        }
      }
    } else if (event instanceof TraceEvent.Complete e && e.step() != null) {
      long step = e.step();
      invalid.values().removeIf(repair -> repair.step() == step);
    } else if (event instanceof TraceEvent.Fail e && e.step() != null) {
      long step = e.step();
      invalid.replaceAll((block, repair) -> repair.step() == step ? NOBODY : repair);
    }
  }

  private void publishes(TraceEvent.Keyed e, TraceState before) {
    Long block = e.block();
    if (block == null || !TraceState.tierOf(e.tier()).equals("device")) {
      return;
    }
    if (before.blockTokens() == 0) {
      missing("CONFIG.blockTokens");
      return;
    }
    exercised();
    BlockState state = before.block(TraceState.DEVICE, block);
    if (loaded.containsKey(block)) {
      return;
    }
    if (state == null || !computed(block, TraceState.orZero(e.group()), true, state, before)) {
      if (state != null && planned(block, TraceState.orZero(e.group()), state, before)) {
        if (!before.seen("COMPLETE") && !before.seen("FAIL")) {
          missing("COMPLETE");
          return;
        }
      }
      violated(
          "block " + block + " becomes matchable before a completed iteration has computed it",
          state == null ? List.of() : List.copyOf(state.holders.keySet()),
          List.of(block));
    }
    invalid.remove(block);
  }

  /** Returns whether some holder has computed a block, {@code full} if to its end. */
  private static boolean computed(
      long block, long group, boolean full, BlockState state, TraceState before) {
    for (String holder : state.holders.keySet()) {
      RequestState r = before.request(holder);
      if (r != null) {
        int at = r.table(group).indexOf(block);
        long needed = full ? (at + 1) * before.blockTokens() : at * before.blockTokens() + 1;
        if (at >= 0 && r.completed >= needed) {
          return true;
        }
      }
    }
    return false;
  }

  /** Returns whether some holder has planned a block to its end. */
  private static boolean planned(long block, long group, BlockState state, TraceState before) {
    for (String holder : state.holders.keySet()) {
      RequestState r = before.request(holder);
      int at = r == null ? -1 : r.table(group).indexOf(block);
      if (r != null && at >= 0 && r.computed >= (at + 1) * before.blockTokens()) {
        return true;
      }
    }
    return false;
  }

  private void shares(Blocks e, TraceState before) {
    List<Long> list = e.blocks();
    if (list == null || before.blockTokens() == 0) {
      return;
    }
    for (long block : list) {
      exercised();
      BlockState state = before.block(TraceState.DEVICE, block);
      boolean matchable = state != null && (state.key != null || state.transfers > 0);
      if (state == null && !before.seen("PUBLISH")) {
        // Nobody holds it, and the trace does not tell what is matchable.
        missing("PUBLISH");
        continue;
      }
      if (!matchable
          && !loaded.containsKey(block)
          && (state == null
              || !computed(block, TraceState.orZero(e.group()), false, state, before))) {
        violated(
            e.r() + " shares block " + block + ", which is neither matchable nor computed",
            List.of(e.r()),
            List.of(block));
      }
    }
  }

  private void reads(Row row, TraceEvent.Step e, TraceState before) {
    RequestState r = before.request(row.r());
    Long start = row.start();
    if (r == null || start == null || before.blockTokens() == 0) {
      return;
    }
    List<Long> table = r.table(0);
    for (int i = 0; i < table.size(); i++) {
      Repair repair = invalid.get(table.get(i));
      if (repair == null || repair.by().equals(row.r())) {
        continue;
      }
      exercised();
      long first = i * before.blockTokens();
      if (start > first) {
        violated(
            row.r()
                + " computes on top of block "
                + table.get(i)
                + ", whose load failed and which nobody has computed since",
            List.of(row.r()),
            List.of(table.get(i)));
      } else if (start + TraceState.orZero(row.n()) > first && e.step() != null) {
        invalid.put(table.get(i), new Repair(e.step(), row.r()));
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("PUBLISH") && !last.seen("SHARE")) {
      missing("PUBLISH");
    }
  }
}
