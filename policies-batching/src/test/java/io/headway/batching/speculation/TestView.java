package io.headway.batching.speculation;

import io.headway.api.RandomSource;
import io.headway.api.speculation.SpeculationCost;
import io.headway.api.speculation.SpeculationView;

/** Requests with given caps and a budget; everything else is absent. */
record TestView(int draftBudgetTokens, int... caps) implements SpeculationView {
  @Override
  public RandomSource random() {
    return RandomSource.seeded(1);
  }

  @Override
  public int requests() {
    return caps.length;
  }

  @Override
  public int sequence(int request) {
    return request;
  }

  @Override
  public int contextTokens(int request) {
    return 100;
  }

  @Override
  public int maxDraftTokens(int request) {
    return caps[request];
  }

  @Override
  public int prefillTokens() {
    return 0;
  }

  @Override
  public long tpotTargetNanos() {
    return Long.MAX_VALUE;
  }

  @Override
  public SpeculationCost cost() {
    throw new UnsupportedOperationException();
  }

  @Override
  public int draftedTokens(int request) {
    return 0;
  }

  @Override
  public double confidence(int request, int draft) {
    throw new UnsupportedOperationException();
  }
}
