package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * INV-03: a decision is consistent in itself. Nobody stands in a batch twice or was preempted in
 * the same decision, the declared total is the sum of the rows, and a preempted request holds
 * nothing any more when the batch is handed out.
 */
final class DecisionClosure extends Checker {
  private final Set<String> preempted = new HashSet<>();

  DecisionClosure() {
    super(Invariant.INV_03);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Preempt e) {
      // What a lost row or iteration sends back belongs to no decision.
      if (!"failure".equals(e.cause())) {
        preempted.add(e.r());
      }
    } else if (event instanceof TraceEvent.Step e) {
      closed(e, before);
      preempted.clear();
    } else if (event instanceof TraceEvent.Idle
        || event instanceof TraceEvent.Complete
        || event instanceof TraceEvent.Fail) {
      preempted.clear();
    }
  }

  private void closed(TraceEvent.Step e, TraceState before) {
    exercised();
    Set<String> rows = new HashSet<>();
    long sum = 0;
    boolean summable = true;
    for (TraceEvent.Row row : e.batch()) {
      if (!rows.add(row.r())) {
        violated(row.r() + " stands in the batch twice", row.r());
      }
      if (preempted.contains(row.r())) {
        violated(row.r() + " was preempted in this decision and is still scheduled in it", row.r());
      }
      summable &= row.n() != null;
      sum += TraceState.orZero(row.n());
    }
    for (String victim : preempted) {
      RequestState r = before.request(victim);
      boolean later = r != null && r.inFlight > 0 && before.declares("deferred-release");
      if (r != null && !later && !r.holdsNoMemory()) {
        violated(victim + " was preempted in this decision and still holds memory", victim);
      }
    }
    Long total = e.total();
    if (total == null || !summable) {
      missing(total == null ? "STEP.total" : "STEP.batch.n");
    } else if (total != sum) {
      violated(
          "STEP declares " + total + " tokens, but its rows sum to " + sum, List.of(), List.of());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
