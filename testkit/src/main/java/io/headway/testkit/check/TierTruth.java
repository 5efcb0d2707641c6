package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * INV-32: an entry is where the trace last put it. It leaves a tier only by a copy that succeeded
 * or an explicit drop, no tier holds more than it has room for, and a swapped request runs again
 * only after its KV has come back. A decision log tells moves out before moves in, whatever their
 * order, so what the host holds is judged there when the decision is over.
 */
final class TierTruth extends Checker {
  /** Where entries are that are not on the device. */
  private final Map<String, String> tiers = new HashMap<>();

  private final Set<String> swapping = new HashSet<>();

  TierTruth() {
    super(Invariant.INV_32);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Tier e) {
      moves(e, before);
    } else if (event instanceof TraceEvent.Preempt e) {
      if ("swap".equals(e.mode())) {
        swapping.add(e.r());
      }
    } else if (event instanceof TraceEvent.Idle) {
      overfull(before);
    } else if (event instanceof TraceEvent.Step e) {
      overfull(before);
      for (String r : swapping) {
        exercised();
        violated(r + " was swapped out, but its KV has not moved to the host", r);
      }
      swapping.clear();
      for (TraceEvent.Row row : e.batch()) {
        RequestState r = before.request(row.r());
        String tier = tiers.remove(row.r());
        boolean swapped = r != null && r.phase == Phase.SWAPPED;
        if ("host".equals(tier) || (swapped && !"device".equals(tier))) {
          exercised();
          violated(row.r() + " runs again, but its KV is in tier " + tier, row.r());
        }
      }
    } else if (event instanceof TraceEvent.Ended e) {
      tiers.remove(e.r());
      swapping.remove(e.r());
    } else if (event instanceof TraceEvent.Reject e) {
      tiers.remove(e.r());
    }
  }

  private void moves(TraceEvent.Tier e, TraceState before) {
    String entry = e.r() == null ? e.entry() : e.r();
    if (entry == null || e.from() == null || e.to() == null || e.result() == null) {
      missing(
          entry == null
              ? "TIER.entry"
              : e.from() == null ? "TIER.from" : e.to() == null ? "TIER.to" : "TIER.result");
      return;
    }
    exercised();
    String known = tiers.get(entry);
    if (known != null && !known.equals(e.from())) {
      violated(entry + " is moved from " + e.from() + ", but it is in " + known, entry);
    }
    if (!e.result().equals("done")) {
      return;
    }
    swapping.remove(entry);
    tiers.put(entry, e.to());
    if (e.to().equals("none")) {
      tiers.remove(entry);
    }
    Long room = before.config().hostBlocks();
    if (e.to().equals("host")
        && room != null
        && e.blocks() != null
        && before.config().schema() == null) {
      long held = before.heldHostBlocks() + e.blocks();
      if (held > room) {
        violated(
            entry
                + " is copied to the host, which makes "
                + held
                + " blocks of "
                + room
                + ": the copy cannot have happened",
            entry);
      }
    }
  }

  private void overfull(TraceState before) {
    Long room = before.config().hostBlocks();
    if (room != null && before.heldHostBlocks() > room) {
      violated(
          "a decision leaves "
              + before.heldHostBlocks()
              + " blocks on the host, which has "
              + room
              + ": the copies cannot have happened");
    }
  }

  @Override
  protected void end(TraceState last) {
    overfull(last);
    if (!last.seen("TIER")) {
      missing("TIER");
    }
  }
}
