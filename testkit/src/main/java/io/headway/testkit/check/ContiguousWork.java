package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Row;

/**
 * INV-07: every row has work, starts where the request stands, and does not pass the end of what is
 * known of it; a prompt is thus covered exactly once between two resets. A fully cached prompt has
 * at least one token recomputed.
 */
final class ContiguousWork extends Checker {
  ContiguousWork() {
    super(Invariant.INV_07);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e) {
      for (Row row : e.batch()) {
        row(row, before);
      }
    } else if (event instanceof TraceEvent.Hit e) {
      RequestState r = before.request(e.r());
      Long tokens = e.tokens();
      if (r != null && r.known() >= 0 && tokens != null) {
        exercised();
        if (tokens >= r.known()) {
          violated(
              e.r()
                  + " is granted "
                  + tokens
                  + " cached tokens of "
                  + r.known()
                  + ": at least one must be computed",
              e.r());
        }
      }
    }
  }

  private void row(Row row, TraceState before) {
    Long n = row.n();
    Long start = row.start();
    if (n == null || start == null) {
      missing(n == null ? "STEP.batch.n" : "STEP.batch.start");
      return;
    }
    if (n < 1) {
      violated(row.r() + " is scheduled with " + n + " tokens; a row needs at least 1", row.r());
      return;
    }
    RequestState r = before.request(row.r());
    if (r == null || r.known() < 0) {
      missing("ARRIVE.prompt");
      return;
    }
    exercised();
    if (start != r.computed) {
      violated(
          row.r() + " is scheduled from position " + start + ", but it stands at " + r.computed,
          row.r());
      return;
    }
    long known = r.known();
    long drafts = TraceState.orZero(row.drafts());
    if (start + n - drafts > known) {
      violated(
          row.r()
              + " is scheduled up to position "
              + (start + n)
              + ", but "
              + known
              + " tokens of it are known"
              + (drafts > 0 ? ", with " + drafts + " drafts" : ""),
          row.r());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
