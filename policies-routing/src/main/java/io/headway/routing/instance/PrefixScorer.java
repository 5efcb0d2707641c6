package io.headway.routing.instance;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores the share of the prompt's whole blocks that an instance holds in its prefix cache, 0 for a
 * prompt without keys (Gateway API Inference Extension's {@code prefix} scorer). Cost O(M +
 * blocks), no allocation.
 */
public final class PrefixScorer implements InstanceScorer<Stateless> {
  /** Makes the scorer. */
  public PrefixScorer() {}

  @Override
  public String id() {
    return "prefix";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.PREFIX_KEYS).build();
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    double blocks = view.promptBlocks(request);
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        int matched = view.matchedBlocks(request, i);
        score[i] = matched == 0 ? 0 : matched / blocks;
      }
    }
  }
}
