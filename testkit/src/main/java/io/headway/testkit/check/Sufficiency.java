package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Row;
import java.util.List;

/**
 * INV-11: whoever is scheduled holds the blocks of all its tokens up to the end of its row, by
 * {@code ceil(tokens / blockTokens)}, and no more than it was planned or promised to need: the
 * furthest row since it started, what its admission set aside, and a declared look-ahead.
 */
final class Sufficiency extends Checker {
  Sufficiency() {
    super(Invariant.INV_11);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (!(event instanceof TraceEvent.Step e)) {
      return;
    }
    if (before.blockTokens() == 0 || !before.tablesKnown()) {
      missing(before.blockTokens() == 0 ? "CONFIG.blockTokens" : "ALLOC");
      return;
    }
    for (Row row : e.batch()) {
      RequestState r = before.request(row.r());
      Long start = row.start();
      Long n = row.n();
      if (r != null && start != null && n != null) {
        exercised();
        for (long group = 0;
            group < Math.max(1, TraceState.orZero(before.config().groups()));
            group++) {
          judge(r, start + n, group, before);
        }
      }
    }
  }

  private void judge(RequestState r, long end, long group, TraceState before) {
    List<Long> table = r.table(group);
    long needed = before.blocksFor(end);
    if (table.size() < needed) {
      violated(
          r.id
              + " is scheduled up to token "
              + end
              + ", which needs "
              + needed
              + " blocks, but holds "
              + table.size(),
          List.of(r.id),
          List.of());
      return;
    }
    if (before.readsAll(group)) {
      for (int i = 0; i < needed; i++) {
        if (table.get(i) == RequestState.HOLE) {
          violated(r.id + " is scheduled, but entry " + i + " of its table names no block", r.id);
          return;
        }
      }
    }
    if (!before.seen("ATTEMPT")) {
      // Without admissions nobody knows what was promised.
      return;
    }
    Double ahead = before.claim("lookAheadTokens");
    long planned =
        r.phase == RequestState.Phase.RUNNING || r.phase == RequestState.Phase.SWAPPED
            ? Math.max(r.plannedEnd, end)
            : end;
    long most =
        before.blocksFor(
            Math.max(planned, r.reservedTokens) + (ahead == null ? 0 : Math.round(ahead)));
    if (table.size() > most) {
      violated(
          r.id + " holds " + table.size() + " blocks, but at most " + most + " are accounted for",
          r.id);
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
