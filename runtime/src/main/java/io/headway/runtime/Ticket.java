package io.headway.runtime;

import io.headway.api.Request;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One routed request and the load it puts on an instance, until {@link #release}.
 *
 * <p>A ticket points at one incarnation: once that is down, its release changes no load. The first
 * release wins, later ones do nothing, and {@link #close} without release counts as {@link
 * ReleaseCause#UNKNOWN}, so {@code try (Ticket ticket = plan.ticket())} never leaks. Thread-safe.
 */
public final class Ticket implements AutoCloseable {
  private final ClusterScheduler cluster;
  private final Request request;

  /** Where it may go at all; null for anywhere. */
  final @Nullable Set<String> subset;

  // All below guarded by the cluster's lock.

  /** The load of the whole request, or of its decodes; null while nobody carries it. */
  @Nullable Charge charge;

  /** The load of the prompt where another instance runs it, until the first token. */
  @Nullable Charge prefillCharge;

  String primary = "";
  int primaryIncarnation;
  String prefillInstance = "";
  String kvSource = "";
  List<Member> fallbacks = List.of();
  List<String> tried = List.of();
  long deadlineNanos = Long.MAX_VALUE;
  long predictedNanos = -1;
  long calibratedNanos = -1;
  long startedAt = Long.MIN_VALUE;
  boolean sawFirstToken;
  boolean indexed;
  boolean moved;
  int migrations;
  @Nullable Migration migration;
  @Nullable ReleaseCause cause;

  Ticket(ClusterScheduler cluster, Request request, @Nullable Set<String> subset) {
    this.cluster = cluster;
    this.request = request;
    this.subset = subset;
  }

  /**
   * Returns the routed request.
   *
   * @return the request
   */
  public Request request() {
    return request;
  }

  /**
   * Returns where the request (its decodes, if it is split) goes or was served.
   *
   * @return an instance id
   */
  public String primary() {
    cluster.lock.lock();
    try {
      return primary;
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Returns which life of {@link #primary()} is meant.
   *
   * @return an incarnation
   */
  public int primaryIncarnation() {
    cluster.lock.lock();
    try {
      return primaryIncarnation;
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Returns whom to try if the primary fails before its first token.
   *
   * @return instance ids, best first; those tried already are gone
   */
  public List<String> fallbacks() {
    cluster.lock.lock();
    try {
      return fallbacks.stream().map(Member::id).toList();
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Returns whether the prompt runs elsewhere than the decodes.
   *
   * @return true if {@link #prefillInstance()} is meaningful
   */
  public boolean hasPrefillInstance() {
    return !prefillInstance().isEmpty();
  }

  /**
   * Returns where the prompt runs if not at the primary.
   *
   * @return an instance id; empty if the primary runs it
   */
  public String prefillInstance() {
    cluster.lock.lock();
    try {
      return prefillInstance;
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Returns whose cached prefix should be fetched first.
   *
   * @return an instance id; empty if nobody's
   */
  public String kvSource() {
    cluster.lock.lock();
    try {
      return kvSource;
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Returns the deadline that the policy gave, or else the request's own.
   *
   * @return nanoseconds on the caller's clock; {@link Long#MAX_VALUE} if none
   */
  public long deadlineNanos() {
    cluster.lock.lock();
    try {
      return deadlineNanos;
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Returns whether the ticket has been released.
   *
   * @return true from the first release on
   */
  public boolean isReleased() {
    cluster.lock.lock();
    try {
      return cause != null;
    } finally {
      cluster.lock.unlock();
    }
  }

  /**
   * Says who really serves the request, for instance a fallback; the load moves there. Legal at any
   * time, repeatedly.
   *
   * @param instanceId who serves it
   * @param nowNanos caller's clock
   * @return false if the ticket is released or no such instance is up; in the second case nobody
   *     carries the load from now on
   */
  public boolean servedBy(String instanceId, long nowNanos) {
    return cluster.servedBy(this, Check.notNull("instanceId", instanceId), nowNanos);
  }

  /**
   * Says that execution began, for callers that know; makes backlogs and service times exact.
   *
   * @param nowNanos caller's clock
   * @return false if the ticket is released or it was said before
   */
  public boolean started(long nowNanos) {
    return cluster.started(this, nowNanos);
  }

  /**
   * Says that the first token arrived: the prompt has been computed, so the prefix index learns it
   * and the load of a separate prefill instance ends.
   *
   * @param nowNanos caller's clock
   * @return false if the ticket is released or it was said before
   */
  public boolean firstToken(long nowNanos) {
    return cluster.firstToken(this, nowNanos);
  }

  /**
   * Gives up on the present instance and asks where to go instead: the next fallback that is ready,
   * or a new decision without the instances tried. The load moves; it is never counted twice.
   *
   * @param cause why the present instance is given up
   * @param nowNanos caller's clock
   * @return ACCEPT with this very ticket; or QUEUE or REJECT, and then this ticket is released with
   *     the cause. A released ticket gets REJECT with CANCELLED
   */
  public RoutePlan retry(ReleaseCause cause, long nowNanos) {
    return cluster.retry(this, Check.notNull("cause", cause), nowNanos);
  }

  /**
   * Ends the request; the first call wins.
   *
   * @param cause why
   * @param usage what it used
   * @param nowNanos caller's clock
   * @return true for the call that ended it
   */
  public boolean release(ReleaseCause cause, Usage usage, long nowNanos) {
    return cluster.release(
        this, Check.notNull("cause", cause), Check.notNull("usage", usage), nowNanos);
  }

  /** Releases with UNKNOWN at the latest time the cluster has heard of, unless released already. */
  @Override
  public void close() {
    cluster.release(this, ReleaseCause.UNKNOWN, Usage.UNKNOWN, Long.MIN_VALUE);
  }

  @Override
  public String toString() {
    return "Ticket[" + request.id() + " at " + primary() + "]";
  }
}
