package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;

/**
 * A batching policy together with its state, so that the rest of the runtime need not know the
 * state's type.
 */
final class BoundPolicy<S> {
  private final BatchingPolicy<S> policy;
  private S state;

  BoundPolicy(BatchingPolicy<S> policy) {
    this.policy = policy;
    state = policy.newState();
  }

  String id() {
    return policy.id();
  }

  void reset() {
    state = policy.newState();
  }

  boolean canServe(BatchView view, Request request) {
    return policy.canServe(state, view, request);
  }

  int incomingTokens(BatchView view, Request request) {
    return policy.incomingTokens(state, view, request);
  }

  void plan(BatchView view, BatchDraft draft) {
    policy.plan(state, view, draft);
  }

  long wakeAtNanos(BatchView view) {
    return policy.wakeAtNanos(state, view);
  }

  int repeatableIterations(BatchView view) {
    return policy.repeatableIterations(state, view);
  }

  String explain(BatchView view, int sequence) {
    return policy.explain(state, view, sequence);
  }

  void onQueued(BatchView view, int sequence) {
    policy.onQueued(state, view, sequence);
  }

  void onAdmitted(BatchView view, int sequence, int cachedTokens) {
    policy.onAdmitted(state, view, sequence, cachedTokens);
  }

  void onPreempted(BatchView view, int sequence) {
    policy.onPreempted(state, view, sequence);
  }

  void onServed(BatchView view, ServedSequences served) {
    policy.onServed(state, view, served);
  }

  void onEnded(BatchView view, int sequence, End end) {
    policy.onEnded(state, view, sequence, end);
  }

  void onTenantForgotten(int tenant) {
    policy.onTenantForgotten(state, tenant);
  }
}
