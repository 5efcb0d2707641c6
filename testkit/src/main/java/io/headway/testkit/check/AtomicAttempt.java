package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * INV-04: an attempt that does not succeed leaves everything as it was. Whoever took blocks, units
 * or pins while a decision was made and is not admitted by it must have given them back; a request
 * that a router refuses or lets wait must carry no charge.
 */
final class AtomicAttempt extends Checker {
  private final Set<String> takers = new HashSet<>();

  /** Charges of requests that have not been routed since. */
  private final Map<String, Long> charged = new HashMap<>();

  AtomicAttempt() {
    super(Invariant.INV_04);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof Blocks e) {
      RequestState r = before.request(e.r());
      if (takes(e) && r != null && r.phase.queued()) {
        takers.add(e.r());
      }
    } else if (event instanceof TraceEvent.Attempt e) {
      if (!"done".equals(e.outcome())) {
        exercised();
      }
    } else if (event instanceof TraceEvent.Step e) {
      e.batch().forEach(row -> takers.remove(row.r()));
      decided(before);
    } else if (event instanceof TraceEvent.Idle) {
      decided(before);
    } else if (event instanceof TraceEvent.Ledger e) {
      if (e.r() != null && e.amount() != null) {
        long left = charged.getOrDefault(e.r(), 0L) + e.amount();
        charged.remove(e.r());
        if (left > 0) {
          charged.put(e.r(), left);
        }
      }
    } else if (event instanceof TraceEvent.Route e) {
      charged.remove(e.r());
    } else if (event instanceof TraceEvent.Reject || event instanceof TraceEvent.Defer) {
      exercised();
      long charge = charged.getOrDefault(String.valueOf(event.r()), 0L);
      if (charge > 0) {
        violated(
            event.type()
                + ": "
                + event.r()
                + " was not taken, but "
                + charge
                + " is charged for it",
            String.valueOf(event.r()));
      }
    } else if (event instanceof TraceEvent.InstanceState e && "down".equals(e.state())) {
      // What was charged to it is void.
      charged.clear();
    }
  }

  private static boolean takes(Blocks e) {
    return e.kind() == Blocks.Kind.ALLOC
        || e.kind() == Blocks.Kind.SHARE
        || e.kind() == Blocks.Kind.PIN;
  }

  private void decided(TraceState before) {
    for (String taker : takers) {
      RequestState r = before.request(taker);
      if (r == null || !r.phase.queued()) {
        continue;
      }
      exercised();
      if (!r.holdsNoMemory() || r.pins > 0) {
        violated(taker + " was not admitted, but keeps what it took in the attempt", taker);
      }
    }
    takers.clear();
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ATTEMPT") && !last.seen("ROUTE") && !last.seen("ALLOC")) {
      missing("ATTEMPT");
    }
  }
}
