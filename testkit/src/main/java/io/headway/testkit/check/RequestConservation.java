package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-01: every request that arrived is in exactly one place. A record about a request that never
 * arrived or arrived twice breaks it, and so does a count of the queue or of the running set that
 * is not the number of requests the trace has put there.
 */
final class RequestConservation extends Checker {
  RequestConservation() {
    super(Invariant.INV_01);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Arrive e) {
      exercised();
      RequestState known = before.request(e.r());
      if (known != null && known.phase != RequestState.Phase.ENDED) {
        violated(e.r() + " arrived while it is " + known.phase + ": it is in two places", e.r());
      }
    } else if (event instanceof TraceEvent.Step e) {
      counts(e, before);
    } else if (event instanceof TraceEvent.Idle e) {
      count("waiting", e.waiting(), before.queued(), "IDLE");
      count("running", e.running(), before.count(RequestState.Phase.RUNNING), "IDLE");
    } else if (mustExist(event)) {
      known(event.r(), event, before);
    }
  }

  private static boolean mustExist(TraceEvent event) {
    return event instanceof TraceEvent.Ended
        || event instanceof TraceEvent.Preempt
        || event instanceof TraceEvent.Resume
        || event instanceof TraceEvent.Promote
        || event instanceof TraceEvent.Hit
        || event instanceof TraceEvent.Output;
  }

  private void known(@Nullable String r, TraceEvent event, TraceState before) {
    if (r == null || before.request(r) != null || before.endedAt(r) != null) {
      return;
    }
    if (!before.seen("ARRIVE")) {
      // A router's log has no arrivals of its own.
      if (!(event instanceof TraceEvent.Promote)) {
        missing("ARRIVE");
      }
      return;
    }
    violated(event.type() + " is about " + r + ", which never arrived", r);
  }

  private void counts(TraceEvent.Step e, TraceState before) {
    if (!before.seen("ARRIVE")) {
      missing("ARRIVE");
      return;
    }
    long waiting = before.queued();
    long running = before.count(RequestState.Phase.RUNNING);
    Set<String> seen = new HashSet<>();
    for (TraceEvent.Row row : e.batch()) {
      known(row.r(), e, before);
      RequestState r = before.request(row.r());
      if (r != null && seen.add(row.r()) && r.phase != RequestState.Phase.ENDED) {
        waiting -= r.phase.queued() ? 1 : 0;
        running += r.phase == RequestState.Phase.RUNNING ? 0 : 1;
      }
    }
    count("waiting", e.waiting(), waiting, "STEP");
    count("running", e.running(), running, "STEP");
  }

  private void count(String what, @Nullable Long told, long counted, String type) {
    if (told == null) {
      missing(type + "." + what);
      return;
    }
    exercised();
    if (told != counted) {
      violated(
          type
              + " counts "
              + told
              + " "
              + what
              + " requests, but by the records "
              + counted
              + " are: somebody is in two places or in none",
          List.of(),
          List.of());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ARRIVE")) {
      missing("ARRIVE");
    }
  }
}
