package io.headway.testkit.subject;

import io.headway.api.Claims;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionView;

/** Asks an eviction policy both ways, and throws if the answers disagree. */
final class LawfulEviction<S> implements EvictionPolicy<S> {
  private final EvictionPolicy<S> policy;

  LawfulEviction(EvictionPolicy<S> policy) {
    this.policy = policy;
  }

  @Override
  public String id() {
    return policy.id();
  }

  @Override
  public S newState() {
    return policy.newState();
  }

  @Override
  public Claims claims() {
    return policy.claims();
  }

  @Override
  public RankChange rankChange() {
    return policy.rankChange();
  }

  @Override
  public boolean evictsTailFirst() {
    return policy.evictsTailFirst();
  }

  @Override
  public int compare(S state, EvictionView view, int a, int b) {
    int forth = policy.compare(state, view, a, b);
    int back = policy.compare(state, view, b, a);
    int again = policy.compare(state, view, a, b);
    if (Integer.signum(forth) != -Integer.signum(back)
        || Integer.signum(forth) != Integer.signum(again)) {
      throw new PolicyViolationException(
          id(),
          Invariant.INV_39,
          "",
          "block "
              + a
              + " compares to block "
              + b
              + " as "
              + forth
              + ", the other way round as "
              + back
              + ", and asked again as "
              + again);
    }
    return forth;
  }
}
