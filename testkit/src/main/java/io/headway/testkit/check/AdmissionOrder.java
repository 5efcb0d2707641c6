package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-19: admission follows the declared order. Nobody starts while a request that ranks before it
 * stays in the queue; with the rule {@code bypass} it may if the earlier one was tried in vain in
 * the same decision or does not fit. Deferred requests are not eligible.
 */
final class AdmissionOrder extends Checker {
  private final Set<String> refused = new HashSet<>();

  /** For everybody who was admitted in this decision, who had been refused before. */
  private final Map<String, Set<String>> refusedBefore = new HashMap<>();

  AdmissionOrder() {
    super(Invariant.INV_19);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Attempt e) {
      if ("done".equals(e.outcome())) {
        refusedBefore.put(e.r(), Set.copyOf(refused));
      } else {
        refused.add(e.r());
      }
    } else if (event instanceof TraceEvent.Step e) {
      admits(e, before);
      refused.clear();
      refusedBefore.clear();
    } else if (event instanceof TraceEvent.Idle) {
      refused.clear();
      refusedBefore.clear();
    }
  }

  private void admits(TraceEvent.Step e, TraceState before) {
    Rank rank = Rank.of(before);
    if (rank == null) {
      missing("CONFIG.order");
      return;
    }
    Set<String> rows = new HashSet<>();
    @Nullable RequestState last = null;
    for (TraceEvent.Row row : e.batch()) {
      rows.add(row.r());
      RequestState r = before.request(row.r());
      if (r != null && r.phase.queued() && (last == null || rank.compare(r, last) > 0)) {
        last = r;
      }
    }
    if (last == null) {
      return;
    }
    for (RequestState waiting : before.requests()) {
      if (!waiting.phase.queued()
          || rows.contains(waiting.id)
          || before.preemptedNow().containsKey(waiting.id)) {
        continue;
      }
      exercised();
      if (rank.compare(waiting, last) < 0 && !mayBePassed(waiting, last, before)) {
        violated(
            last.id
                + " starts while "
                + waiting.id
                + " waits, which goes first by "
                + before.config().order(),
            last.id,
            waiting.id);
      }
    }
    exercised();
  }

  /** Who is refused only after another was admitted did not make room for it. */
  private boolean mayBePassed(RequestState waiting, RequestState by, TraceState before) {
    Set<String> earlier = refusedBefore.getOrDefault(by.id, refused);
    return before.declares("bypass") && (earlier.contains(waiting.id) || !before.fits(waiting));
  }

  @Override
  protected void end(TraceState last) {
    if (Rank.of(last) == null) {
      missing("CONFIG.order");
    }
  }
}
