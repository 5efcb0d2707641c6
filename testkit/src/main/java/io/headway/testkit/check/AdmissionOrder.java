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
 * the same decision or does not fit, with {@code adapter-bypass} if the earlier one was refused for
 * want of an adapter place and it took none. With {@code first-starts} the order is that of
 * requests that have not run yet. Deferred requests are not eligible.
 */
final class AdmissionOrder extends Checker {
  private final Set<String> refused = new HashSet<>();
  private final Set<String> lacksAdapter = new HashSet<>();

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
        if ("no-adapter".equals(e.outcome())) {
          lacksAdapter.add(e.r());
        }
      }
    } else if (event instanceof TraceEvent.Step e) {
      admits(e, before);
      decided();
    } else if (event instanceof TraceEvent.Idle) {
      decided();
    }
  }

  private void decided() {
    refused.clear();
    lacksAdapter.clear();
    refusedBefore.clear();
  }

  private static boolean ranked(RequestState r, TraceState before) {
    return r.phase.queued()
        && (r.phase == RequestState.Phase.WAITING || !before.declares("first-starts"));
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
      if (r != null && ranked(r, before) && (last == null || rank.compare(r, last) > 0)) {
        last = r;
      }
    }
    if (last == null) {
      return;
    }
    for (RequestState waiting : before.requests()) {
      if (!ranked(waiting, before)
          || rows.contains(waiting.id)
          || before.preemptedNow().containsKey(waiting.id)) {
        continue;
      }
      exercised();
      if (rank.compare(waiting, last) < 0 && !mayBePassed(waiting, last, rows, rank, before)) {
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
  private boolean mayBePassed(
      RequestState waiting, RequestState by, Set<String> rows, Rank rank, TraceState before) {
    Set<String> earlier = refusedBefore.getOrDefault(by.id, refused);
    return (before.declares("bypass") && (earlier.contains(waiting.id) || !before.fits(waiting)))
        || (before.declares("adapter-bypass")
            && lacksAdapter.contains(waiting.id)
            && !takesAdapterPlace(by, waiting, rows, rank, before));
  }

  /** Whether a request that starts takes an adapter place that one who waits could have had. */
  private static boolean takesAdapterPlace(
      RequestState by, RequestState waiting, Set<String> rows, Rank rank, TraceState before) {
    String adapter = adapter(by);
    if (adapter.isEmpty()) {
      return false;
    }
    for (RequestState other : before.requests()) {
      // Who is over may hold its place until its last iteration has landed.
      boolean holds = !other.phase.queued() && other.phase != RequestState.Phase.DEFERRED;
      // Whom the order does not rank starts when it likes.
      boolean startsBefore =
          rows.contains(other.id) && (!ranked(other, before) || rank.compare(other, waiting) < 0);
      if ((holds || startsBefore) && adapter(other).equals(adapter)) {
        return false;
      }
    }
    return true;
  }

  private static String adapter(RequestState r) {
    TraceEvent.Arrive arrive = r.arrive;
    return arrive == null || arrive.adapter() == null ? "" : arrive.adapter();
  }

  @Override
  protected void end(TraceState last) {
    if (Rank.of(last) == null) {
      missing("CONFIG.order");
    }
  }
}
