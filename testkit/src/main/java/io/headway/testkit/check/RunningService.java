package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * INV-21: nobody who runs is silently skipped. Under the claim {@code decodeGapIterations} a
 * sequence that decodes, has work and is not in flight misses at most so many iterations in a row;
 * under the rule {@code serves-all} the same holds, with 0, for everybody who runs. If the token
 * budget was used up, {@code k * ceil(running / served)} further iterations are allowed; under the
 * rule {@code preemptive} an iteration does not count for whoever it leaves out if those that rank
 * before it used the budget up: urgency takes tokens as it takes blocks and places.
 */
final class RunningService extends Checker {
  private final int perRound;
  private final Map<String, Integer> missed = new HashMap<>();

  RunningService(CheckOptions options) {
    super(Invariant.INV_21);
    perRound = options.serviceDecisions();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Fail
        || (event instanceof TraceEvent.Preempt p && "failure".equals(p.cause()))) {
      missed.clear(); // What was lost served nobody, through no fault of the scheduler's.
    }
    if (!(event instanceof TraceEvent.Step e)) {
      return;
    }
    Double gap = before.claim("decodeGapIterations");
    boolean all = before.declares("serves-all");
    if (gap == null && !all) {
      return;
    }
    Set<String> rows = new HashSet<>();
    long tokens = 0;
    for (TraceEvent.Row row : e.batch()) {
      rows.add(row.r());
      tokens += TraceState.orZero(row.n());
    }
    Long budget = before.config().tokenBudget();
    boolean full = budget != null && tokens >= budget;
    Rank rank = full && before.declares("preemptive") ? Rank.of(before) : null;
    long running = before.count(Phase.RUNNING);
    for (String row : rows) {
      RequestState r = before.request(row);
      running += r == null || r.phase != Phase.RUNNING ? 1 : 0;
    }
    long rounds = full ? perRound * ((running + rows.size() - 1) / Math.max(1, rows.size())) : 0;
    long allowed = (gap == null ? 0 : Math.round(gap)) + rounds;
    for (RequestState r : before.requests()) {
      if (r.phase != Phase.RUNNING || rows.contains(r.id) || !hasWork(r, all, before)) {
        missed.remove(r.id);
        continue;
      }
      if (rank != null && rank.tokensBefore(r, e.batch(), before) >= tokens) {
        continue;
      }
      exercised();
      int times = missed.merge(r.id, 1, Integer::sum);
      if (times > allowed) {
        violated(
            r.id
                + " runs and has work, but was left out of "
                + times
                + " iterations; at most "
                + allowed
                + " are allowed",
            r.id);
      }
    }
    rows.forEach(missed::remove);
    missed.keySet().removeIf(id -> before.request(id) == null);
    exercised();
  }

  private static boolean hasWork(RequestState r, boolean all, TraceState before) {
    return r.mayGrow()
        && (r.inFlight == 0 || plansAhead(r, before))
        && !r.reset
        && r.known() > r.computed
        && (all || r.decodes())
        && !before.lacksMemory(r);
  }

  /** Whether another row could follow those in flight; with too few blocks it may wait for them. */
  private static boolean plansAhead(RequestState r, TraceState before) {
    return before.declares("in-order")
        && !verifies(r, before)
        && before.available() >= before.blocksToGoOn(r);
  }

  /** Whether a verification is in flight, so that nobody knows where the request will stand. */
  private static boolean verifies(RequestState r, TraceState before) {
    for (TraceState.Flight flight : before.flights()) {
      for (TraceEvent.Row row : flight.rows) {
        if (row.r().equals(r.id) && "verify".equals(row.kind())) {
          return true;
        }
      }
    }
    return false;
  }

  @Override
  protected void end(TraceState last) {
    if (last.claim("decodeGapIterations") == null && !last.declares("serves-all")) {
      missing("CONFIG.claims.decodeGapIterations");
    } else if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
