package io.headway.runtime;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What policies and predictors of a cluster did wrong: counted, warned about at most once a minute,
 * and, in strict mode, thrown by the call it happened in or, where that call had to take effect all
 * the same, by the next one that decides. Guarded by the cluster's lock.
 */
final class ClusterFaults {
  private static final long WARN_GAP_NANOS = 60_000_000_000L;
  private static final Logger LOG = LoggerFactory.getLogger(ClusterScheduler.class);

  private final ClusterClock clock;
  private final boolean strict;
  private long violations;
  private @Nullable PolicyViolationException pending;
  private long lastWarnNanos = Long.MIN_VALUE;

  ClusterFaults(ClusterClock clock, boolean strict) {
    this.clock = clock;
    this.strict = strict;
  }

  boolean strict() {
    return strict;
  }

  /** Returns the faults since the start, or since the routing policy was put back into use. */
  long violations() {
    return violations;
  }

  void forgive() {
    violations = 0;
  }

  /** Counts a fault and names who is to blame. */
  PolicyViolationException count(String id, String requestId, String what, RuntimeException cause) {
    violations++;
    return cause instanceof PolicyViolationException violation
        ? violation
        : new PolicyViolationException(id, Invariant.INV_02, requestId, what + cause, cause);
  }

  /** Counts and reports a fault of a part whose failure is a missing answer, not a wrong one. */
  PolicyViolationException ofPart(String id, RuntimeException cause) {
    PolicyViolationException fault = count(id, "", "it threw ", cause);
    warn(fault.getMessage() + "; the decision goes on without it");
    return fault;
  }

  /** Keeps a fault, in strict mode, for the next call that decides. */
  void keep(PolicyViolationException fault) {
    if (strict && pending == null) {
      pending = fault;
    }
  }

  void throwPending() {
    PolicyViolationException fault = pending;
    if (fault != null) {
      pending = null;
      throw fault;
    }
  }

  /** Writes one line a minute, by the caller's clock. */
  void warn(String message) {
    long now = clock.now();
    if (lastWarnNanos == Long.MIN_VALUE || now - lastWarnNanos >= WARN_GAP_NANOS) {
      lastWarnNanos = now;
      LOG.warn("{}", message);
    }
  }
}
