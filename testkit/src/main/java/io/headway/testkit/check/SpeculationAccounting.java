package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Row;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-29: after a verification a request stands where its accepted tokens end. A row of d drafts
 * computes {@code d + 1} tokens with real token ids and yields at most as many; the next row starts
 * behind what was accepted, or where it was if nothing was.
 */
final class SpeculationAccounting extends Checker {
  private record Verified(long step, long start, long drafts, long next) {}

  private final Map<String, Verified> verified = new HashMap<>();

  SpeculationAccounting() {
    super(Invariant.INV_29);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e) {
      for (Row row : e.batch()) {
        row(e, row);
      }
    } else if (event instanceof TraceEvent.Output e) {
      output(e);
    } else if (event instanceof TraceEvent.Preempt e) {
      verified.remove(e.r());
    } else if (event instanceof TraceEvent.Ended e) {
      verified.remove(e.r());
    } else if (event instanceof TraceEvent.Fail e) {
      lost(before.flight(e.step()), before);
    }
  }

  /** A failure takes whatever is in flight with it, unless it was void already itself. */
  private void lost(TraceState.@Nullable Flight failed, TraceState before) {
    if (failed != null && !failed.voided) {
      verified.values().removeIf(row -> before.flight(row.step()) != null);
    }
  }

  private void row(TraceEvent.Step e, Row row) {
    Verified earlier = verified.remove(row.r());
    Long start = row.start();
    Long n = row.n();
    if (start == null || n == null) {
      missing(start == null ? "STEP.batch.start" : "STEP.batch.n");
      return;
    }
    if (earlier != null) {
      exercised();
      if (start != earlier.next()) {
        violated(
            row.r()
                + " goes on at "
                + start
                + " after verifying "
                + earlier.drafts()
                + " drafts from "
                + earlier.start()
                + "; it should be at "
                + earlier.next(),
            row.r());
      }
    }
    List<Long> ids = row.draftIds();
    if (!"verify".equals(row.kind())) {
      if (TraceState.orZero(row.drafts()) > 0) {
        violated(row.r() + " has drafts in a row that is not a verification", row.r());
      }
      return;
    }
    exercised();
    Long drafts = row.drafts();
    if (drafts == null) {
      missing("STEP.batch.drafts");
      return;
    }
    if (n != drafts + 1) {
      violated(
          row.r()
              + " verifies "
              + drafts
              + " drafts with "
              + n
              + " tokens; it takes "
              + (drafts + 1),
          row.r());
    }
    if (ids != null && (ids.size() != drafts || ids.stream().anyMatch(id -> id < 0))) {
      violated(
          row.r() + " verifies draft ids " + ids + "; it takes " + drafts + " real ones", row.r());
    }
    verified.put(row.r(), new Verified(TraceState.orZero(e.step()), start, drafts, start));
  }

  private void output(TraceEvent.Output e) {
    Verified row = verified.get(e.r());
    long accepted = TraceState.orZero(e.accepted());
    if (row == null) {
      if (accepted > 1) {
        violated(e.r() + " yields " + accepted + " tokens without a verification", e.r());
      }
      return;
    }
    exercised();
    if (accepted > row.drafts() + 1) {
      violated(e.r() + " yields " + accepted + " tokens from " + row.drafts() + " drafts", e.r());
    }
    verified.put(
        e.r(), new Verified(row.step(), row.start(), row.drafts(), row.start() + accepted));
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
