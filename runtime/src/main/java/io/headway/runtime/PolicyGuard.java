package io.headway.runtime;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.ServedSequences;
import org.jspecify.annotations.Nullable;

/**
 * The policy in force. When the custom policy throws or breaks a rule, the built-in one decides in
 * its place, once, and for good after too many faults; in strict mode nobody does.
 *
 * <p>A policy that has thrown may have missed or half-handled anything, so it is told nothing more
 * and gets, before it is asked again, fresh state and the events from which that can be built: for
 * everyone who is queued, then for everyone who runs.
 */
final class PolicyGuard implements Draft.Observer {
  private static final int NONE = BatchView.NONE;

  private final Sequences sequences;
  private final Faults faults;
  private final RuntimeListener listener;
  private final int maxFaults;
  private final BoundPolicy<?> custom;
  private final BoundPolicy<?> builtIn = new BoundPolicy<>(new GuardPolicy());

  /** The custom policy while it is in use and its state is up to date, otherwise null. */
  private @Nullable BoundPolicy<?> told;

  private boolean off;
  private int faultsInUse;
  private long violations;

  PolicyGuard(
      BatchingPolicy<?> policy,
      Sequences sequences,
      Faults faults,
      RuntimeListener listener,
      int maxFaults) {
    this.sequences = sequences;
    this.faults = faults;
    this.listener = listener;
    this.maxFaults = maxFaults;
    custom = new BoundPolicy<>(policy);
    told = custom;
  }

  /** Returns the id of the policy that decides next. */
  String id() {
    return off ? builtIn.id() : custom.id();
  }

  /** Returns the faults of the policy since the start. */
  long violations() {
    return violations;
  }

  /** Puts the custom policy back into use, with fresh state. */
  void enable() {
    faultsInUse = 0;
    off = false;
    told = null;
  }

  // ---- what it is asked

  /**
   * Fills a draft: by the custom policy, or by the built-in one if that one fails.
   *
   * @param draft begun here; rolled back if this throws
   * @param idle whether no plan is in flight, so that an empty draft may stall the engine
   * @throws PolicyViolationException in strict mode, if the policy failed
   */
  void plan(Draft draft, boolean idle) {
    BoundPolicy<?> policy = inUse();
    if (policy != null && planned(policy, draft, idle)) {
      return;
    }
    draft.begin(builtIn.id());
    try {
      builtIn.plan(sequences, draft);
      draft.close();
    } catch (Throwable e) {
      // Nothing the policy did: something below it, such as an eviction policy, has thrown.
      draft.rollback();
      throw e;
    }
  }

  private boolean planned(BoundPolicy<?> policy, Draft draft, boolean idle) {
    draft.begin(policy.id());
    Throwable thrown;
    try {
      policy.plan(sequences, draft);
      thrown = draft.close();
      if (thrown == null) {
        if (!idle || draft.changedAnything() || !stalls(policy)) {
          return true;
        }
        thrown = stall(policy);
      }
    } catch (Throwable e) {
      thrown = e;
    }
    draft.rollback();
    PolicyViolationException fault = fault(thrown);
    if (faults.strict()) {
      throw fault;
    }
    return false;
  }

  private boolean stalls(BoundPolicy<?> policy) {
    return (sequences.waitingCount() > 0 || sequences.runningCount() > 0)
        && sequences.pendingTransfers == 0
        && policy.wakeAtNanos(sequences) == Long.MAX_VALUE;
  }

  private PolicyViolationException stall(BoundPolicy<?> policy) {
    int oldest = sequences.firstWaiting();
    for (int i = 0; i < sequences.runningCount(); i++) {
      int s = sequences.running(i);
      if (oldest == NONE || sequences.compareArrival(s, oldest) < 0) {
        oldest = s;
      }
    }
    return new PolicyViolationException(
        policy.id(),
        Invariant.INV_23,
        sequences.requestOf(oldest).id(),
        "nothing is in flight and nothing was planned, yet requests wait; plan one or say when to"
            + " be asked again");
  }

  /** Returns whether a request can ever be served. Nothing has changed yet: strict mode throws. */
  boolean canServe(Request request) {
    BoundPolicy<?> policy = inUse();
    if (policy == null) {
      return true;
    }
    try {
      return policy.canServe(sequences, request);
    } catch (Throwable e) {
      PolicyViolationException fault = fault(e);
      if (faults.strict()) {
        throw fault;
      }
      return true;
    }
  }

  /** Returns for how many tokens a request takes blocks whose prompt comes from elsewhere. */
  int incomingTokens(Request request) {
    BoundPolicy<?> policy = inUse();
    int tokens = request.maxKvTokens();
    try {
      tokens = (policy == null ? builtIn : policy).incomingTokens(sequences, request);
    } catch (Throwable e) {
      PolicyViolationException fault = fault(e);
      if (faults.strict()) {
        throw fault;
      }
    }
    return Math.max(request.promptTokens(), Math.min(tokens, request.maxKvTokens()));
  }

  /** Returns when time alone may change an empty decision. */
  long wakeAtNanos() {
    BoundPolicy<?> policy = told;
    if (policy == null) {
      return Long.MAX_VALUE;
    }
    try {
      return policy.wakeAtNanos(sequences);
    } catch (Throwable e) {
      keep(e);
      return Long.MAX_VALUE;
    }
  }

  /** Returns how often the last decision may be repeated. */
  int repeatableIterations() {
    BoundPolicy<?> policy = told;
    if (policy == null) {
      return 0;
    }
    try {
      return policy.repeatableIterations(sequences);
    } catch (Throwable e) {
      keep(e);
      return 0;
    }
  }

  /** Returns the policy's own words on a sequence. */
  String explain(int s) {
    BoundPolicy<?> policy = told;
    if (policy == null) {
      return "";
    }
    try {
      return policy.explain(sequences, s);
    } catch (RuntimeException e) {
      return "the policy cannot explain it: " + e;
    }
  }

  // ---- what it is told, from within a draft: what it throws voids the draft

  @Override
  public void admitted(int sequence, int cachedTokens) {
    if (told != null) {
      told.onAdmitted(sequences, sequence, cachedTokens);
    }
  }

  @Override
  public void preempting(int sequence) {
    if (told != null) {
      told.onPreempted(sequences, sequence);
    }
  }

  @Override
  public void queued(int sequence) {
    if (told != null) {
      told.onQueued(sequences, sequence);
    }
  }

  // ---- what it is told outside of drafts: what it throws changes nothing for others

  void onQueued(int s) {
    try {
      queued(s);
    } catch (Throwable e) {
      keep(e);
    }
  }

  void onAdmitted(int s, int cachedTokens) {
    try {
      admitted(s, cachedTokens);
    } catch (Throwable e) {
      keep(e);
    }
  }

  void onPreempted(int s) {
    try {
      preempting(s);
    } catch (Throwable e) {
      keep(e);
    }
  }

  void onServed(ServedSequences served) {
    BoundPolicy<?> policy = told;
    if (policy == null) {
      return;
    }
    try {
      policy.onServed(sequences, served);
    } catch (Throwable e) {
      keep(e);
    }
  }

  void onEnded(int s, End why) {
    if (told == null) {
      return;
    }
    try {
      told.onEnded(sequences, s, why);
    } catch (Throwable e) {
      keep(e);
    }
  }

  void onTenantForgotten(int tenant) {
    if (told == null) {
      return;
    }
    try {
      told.onTenantForgotten(tenant);
    } catch (Throwable e) {
      keep(e);
    }
  }

  // ---- faults

  /** Returns the custom policy with its state up to date, or null if the built-in one decides. */
  private @Nullable BoundPolicy<?> inUse() {
    if (off || told != null) {
      return told;
    }
    try {
      custom.reset();
      for (int s = sequences.firstWaiting(); s != NONE; s = sequences.nextWaiting(s)) {
        custom.onQueued(sequences, s);
      }
      for (int i = 0; i < sequences.runningCount(); i++) {
        int s = sequences.running(i);
        custom.onQueued(sequences, s);
        custom.onAdmitted(sequences, s, sequences.computed(s));
      }
      told = custom;
      listener.policyRestarted(violations);
    } catch (Throwable e) {
      PolicyViolationException fault = fault(e);
      if (faults.strict()) {
        throw fault;
      }
    }
    return told;
  }

  /** Takes a fault out of a call that takes effect whole all the same. */
  private void keep(Throwable thrown) {
    faults.keep(fault(thrown));
  }

  private PolicyViolationException fault(Throwable thrown) {
    told = null;
    Faults.throwIfFatal(thrown);
    violations++;
    PolicyViolationException fault =
        thrown instanceof PolicyViolationException violation
            ? violation
            : new PolicyViolationException(
                custom.id(), Invariant.INV_02, "", "the policy threw " + thrown, thrown);
    if (!faults.strict()) {
      off |= ++faultsInUse >= maxFaults;
      faults.warn(
          Faults.Cause.POLICY,
          "{}; {}",
          fault.getMessage(),
          off
              ? "the policy stays off until it is enabled again"
              : "the built-in policy decides this once",
          // The first one with its stack.
          violations == 1 ? fault : null);
      listener.guarded(violations, off);
    }
    return fault;
  }
}
