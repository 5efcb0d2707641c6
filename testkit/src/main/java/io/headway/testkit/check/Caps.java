package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * INV-06: no more requests run than there are slots, each in a slot of its own, no more are in a
 * batch than the policy claims ({@code batchSequences}), and no more distinct adapters than the
 * cap. Who uses no slot is not counted: a refusal for want of a slot or adapter place while one is
 * free breaks the rule too.
 */
final class Caps extends Checker {
  Caps() {
    super(Invariant.INV_06);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e) {
      step(e, before);
    } else if (event instanceof TraceEvent.Attempt e) {
      attempt(e, before);
    }
  }

  private void step(TraceEvent.Step e, TraceState before) {
    Long slots = before.config().slots();
    Long adapterCap = before.config().adapterCap();
    long running = before.count(Phase.RUNNING);
    Set<String> rows = new HashSet<>();
    Set<String> adapters = new HashSet<>();
    Map<Long, String> places = new HashMap<>();
    for (TraceEvent.Row row : e.batch()) {
      RequestState r = before.request(row.r());
      if (rows.add(row.r()) && (r == null || r.phase != Phase.RUNNING)) {
        running++;
      }
      if (r != null) {
        addAdapter(adapters, r, before);
      }
      Long slot = row.slot();
      if (slot != null) {
        String other = places.put(slot, row.r());
        if (other != null && !other.equals(row.r())) {
          violated(row.r() + " and " + other + " are both in slot " + slot, row.r(), other);
        }
        if (slot < 0 || (slots != null && slot >= slots)) {
          violated(row.r() + " is in slot " + slot + ", but slots are 0 to " + slots, row.r());
        }
      }
    }
    if (slots == null) {
      missing("CONFIG.slots");
    } else {
      exercised();
      if (running > slots) {
        violated(
            running + " requests run, but there are " + slots + " slots",
            List.copyOf(rows),
            List.of());
      }
    }
    Double own = before.claim("batchSequences");
    if (own != null && rows.size() > own) {
      violated(
          "the iteration has "
              + rows.size()
              + " requests, but the policy claims to have at most "
              + Figures.text(own),
          List.copyOf(rows),
          List.of());
    }
    if (adapterCap != null && adapters.size() > adapterCap) {
      violated(
          "the iteration uses " + adapters.size() + " adapters, but the cap is " + adapterCap,
          List.copyOf(rows),
          List.of());
    }
  }

  /** Adds what a request loads; no adapter counts only if the trace says that it takes a place. */
  private static void addAdapter(Set<String> adapters, RequestState r, TraceState state) {
    TraceEvent.Arrive arrive = r.arrive;
    String adapter = arrive == null || arrive.adapter() == null ? "" : arrive.adapter();
    if (!adapter.isEmpty() || state.declares("base-takes-adapter-slot")) {
      adapters.add(adapter);
    }
  }

  private void attempt(TraceEvent.Attempt e, TraceState before) {
    if (!before.preemptedNow().isEmpty()) {
      // A place may have come free behind the attempt.
      return;
    }
    Long slots = before.config().slots();
    if ("no-slot".equals(e.outcome()) && slots != null) {
      exercised();
      long used =
          before.count(Phase.RUNNING) + before.count(Phase.TRANSFERRING) + before.startedNow();
      if (used + before.endedWithSlot() < slots) {
        violated(
            e.r()
                + " was refused for want of a slot, but only "
                + used
                + " of "
                + slots
                + " are used",
            e.r());
      }
    }
    Long cap = before.config().adapterCap();
    if ("no-adapter".equals(e.outcome()) && cap != null) {
      exercised();
      Set<String> adapters = new HashSet<>();
      for (RequestState r : before.requests()) {
        if (!r.phase.queued() || !r.holdsNoMemory()) {
          addAdapter(adapters, r, before);
        }
      }
      if (adapters.size() < cap) {
        violated(
            e.r()
                + " was refused for want of an adapter place, but only "
                + adapters.size()
                + " of "
                + cap
                + " are used",
            e.r());
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
