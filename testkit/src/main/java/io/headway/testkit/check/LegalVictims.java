package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * INV-20: who is preempted ranks strictly below for whom, and (rule {@code lowest-victim}) nobody
 * who could yield ranks lower; what was freed for one request is not given to one that ranks below
 * it first; and (rule {@code preemptive}) a waiting request that outranks running ones starts
 * within k decisions, if their blocks and slots would do.
 */
final class LegalVictims extends Checker {
  private final int patience;
  private final Set<String> owed = new HashSet<>();
  private final Map<String, Integer> outranking = new HashMap<>();

  LegalVictims(CheckOptions options) {
    super(Invariant.INV_20);
    patience = options.inversionDecisions();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Preempt e) {
      preempts(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      Set<String> rows = new HashSet<>();
      e.batch().forEach(row -> rows.add(row.r()));
      owed(rows, before);
      inversions(e.batch(), rows, before);
    } else if (event instanceof TraceEvent.Idle) {
      inversions(List.of(), Set.of(), before);
    }
  }

  private void preempts(TraceEvent.Preempt e, TraceState before) {
    owed.remove(e.r()); // What was freed for it goes to whom it gives way to.
    String name = e.beneficiary();
    RequestState victim = before.request(e.r());
    if (name == null || victim == null) {
      return;
    }
    exercised();
    RequestState beneficiary = before.request(name);
    if (beneficiary == null || beneficiary.phase == Phase.ENDED) {
      violated(e.r() + " is preempted for " + name + ", which is over or unknown", e.r(), name);
      return;
    }
    if (name.equals(e.r())) {
      // It yields for want of anybody else.
      return;
    }
    Rank rank = Rank.ofPreemption(before);
    if (rank == null) {
      missing("CONFIG.order");
      return;
    }
    owed.add(name);
    if (rank.compare(victim, beneficiary) <= 0) {
      violated(
          e.r()
              + " is preempted for "
              + name
              + ", which does not rank before it by "
              + before.config().order(),
          e.r(),
          name);
      return;
    }
    if (before.declares("lowest-victim")) {
      for (RequestState other : before.requests()) {
        if (other.phase == Phase.RUNNING
            && other.inFlight == 0
            && !other.id.equals(name)
            && rank.compare(other, victim) > 0) {
          violated(
              e.r() + " is preempted for " + name + " although " + other.id + " ranks lower",
              e.r(),
              other.id,
              name);
          return;
        }
      }
    }
  }

  /** Whoever was freed for must be served before anybody below it starts. */
  private void owed(Set<String> rows, TraceState before) {
    Rank rank = Rank.ofPreemption(before);
    owed.removeIf(
        name -> {
          RequestState r = before.request(name);
          return rows.contains(name) || r == null || r.phase == Phase.ENDED;
        });
    if (rank == null || owed.isEmpty()) {
      return;
    }
    for (String row : rows) {
      RequestState started = before.request(row);
      if (started == null || !started.phase.queued()) {
        continue;
      }
      for (String name : owed) {
        RequestState waiting = before.request(name);
        if (waiting != null && rank.compare(started, waiting) > 0) {
          violated(
              row + " starts on what was freed for " + name + ", which still waits", row, name);
        }
      }
    }
  }

  private void inversions(List<TraceEvent.Row> batch, Set<String> rows, TraceState before) {
    Rank rank = Rank.ofPreemption(before);
    if (rank == null || !before.declares("preemptive")) {
      return;
    }
    for (RequestState r : before.requests()) {
      if (!r.phase.queued()
          || rows.contains(r.id)
          || leaving(before)
          || usedUpBefore(r, batch, rank, before)
          || !outranks(r, rank, before)) {
        outranking.remove(r.id);
        continue;
      }
      exercised();
      int decisions = outranking.merge(r.id, 1, Integer::sum);
      if (decisions > patience) {
        violated(
            r.id
                + " has waited "
                + decisions
                + " decisions although it outranks running requests whose place would do",
            r.id);
      }
    }
    outranking.keySet().removeIf(id -> before.request(id) == null);
  }

  /** Whether those who rank before a request use the whole budget. */
  private static boolean usedUpBefore(
      RequestState r, List<TraceEvent.Row> batch, Rank rank, TraceState before) {
    Long budget = before.config().tokenBudget();
    return budget != null && rank.tokensBefore(r, batch, before) >= budget;
  }

  /** Whether somebody who was preempted still has to give its blocks back. */
  private static boolean leaving(TraceState before) {
    if (!before.declares("deferred-release")) {
      return false;
    }
    for (RequestState r : before.requests()) {
      if (r.phase != Phase.RUNNING && r.inFlight > 0 && !r.holdsNoMemory()) {
        return true;
      }
    }
    return false;
  }

  private static boolean outranks(RequestState r, Rank rank, TraceState before) {
    Set<String> lower = new HashSet<>();
    for (RequestState other : before.requests()) {
      if (other.phase == Phase.RUNNING && other.inFlight == 0 && rank.compare(r, other) < 0) {
        lower.add(other.id);
      }
    }
    long slots = lower.size();
    long freed = 0;
    for (Map.Entry<TraceState.BlockId, BlockState> entry : before.blocks().entrySet()) {
      BlockState block = entry.getValue();
      boolean device = entry.getKey().pool().equals(TraceState.DEVICE);
      // A block that somebody else shares is not freed.
      if (device
          && !block.holders.isEmpty()
          && lower.containsAll(block.holders.keySet())
          && block.pins.isEmpty()
          && block.transfers == 0) {
        freed++;
      }
    }
    Long most = before.config().slots();
    boolean slot = most == null || before.count(Phase.RUNNING) - slots < most;
    long need = before.blocksToGoOn(r);
    long available = before.available();
    return slots > 0 && slot && need >= 0 && available >= 0 && need <= available + freed;
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
