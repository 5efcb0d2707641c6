package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.List;

/**
 * INV-05: an iteration computes at most its token budget, drafts included, and no chunk is larger
 * than the cap on chunks. What is judged is what the executor must process, whatever the scheduler
 * believes to have charged.
 */
final class TokenBudgets extends Checker {
  TokenBudgets() {
    super(Invariant.INV_05);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (!(event instanceof TraceEvent.Step e)) {
      return;
    }
    Long budget = before.config().tokenBudget();
    Long cap = before.config().chunkCap();
    long sum = 0;
    for (TraceEvent.Row row : e.batch()) {
      Long n = row.n();
      if (n == null) {
        missing("STEP.batch.n");
        return;
      }
      sum += n;
      if (cap != null && n > cap && "prefill".equals(row.kind())) {
        violated(row.r() + " is given a chunk of " + n + " tokens, but the cap is " + cap, row.r());
      }
    }
    if (budget == null) {
      missing("CONFIG.tokenBudget");
      return;
    }
    exercised();
    if (sum > budget) {
      violated(
          "the iteration computes " + sum + " tokens, but the token budget is " + budget,
          e.batch().stream().map(TraceEvent.Row::r).limit(4).toList(),
          List.of());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
