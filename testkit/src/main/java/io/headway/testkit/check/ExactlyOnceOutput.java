package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;

/**
 * INV-30: output positions of a request are 0, 1, 2, ... without gap or repeat, at most its cap in
 * all; a token that a completed row yielded is not lost; and limits are re-based when work moves.
 */
final class ExactlyOnceOutput extends Checker {
  ExactlyOnceOutput() {
    super(Invariant.INV_30);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Output e) {
      output(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      for (TraceEvent.Row row : e.batch()) {
        RequestState r = before.request(row.r());
        if (r != null && r.awaitsOutput) {
          exercised();
          if (r.hidden <= 0) {
            violated(
                row.r()
                    + " is scheduled again, but the token at output position "
                    + r.delivered
                    + " that its last row yielded was never delivered",
                row.r());
          }
        }
      }
    } else if (event instanceof TraceEvent.Migrate e) {
      migrate(e, before);
    }
  }

  private void output(TraceEvent.Output e, TraceState before) {
    Long accepted = e.accepted();
    Long position = e.position();
    if (accepted == null || position == null) {
      missing(accepted == null ? "OUTPUT.accepted" : "OUTPUT.position");
      return;
    }
    RequestState r = before.request(e.r());
    if (r == null) {
      return;
    }
    exercised();
    if (position != r.delivered) {
      violated(
          e.r()
              + " delivers output position "
              + position
              + ", but the next one is "
              + r.delivered
              + (position < r.delivered ? ": a token is repeated" : ": a token is lost"),
          e.r());
    }
    if (r.maxNew() >= 0 && position + accepted > r.maxNew() + base(r)) {
      violated(
          e.r()
              + " delivers "
              + (position + accepted)
              + " output tokens, but at most "
              + (r.maxNew() + base(r))
              + " were asked for",
          e.r());
    }
  }

  private static long base(RequestState r) {
    return r.arrive == null ? 0 : TraceState.orZero(r.arrive.delivered());
  }

  private void migrate(TraceEvent.Migrate e, TraceState before) {
    RequestState r = before.request(e.r());
    if (Boolean.FALSE.equals(e.movable())) {
      violated(e.r() + " is moved although its state cannot be", e.r());
    }
    if (r == null || r.arrive == null) {
      return;
    }
    exercised();
    long delivered = e.delivered() == null ? r.delivered : e.delivered();
    Long maxNew = r.arrive.maxNew();
    if (maxNew != null && e.maxNew() != null && e.maxNew() != maxNew - delivered) {
      violated(
          e.r()
              + " goes on with at most "
              + e.maxNew()
              + " tokens, but "
              + (maxNew - delivered)
              + " are left of "
              + maxNew,
          e.r());
    }
    Long minNew = r.arrive.minNew();
    if (minNew != null && e.minNew() != null && e.minNew() != Math.max(0, minNew - delivered)) {
      violated(
          e.r()
              + " goes on with at least "
              + e.minNew()
              + " tokens, but "
              + Math.max(0, minNew - delivered)
              + " are left of "
              + minNew,
          e.r());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("OUTPUT")) {
      missing("OUTPUT");
    }
  }
}
