package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-31: a transfer ends once, within its lease, and until then its blocks stay where they are,
 * whatever becomes of the request. Nobody computes on what a transfer is still to bring, or has
 * failed to bring.
 */
final class TransferPairing extends Checker {
  private final int patience;
  private final Map<Long, Integer> overdue = new HashMap<>();

  /** Tokens that a finished transfer has brought, by request. */
  private final Map<String, Long> brought = new HashMap<>();

  TransferPairing(CheckOptions options) {
    super(Invariant.INV_31);
    patience = options.leaseDecisions();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.XferBegin e) {
      if (e.transfer() == null) {
        missing("XFER_BEGIN.transfer");
        return;
      }
      exercised();
      if (before.transfer(e.transfer()) != null) {
        violated("transfer " + e.transfer() + " begins twice", String.valueOf(e.r()));
      }
    } else if (event instanceof TraceEvent.XferEnd e) {
      ends(e, before);
    } else if (event instanceof Blocks e && e.kind() == Blocks.Kind.RELEASE) {
      releases(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      for (TraceEvent.Row row : e.batch()) {
        consumes(row, before);
      }
      lease(e.now(), before);
    } else if (event instanceof TraceEvent.Idle e) {
      lease(e.now(), before);
    } else if (event instanceof TraceEvent.Ended || event instanceof TraceEvent.Preempt) {
      brought.remove(event.r());
    } else if (event instanceof TraceEvent.Drained) {
      for (TraceState.Transfer open : before.transfers()) {
        violated("transfer " + open.id() + " never ended", String.valueOf(open.request()));
      }
    }
  }

  private void ends(TraceEvent.XferEnd e, TraceState before) {
    if (e.transfer() == null) {
      missing("XFER_END.transfer");
      return;
    }
    exercised();
    TraceState.Transfer transfer = before.transfer(e.transfer());
    if (transfer == null) {
      violated(
          "transfer " + e.transfer() + " ends, but it has not begun or is over",
          String.valueOf(e.r()));
      return;
    }
    overdue.remove(e.transfer());
    RequestState r = before.request(transfer.request());
    if (r != null && !transfer.direction().equals("out") && e.tokens() != null) {
      brought.put(r.id, e.tokens());
    } else if (r != null && !transfer.direction().equals("out") && !"done".equals(e.result())) {
      brought.put(r.id, 0L);
    }
  }

  private void releases(Blocks e, TraceState before) {
    List<Long> list = e.blocks();
    if (list == null || e.pool() != null) {
      return;
    }
    RequestState r = before.request(e.r());
    for (long block : list) {
      BlockState state = before.block(TraceState.DEVICE, block);
      if (state == null || state.transfers == 0) {
        continue;
      }
      exercised();
      // Somebody who shares it may leave as long as those that the transfer is for stay.
      if (owns(r, block, before) || !othersHold(state, e.r())) {
        violated(
            e.r() + " gives block " + block + " back while a transfer still uses it",
            List.of(e.r()),
            List.of(block));
        return;
      }
    }
    if (r != null && !r.transfers.isEmpty()) {
      exercised();
      for (long id : r.transfers) {
        TraceState.Transfer transfer = before.transfer(id);
        if (transfer != null && transfer.blocks().isEmpty()) {
          violated(
              e.r() + " gives blocks back while transfer " + id + " is pending",
              List.of(e.r()),
              list);
        }
      }
    }
  }

  /** Returns whether a transfer of this request uses a block. */
  private static boolean owns(@Nullable RequestState r, long block, TraceState before) {
    if (r != null) {
      for (long id : r.transfers) {
        TraceState.Transfer transfer = before.transfer(id);
        if (transfer != null && transfer.blocks().contains(block)) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean othersHold(BlockState state, String leaving) {
    return !state.pins.isEmpty()
        || state.holders.keySet().stream().anyMatch(holder -> !holder.equals(leaving));
  }

  private void consumes(TraceEvent.Row row, TraceState before) {
    RequestState r = before.request(row.r());
    if (r == null) {
      return;
    }
    for (long id : r.transfers) {
      TraceState.Transfer transfer = before.transfer(id);
      exercised();
      if (transfer != null && !transfer.direction().equals("out")) {
        violated(
            row.r() + " is scheduled while transfer " + id + " is still to bring its KV", row.r());
      }
    }
    Long tokens = brought.remove(row.r());
    if (tokens != null && row.start() != null) {
      exercised();
      if (row.start() > tokens) {
        violated(
            row.r() + " goes on at token " + row.start() + ", but its transfer brought " + tokens,
            row.r());
      }
    }
  }

  private void lease(@Nullable Long time, TraceState before) {
    Long lease = before.config().lease();
    if (lease == null) {
      if (!before.transfers().isEmpty()) {
        missing("CONFIG.lease");
      }
      return;
    }
    long now = time == null ? before.now() : Math.max(time, before.now());
    for (TraceState.Transfer transfer : before.transfers()) {
      if (transfer.began() == Long.MIN_VALUE || now - transfer.began() <= lease) {
        continue;
      }
      exercised();
      int decisions = overdue.merge(transfer.id(), 1, Integer::sum);
      if (decisions > patience) {
        violated(
            "transfer "
                + transfer.id()
                + " of "
                + transfer.request()
                + " is pending since "
                + transfer.began()
                + " ns; its lease of "
                + lease
                + " ns has expired",
            String.valueOf(transfer.request()));
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("XFER_BEGIN") && !last.seen("XFER_END")) {
      missing("XFER_BEGIN");
    } else if (!last.transfers().isEmpty()) {
      inconclusive("the trace ends while " + last.transfers().size() + " transfers are pending");
    }
  }
}
