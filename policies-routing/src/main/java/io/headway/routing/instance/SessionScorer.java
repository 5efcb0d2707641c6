package io.headway.routing.instance;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstanceScorer;

/**
 * Scores 1 the instance that the request's session names and 0 every other: for gateways that hand
 * the id of the serving instance to the client as a session token (llm-d's {@code session-affinity}
 * scorer). Cost O(M), no allocation.
 */
public final class SessionScorer implements InstanceScorer<Stateless> {
  /** Makes the scorer. */
  public SessionScorer() {}

  @Override
  public String id() {
    return "session";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.SESSION).build();
  }

  @Override
  public void score(
      Stateless state, Request request, ClusterView view, boolean[] candidate, double[] score) {
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        score[i] = view.instance(i).id().equals(request.session()) ? 1 : 0;
      }
    }
  }
}
