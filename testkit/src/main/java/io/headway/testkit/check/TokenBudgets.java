package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-05: an iteration computes at most its token budget, drafts included, and no chunk is larger
 * than the cap on chunks; a budget of its own that the policy claims beside the engine's ({@code
 * batchTokens}) is kept too. What is judged is what the executor must process, whatever the
 * scheduler believes to have charged; where the trace says what the admission of a request was
 * charged, its row computes no more than that.
 */
final class TokenBudgets extends Checker {
  /** Tokens that this decision has charged for the requests that it has admitted. */
  private final Map<String, Long> charged = new HashMap<>();

  TokenBudgets() {
    super(Invariant.INV_05);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e) {
      step(e, before);
      charged.clear();
    } else if (event instanceof TraceEvent.Idle) {
      charged.clear();
    } else if (event instanceof TraceEvent.Attempt e
        && "done".equals(e.outcome())
        && e.tokens() != null) {
      charged.put(e.r(), e.tokens());
    }
  }

  private void step(TraceEvent.Step e, TraceState before) {
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
      Long most = charged.get(row.r());
      if (most != null) {
        exercised();
        if (n > most) {
          violated(
              row.r() + " computes " + n + " tokens, but its admission was charged " + most,
              row.r());
        }
      }
      if (cap != null && n > cap && "prefill".equals(row.kind())) {
        violated(row.r() + " is given a chunk of " + n + " tokens, but the cap is " + cap, row.r());
      }
    }
    Double own = before.claim("batchTokens");
    if (own != null && sum > own) {
      exceeds(e, sum, "the budget that the policy claims is " + Figures.text(own));
    }
    if (budget == null) {
      missing("CONFIG.tokenBudget");
      return;
    }
    exercised();
    if (sum > budget) {
      exceeds(e, sum, "the token budget is " + budget);
    }
  }

  private void exceeds(TraceEvent.Step e, long tokens, String budget) {
    violated(
        "the iteration computes " + tokens + " tokens, but " + budget,
        e.batch().stream().map(TraceEvent.Row::r).limit(4).toList(),
        List.of());
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP")) {
      missing("STEP");
    }
  }
}
