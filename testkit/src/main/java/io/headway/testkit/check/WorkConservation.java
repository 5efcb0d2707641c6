package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import org.jspecify.annotations.Nullable;

/**
 * INV-23: while somebody could run, decisions are not empty. At most k empty ones in a row are
 * allowed while nothing is in flight and a queued request fits into free and evictable blocks and
 * slots, or a running one has work; a decision that says until when waiting helps ({@code until})
 * is not counted before that time.
 */
final class WorkConservation extends Checker {
  private final int patience;
  private int empty;
  private String stuck = "";

  WorkConservation(CheckOptions options) {
    super(Invariant.INV_23);
    patience = options.wakeUpDecisions();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e) {
      if (e.batch().isEmpty()) {
        emptyDecision(null, e.now(), before);
      } else {
        exercised();
        empty = 0;
      }
    } else if (event instanceof TraceEvent.Idle e) {
      emptyDecision(e.until(), e.now(), before);
    }
  }

  private void emptyDecision(@Nullable Long until, @Nullable Long now, TraceState before) {
    boolean declared = until != null && now != null && until > now;
    RequestState able = declared || !before.flights().isEmpty() ? null : able(before);
    if (able == null) {
      empty = 0;
      return;
    }
    exercised();
    empty++;
    stuck = able.id;
    if (empty > patience) {
      violated(
          empty
              + " decisions in a row plan nothing, while nothing is in flight and "
              + able.id
              + (able.phase == Phase.RUNNING ? " has work" : " fits"),
          able.id);
    }
  }

  private static @Nullable RequestState able(TraceState before) {
    for (RequestState r : before.requests()) {
      boolean runs =
          r.phase == Phase.RUNNING
              && r.mayGrow()
              && r.known() > r.computed
              && before.available() >= before.blocksToGoOn(r);
      if (runs || (r.phase.queued() && before.fits(r))) {
        return r;
      }
    }
    return null;
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP") && !last.seen("IDLE")) {
      missing("STEP");
    } else if (empty > 0) {
      inconclusive("the trace ends while " + stuck + " could run but does not");
    }
  }
}
