package io.headway.batching;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.composition.ComposedBatchingPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** A composed policy of which a test sees state, decisions and events. */
public class Observed implements BatchingPolicy<ComposedBatchingPolicy.State> {
  private final ComposedBatchingPolicy policy;
  private final Set<Integer> live = new TreeSet<>();
  private ComposedBatchingPolicy.State state;

  public Observed(ComposedBatchingPolicy policy) {
    this.policy = policy;
  }

  /** After each decision. */
  protected void planned(BatchView view, BatchDraft draft) {}

  /** Before the policy is told of an admission. */
  protected void admitting(BatchView view, int sequence) {}

  /** Before the policy is told of a preemption. */
  protected void preempting(BatchView view, int sequence) {}

  /** Before the policy is told of service. */
  protected void serving(BatchView view, int sequence, int prefillTokens, int outputTokens) {}

  /** The state of a part. */
  protected final <S> S of(SchedulingPolicy<S> part) {
    return state.of(part);
  }

  /** Everybody queued or running, those admitted or preempted in this decision included. */
  protected final List<Integer> live() {
    return new ArrayList<>(live);
  }

  @Override
  public String id() {
    return policy.id();
  }

  @Override
  public Claims claims() {
    return policy.claims();
  }

  @Override
  public ComposedBatchingPolicy.State newState() {
    state = policy.newState();
    return state;
  }

  @Override
  public boolean canServe(ComposedBatchingPolicy.State state, BatchView view, Request request) {
    return policy.canServe(state, view, request);
  }

  @Override
  public void plan(ComposedBatchingPolicy.State state, BatchView view, BatchDraft draft) {
    policy.plan(state, view, draft);
    planned(view, draft);
  }

  @Override
  public long wakeAtNanos(ComposedBatchingPolicy.State state, BatchView view) {
    return policy.wakeAtNanos(state, view);
  }

  @Override
  public void onQueued(ComposedBatchingPolicy.State state, BatchView view, int sequence) {
    live.add(sequence);
    policy.onQueued(state, view, sequence);
  }

  @Override
  public void onAdmitted(
      ComposedBatchingPolicy.State state, BatchView view, int sequence, int cachedTokens) {
    admitting(view, sequence);
    policy.onAdmitted(state, view, sequence, cachedTokens);
  }

  @Override
  public void onPreempted(ComposedBatchingPolicy.State state, BatchView view, int sequence) {
    preempting(view, sequence);
    policy.onPreempted(state, view, sequence);
  }

  @Override
  public void onServed(ComposedBatchingPolicy.State state, BatchView view, ServedSequences served) {
    for (int i = 0; i < served.count(); i++) {
      serving(view, served.sequence(i), served.prefillTokens(i), served.outputTokens(i));
    }
    policy.onServed(state, view, served);
  }

  @Override
  public void onEnded(ComposedBatchingPolicy.State state, BatchView view, int sequence, End end) {
    live.remove(sequence);
    policy.onEnded(state, view, sequence, end);
  }
}
