package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * INV-26: nobody waits behind a request that waits for something else. A queued request that fits,
 * while neither the engine's budget and slots nor those that the policy claims for itself ({@code
 * batchTokens}, {@code batchSequences}, which INV-05 and INV-06 hold it to) are used up, starts
 * within k decisions if somebody is blocked in a way that does not concern it: deferred for an
 * external event, refused for want of an adapter place, or short of blocks while nothing runs whose
 * end could bring them. Where somebody else was refused as well, for want of what running requests
 * will give back or by the policy's own test or plan, those not tried wait behind that one, which
 * is the policy's right unless it declares {@code bypass}.
 */
final class NoHeadOfLineWait extends Checker {
  private final int patience;
  private final Map<String, Integer> waited = new HashMap<>();
  private final Set<String> refused = new HashSet<>();
  private final Set<String> lacksAdapter = new HashSet<>();
  private boolean stopped;

  NoHeadOfLineWait(CheckOptions options) {
    super(Invariant.INV_26);
    patience = options.headOfLineDecisions();
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Attempt e) {
      if (!"done".equals(e.outcome())) {
        refused.add(e.r());
        boolean adapter = "no-adapter".equals(e.outcome());
        if (adapter) {
          lacksAdapter.add(e.r());
        }
        stopped |= !adapter && !"never-fits".equals(e.outcome());
      }
    } else if (event instanceof TraceEvent.Step e) {
      Set<String> rows = new HashSet<>();
      long tokens = 0;
      for (TraceEvent.Row row : e.batch()) {
        rows.add(row.r());
        tokens += TraceState.orZero(row.n());
      }
      decided(rows, placed(rows, before) || usedUp(rows.size(), tokens, before), before);
    } else if (event instanceof TraceEvent.Idle) {
      decided(Set.of(), false, before);
    }
  }

  /** Whether whoever starts takes the last slot. */
  private static boolean placed(Set<String> rows, TraceState before) {
    Long slots = before.config().slots();
    long used = before.count(Phase.RUNNING) + before.count(Phase.TRANSFERRING);
    for (String row : rows) {
      RequestState r = before.request(row);
      used += r == null || r.phase != Phase.RUNNING ? 1 : 0;
    }
    return slots != null && used >= slots;
  }

  /** Whether a batch has all that the engine or, by its claims, the policy may put into one. */
  private static boolean usedUp(int sequences, long tokens, TraceState before) {
    Long budget = before.config().tokenBudget();
    Double ownBudget = before.claim("batchTokens");
    Double ownCap = before.claim("batchSequences");
    return (budget != null && tokens >= budget)
        || (ownBudget != null && tokens >= ownBudget)
        || (ownCap != null && sequences >= ownCap);
  }

  private void decided(Set<String> rows, boolean full, TraceState before) {
    if (!full) {
      boolean runs =
          !rows.isEmpty() || before.count(Phase.RUNNING) > 0 || !before.flights().isEmpty();
      boolean excused = stopped && runs && !before.declares("bypass");
      String blocked = excused ? "" : blocked(runs, before);
      if (blocked.isEmpty()) {
        waited.clear();
      } else {
        count(rows, blocked, before);
      }
    }
    refused.clear();
    lacksAdapter.clear();
    stopped = false;
  }

  private void count(Set<String> rows, String blocked, TraceState before) {
    for (RequestState r : before.requests()) {
      boolean independent =
          r.phase.queued()
              && !rows.contains(r.id)
              && !r.id.equals(blocked)
              && !refused.contains(r.id)
              && before.fits(r)
              && !waitsInOrder(r, rows, blocked, before);
      if (!independent) {
        waited.remove(r.id);
        continue;
      }
      exercised();
      int times = waited.merge(r.id, 1, Integer::sum);
      if (times > patience) {
        violated(
            r.id
                + " fits, but has waited "
                + times
                + " decisions behind "
                + blocked
                + ", which waits for something else",
            r.id,
            blocked);
      }
    }
    waited.keySet().removeIf(id -> before.request(id) == null);
  }

  /** Whether somebody else goes first who waits for what running requests will give back. */
  private boolean waitsInOrder(
      RequestState r, Set<String> rows, String blocked, TraceState before) {
    Rank rank = Rank.of(before);
    if (rank == null || before.declares("bypass")) {
      return false;
    }
    for (RequestState other : before.requests()) {
      if (other.phase.queued()
          && !rows.contains(other.id)
          && !other.id.equals(blocked)
          && (refused.contains(other.id) || !before.fits(other))
          && rank.compare(other, r) < 0) {
        return true;
      }
    }
    return false;
  }

  /** Returns somebody who is blocked in a way that running requests cannot end, or "". */
  private String blocked(boolean runs, TraceState before) {
    for (RequestState r : before.requests()) {
      if (r.phase == Phase.DEFERRED
          || (r.phase.queued() && lacksAdapter.contains(r.id))
          || (r.phase.queued() && !runs && !before.fits(r) && before.available() >= 0)) {
        return r.id;
      }
    }
    return "";
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP") && !last.seen("IDLE")) {
      missing("STEP");
    } else if (!waited.isEmpty()) {
      inconclusive("the trace ends while somebody waits behind a blocked request");
    }
  }
}
