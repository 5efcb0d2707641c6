package io.headway.routing.instance;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores by the prompt tokens this router has in flight there: {@code 1 - min(tokens, max) / max}
 * (llm-d's {@code token-load} scorer). Cost O(M), no allocation.
 */
public final class TokenLoadScorer implements InstanceScorer<Stateless> {
  /** Default for {@code maxTokens}. */
  public static final long DEFAULT_MAX_TOKENS = 4_194_304;

  private final long maxTokens;

  /**
   * Makes the scorer.
   *
   * @param maxTokens tokens that score 0, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public TokenLoadScorer(long maxTokens) {
    this.maxTokens = Check.atLeast("maxTokens", maxTokens, 1L, "token");
  }

  @Override
  public String id() {
    return "token-load";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        double tokens = Math.min(view.inFlightTokens(i), maxTokens);
        score[i] = 1 - tokens / maxTokens;
      }
    }
  }
}
