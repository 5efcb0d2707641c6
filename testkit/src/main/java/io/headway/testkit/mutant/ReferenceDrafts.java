package io.headway.testkit.mutant;

import io.headway.api.speculation.SpeculationPlan;
import io.headway.api.speculation.SpeculationPolicy;
import io.headway.api.speculation.SpeculationView;
import org.jspecify.annotations.Nullable;

/**
 * A small speculation policy that is correct unless a fault is planted: it drafts one token more
 * than were accepted last, at most {@value #MOST}, from the first request on as far as the budget
 * goes, and does not verify drafts behind one that is less likely than {@value #LEAST}.
 */
final class ReferenceDrafts implements SpeculationPolicy<ReferenceDrafts.Rate> {
  private static final int MOST = 4;
  private static final double LEAST = 0.3;

  /** What was accepted last. */
  static final class Rate {
    int accepted;
  }

  private final @Nullable PolicyFault fault;
  private final Rate own = new Rate();

  ReferenceDrafts(@Nullable PolicyFault fault) {
    this.fault = fault;
  }

  private boolean has(PolicyFault planted) {
    return fault == planted;
  }

  @Override
  public String id() {
    return "reference";
  }

  @Override
  public Rate newState() {
    return new Rate();
  }

  private Rate rate(Rate state) {
    return has(PolicyFault.H_80) ? own : state;
  }

  private int wanted(Rate state) {
    return Math.min(MOST, rate(state).accepted + 1);
  }

  @Override
  public void plan(Rate state, SpeculationView view, SpeculationPlan plan) {
    int left = view.draftBudgetTokens();
    for (int r = 0; r < view.requests(); r++) {
      int tokens = Math.min(wanted(state), Math.min(left, view.maxDraftTokens(r)));
      plan.chain(r, tokens);
      left -= has(PolicyFault.H_79) ? 0 : tokens;
    }
  }

  @Override
  public void trim(Rate state, SpeculationView view, SpeculationPlan plan) {
    for (int r = 0; r < view.requests(); r++) {
      int likely = 0;
      while (likely < plan.draftTokens(r) && view.confidence(r, likely) >= LEAST) {
        likely++;
      }
      plan.chain(r, has(PolicyFault.H_78) && likely < plan.draftTokens(r) ? MOST : likely);
    }
  }

  @Override
  public void onVerified(Rate state, int sequence, int verified, int accepted, int tested) {
    rate(state).accepted = accepted;
  }
}
