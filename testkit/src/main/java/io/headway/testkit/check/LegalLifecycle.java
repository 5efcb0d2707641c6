package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-02: requests move along the declared states, end once, and nothing new happens to one that
 * has ended. What ends a request says so truly: LENGTH only at its output cap, EXPIRE only with a
 * deadline that has passed.
 */
final class LegalLifecycle extends Checker {
  private static final Set<Phase> QUEUED =
      EnumSet.of(Phase.WAITING, Phase.PREEMPTED, Phase.SWAPPED);

  LegalLifecycle() {
    super(Invariant.INV_02);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Ended e) {
      ends(e, before);
    } else if (event instanceof TraceEvent.Reject e) {
      if (e.output() != null) {
        once(e.r(), e.type(), before);
      }
    } else if (event instanceof TraceEvent.Step e) {
      for (TraceEvent.Row row : e.batch()) {
        alive(row.r(), "STEP", before);
        RequestState r = before.request(row.r());
        if (r != null && (r.phase == Phase.DEFERRED || r.phase == Phase.TRANSFERRING)) {
          violated("STEP schedules " + r.id + ", which is " + r.phase, r.id);
        }
      }
    } else if (event instanceof TraceEvent.Blocks e) {
      if (e.kind() == TraceEvent.Blocks.Kind.ALLOC || e.kind() == TraceEvent.Blocks.Kind.SHARE) {
        alive(e.r(), e.type(), before);
      }
    } else if (event instanceof TraceEvent.Output e) {
      alive(e.r(), "OUTPUT", before);
    } else if (event instanceof TraceEvent.Route e) {
      alive(e.r(), "ROUTE", before);
    } else if (event instanceof TraceEvent.Hit e) {
      from(e.r(), "HIT", QUEUED, before);
    } else if (event instanceof TraceEvent.Preempt e) {
      from(e.r(), "PREEMPT", EnumSet.of(Phase.RUNNING), before);
    } else if (event instanceof TraceEvent.Resume e) {
      from(e.r(), "RESUME", EnumSet.of(Phase.PREEMPTED, Phase.SWAPPED), before);
    } else if (event instanceof TraceEvent.Defer e) {
      from(e.r(), "DEFER", QUEUED, before);
    } else if (event instanceof TraceEvent.Promote e) {
      from(e.r(), "PROMOTE", EnumSet.of(Phase.DEFERRED), before);
    }
  }

  private void ends(TraceEvent.Ended e, TraceState before) {
    once(e.r(), e.type(), before);
    RequestState r = before.request(e.r());
    if (r == null || r.phase == Phase.ENDED) {
      return;
    }
    if ("length".equals(e.reason()) && e.output() != null && r.maxNew() >= 0) {
      if (e.output() < r.maxNew()) {
        violated(
            e.r() + " ended by length with " + e.output() + " of " + r.maxNew() + " output tokens",
            e.r());
      }
    }
    TraceEvent.Arrive arrive = r.arrive;
    Long now = e.now();
    // A policy may let a queued request expire before the deadline of the request itself.
    if (e.kind() == TraceEvent.Ended.Kind.EXPIRE && r.phase == Phase.RUNNING && now != null) {
      Long deadline = arrive == null ? null : arrive.deadline();
      if (deadline != null && now < deadline) {
        violated(e.r() + " expired at " + now + ", before its deadline at " + deadline, e.r());
      }
    }
  }

  private void once(String r, String type, TraceState before) {
    exercised();
    alive(r, type, before);
  }

  /** Notes a record about a request that is over. */
  private void alive(String id, String type, TraceState before) {
    RequestState r = before.request(id);
    Long ended = before.endedAt(id);
    boolean over = r == null ? ended != null : r.phase == Phase.ENDED;
    if (over) {
      violated(
          type + " is about " + id + ", which ended at record " + ended + " and must stay ended",
          id);
    } else {
      exercised();
    }
  }

  private void from(String id, String type, Set<Phase> legal, TraceState before) {
    alive(id, type, before);
    @Nullable RequestState r = before.request(id);
    if (r != null && r.phase != Phase.ENDED && !legal.contains(r.phase)) {
      violated(type + " needs " + id + " to be one of " + legal + ", but it is " + r.phase, id);
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ARRIVE") && !last.seen("ROUTE")) {
      missing("ARRIVE");
    }
  }
}
