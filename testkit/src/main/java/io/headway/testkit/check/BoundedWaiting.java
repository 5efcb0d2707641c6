package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-24: with finitely many arrivals everybody ends. After the last arrival at most {@code c *
 * (work + requests + transfers) + k} decisions are made, where the work of a request is {@code
 * ceil(P/T) + M} iterations: what a scheduler needs that serves one after the other. (The
 * catalogue's {@code (P+M)/T} forgets that output comes one token per iteration.) Under {@code
 * starvationIterations} nobody waits longer than promised, under {@code decodeGapIterations} no
 * decoding request sees more iterations in a row that only compute prompts.
 */
final class BoundedWaiting extends Checker {
  private final CheckOptions options;
  private final Map<String, Long> work = new HashMap<>();
  private long total;
  private long sinceArrival;
  private long bound = Long.MAX_VALUE;
  private long prefillOnly;
  private final Map<String, Integer> overtaken = new HashMap<>();

  BoundedWaiting(CheckOptions options) {
    super(Invariant.INV_24);
    this.options = options;
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Arrive e) {
      arrives(e, before);
    } else if (event instanceof TraceEvent.Ended || event instanceof TraceEvent.Reject) {
      Long done = work.remove(String.valueOf(event.r()));
      total -= done == null ? 0 : done;
      exercised();
    } else if (event instanceof TraceEvent.Step e) {
      decision(before);
      starvation(before);
      overtakes(e, before);
      prefillOnly(e, before);
    } else if (event instanceof TraceEvent.Idle) {
      decision(before);
    } else if (event instanceof TraceEvent.Drained) {
      for (RequestState r : before.requests()) {
        if (r.phase != Phase.ENDED) {
          violated(r.id + " never ended, although everything had time to", r.id);
        }
      }
    }
  }

  private void arrives(TraceEvent.Arrive e, TraceState before) {
    if (e.prompt() == null || e.maxNew() == null) {
      missing(e.prompt() == null ? "ARRIVE.prompt" : "ARRIVE.maxNew");
      return;
    }
    Long budget = before.config().tokenBudget();
    long perIteration = budget == null ? 1 : Math.max(1, budget);
    Long chunk = before.config().chunkCap();
    perIteration = chunk == null ? perIteration : Math.max(1, Math.min(perIteration, chunk));
    long own = (e.prompt() + perIteration - 1) / perIteration + e.maxNew();
    Long earlier = work.put(e.r(), own);
    total += own - (earlier == null ? 0 : earlier);
    sinceArrival = 0;
    bound =
        options.drainFactor() * (total + work.size() + before.transfers().size())
            + options.drainSlack();
  }

  private void decision(TraceState before) {
    if (++sinceArrival > bound && before.live() > 0) {
      RequestState left =
          before.requests().stream().filter(r -> r.phase != Phase.ENDED).findFirst().orElseThrow();
      violated(
          left.id
              + " has not ended "
              + sinceArrival
              + " decisions after the last arrival; "
              + bound
              + " would do for everybody",
          left.id);
      bound = Long.MAX_VALUE;
    }
  }

  private void starvation(TraceState before) {
    Double most = before.claim("starvationIterations");
    if (most == null) {
      return;
    }
    for (RequestState r : before.requests()) {
      if (r.phase.queued()) {
        exercised();
        long waited = before.decisions() - r.queuedAtDecision;
        if (waited > most) {
          violated(
              r.id
                  + " has waited "
                  + waited
                  + " decisions, but the policy promises at most "
                  + Math.round(most),
              r.id);
        }
      }
    }
  }

  /** Counts how often somebody who ranks behind it starts before a request that waits. */
  private void overtakes(TraceEvent.Step e, TraceState before) {
    Double most = before.claim("bypassesPerRequest");
    Rank rank = Rank.of(before);
    if (most == null || rank == null) {
      return;
    }
    List<RequestState> started = new ArrayList<>();
    for (TraceEvent.Row row : e.batch()) {
      RequestState r = before.request(row.r());
      if (r != null && r.phase.queued()) {
        started.add(r);
      }
      overtaken.remove(row.r());
    }
    for (RequestState r : before.requests()) {
      if (!r.phase.queued() || started.contains(r) || before.preemptedNow().containsKey(r.id)) {
        continue;
      }
      for (RequestState other : started) {
        if (rank.compare(r, other) < 0) {
          exercised();
          if (overtaken.merge(r.id, 1, Integer::sum) > most) {
            violated(
                other.id
                    + " starts before "
                    + r.id
                    + ", which ranks before it: bypass "
                    + overtaken.get(r.id)
                    + ", but the policy promises at most "
                    + Math.round(most),
                r.id,
                other.id);
          }
        }
      }
    }
    overtaken.keySet().removeIf(id -> before.request(id) == null);
  }

  private void prefillOnly(TraceEvent.Step e, TraceState before) {
    Double most = before.claim("decodeGapIterations");
    if (most == null) {
      return;
    }
    boolean onlyPrefill =
        !e.batch().isEmpty() && e.batch().stream().allMatch(row -> "prefill".equals(row.kind()));
    RequestState starved = null;
    for (RequestState r : before.requests()) {
      if (r.phase == Phase.RUNNING
          && r.decodes()
          && r.mayGrow()
          && r.inFlight == 0
          && !before.lacksMemory(r)) {
        exercised();
        starved = r;
      }
    }
    prefillOnly = onlyPrefill && starved != null ? prefillOnly + 1 : 0;
    if (starved != null && prefillOnly > most) {
      violated(
          prefillOnly
              + " iterations in a row compute prompts only while "
              + starved.id
              + " decodes; the policy promises at most "
              + Math.round(most),
          starved.id);
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ARRIVE")) {
      missing("ARRIVE");
    } else if (last.live() > 0) {
      inconclusive("the trace ends while " + last.live() + " requests are live");
    }
  }
}
