package io.headway.runtime;

import io.headway.api.batching.End;

/** Keeps what a listener throws away from the calls that it observes. */
final class GuardedListener implements RuntimeListener {
  private final RuntimeListener listener;
  private final Faults faults;

  GuardedListener(RuntimeListener listener, Faults faults) {
    this.listener = listener;
    this.faults = faults;
  }

  @Override
  public void accepted(long handle, long nowNanos) {
    try {
      listener.accepted(handle, nowNanos);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void started(long handle, long waitedNanos, int cachedTokens) {
    try {
      listener.started(handle, waitedNanos, cachedTokens);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void preempted(long handle, int preemptions) {
    try {
      listener.preempted(handle, preemptions);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void planned(long stepId, int rows, int tokens) {
    try {
      listener.planned(stepId, rows, tokens);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void completed(long stepId, long elapsedNanos, int outputTokens) {
    try {
      listener.completed(stepId, elapsedNanos, outputTokens);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void failed(long stepId) {
    try {
      listener.failed(stepId);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void ended(long handle, End end, int outputTokens) {
    try {
      listener.ended(handle, end, outputTokens);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void guarded(long violations, boolean disabled) {
    try {
      listener.guarded(violations, disabled);
    } catch (Throwable e) {
      observed(e);
    }
  }

  @Override
  public void policyRestarted(long violations) {
    try {
      listener.policyRestarted(violations);
    } catch (Throwable e) {
      observed(e);
    }
  }

  private void observed(Throwable fault) {
    faults.observed(Faults.Cause.LISTENER, "what it missed is not told again", fault);
  }
}
