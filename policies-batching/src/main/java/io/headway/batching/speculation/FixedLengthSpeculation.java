package io.headway.batching.speculation;

import io.headway.api.Stateless;
import io.headway.api.speculation.SpeculationPlan;
import io.headway.api.speculation.SpeculationPolicy;
import io.headway.api.speculation.SpeculationView;

/**
 * Drafts the same number of tokens for every request in every iteration, as far as each may use
 * them and the draft budget lasts; who comes first in the view is served first. O(requests), no
 * allocation. The baseline of speculative decoding.
 */
public final class FixedLengthSpeculation implements SpeculationPolicy<Stateless> {
  private final int draftTokens;

  /**
   * Makes a policy.
   *
   * @param draftTokens tokens drafted per request, at least 0
   * @throws IllegalArgumentException if it is negative
   */
  public FixedLengthSpeculation(int draftTokens) {
    LeviathanModel.requireTokens("draftTokens", draftTokens);
    this.draftTokens = draftTokens;
  }

  @Override
  public String id() {
    return "fixed-length";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void plan(Stateless state, SpeculationView view, SpeculationPlan plan) {
    chains(view, plan, draftTokens);
  }

  /** Plans chains of one length while the budget lasts. */
  static void chains(SpeculationView view, SpeculationPlan plan, int tokens) {
    int left = view.draftBudgetTokens();
    for (int i = 0; i < view.requests() && left > 0; i++) {
      plan.chain(i, Math.min(tokens, left));
      left -= plan.draftTokens(i);
    }
  }
}
