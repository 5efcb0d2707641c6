package io.headway.runtime;

import io.headway.api.routing.RejectCode;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a request that wants to be routed: go to an instance with a {@link Ticket}, wait at
 * the router, or go away. Immutable but for the fate of a queued request; thread-safe.
 */
public final class RoutePlan {
  /** The three answers. */
  public enum Kind {
    /** Send it; see {@link RoutePlan#ticket()}. */
    ACCEPT,
    /** Kept at the router; see {@link RoutePlan#later}. */
    QUEUE,
    /** Turned away; see {@link RoutePlan#code()}. */
    REJECT
  }

  private final Kind kind;
  private final @Nullable Ticket ticket;
  private final @Nullable QueuedRequest queued;
  private final @Nullable RejectCode rejectCode;
  private final String rule;
  private final String reason;
  private final long retryAfterNanos;

  private RoutePlan(
      Kind kind,
      @Nullable Ticket ticket,
      @Nullable QueuedRequest queued,
      @Nullable RejectCode rejectCode,
      String rule,
      String reason,
      long retryAfterNanos) {
    this.kind = kind;
    this.ticket = ticket;
    this.queued = queued;
    this.rejectCode = rejectCode;
    this.rule = rule;
    this.reason = reason;
    this.retryAfterNanos = retryAfterNanos;
  }

  static RoutePlan accepted(Ticket ticket, String rule) {
    return new RoutePlan(Kind.ACCEPT, ticket, null, null, rule, "", 0);
  }

  static RoutePlan queued(QueuedRequest queued, String rule, String reason) {
    return new RoutePlan(Kind.QUEUE, null, queued, null, rule, reason, 0);
  }

  static RoutePlan rejected(RejectCode code, String rule, String reason, long retryAfterNanos) {
    return new RoutePlan(Kind.REJECT, null, null, code, rule, reason, retryAfterNanos);
  }

  /**
   * Returns which of the three answers this is.
   *
   * @return the kind
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the ticket of an accepted request.
   *
   * @return the ticket, to be released exactly once
   * @throws IllegalStateException unless the kind is ACCEPT
   */
  public Ticket ticket() {
    if (ticket == null) {
      throw new IllegalStateException("only an ACCEPT has a ticket, but this is " + this);
    }
    return ticket;
  }

  /**
   * Returns the rule that decided, as the policy names it.
   *
   * @return empty if the policy has one rule only
   */
  public String rule() {
    return rule;
  }

  /**
   * Returns why the request was queued or turned away.
   *
   * @return a few words; empty if accepted
   */
  public String reason() {
    return reason;
  }

  /**
   * Returns why the request was turned away.
   *
   * @return the code
   * @throws IllegalStateException unless the kind is REJECT
   */
  public RejectCode rejectCode() {
    if (rejectCode == null) {
      throw new IllegalStateException("only a REJECT has a code, but this is " + this);
    }
    return rejectCode;
  }

  /**
   * Returns the HTTP status for a request that was turned away: 503 if no instance is ready, 413 if
   * it never fits, 499 if the caller gave up, otherwise 429.
   *
   * @return a status
   * @throws IllegalStateException unless the kind is REJECT
   */
  public int code() {
    return switch (rejectCode()) {
      case NO_CANDIDATE -> 503;
      case NEVER_FITS -> 413;
      case CANCELLED -> 499;
      case OVERLOAD, LATENCY_TARGET, DEADLINE, QUEUE_FULL -> 429;
    };
  }

  /**
   * Returns when trying again makes sense.
   *
   * @return nanoseconds from now; 0 if never or unknown
   */
  public long retryAfterNanos() {
    return retryAfterNanos;
  }

  /**
   * Returns the decision on a queued request: an ACCEPT or a REJECT, after a later observation,
   * release, deadline or cancel. Each call returns a stage of its own.
   *
   * @param executor runs what depends on the stage; never called under the cluster's lock. If it
   *     refuses, the thread that made the decision completes the stage itself
   * @return completes once; never exceptionally by the cluster
   * @throws IllegalStateException unless the kind is QUEUE
   */
  public CompletionStage<RoutePlan> later(Executor executor) {
    return requireQueued().later(Check.notNull("executor", executor));
  }

  /**
   * Gives up waiting. Does nothing once the decision has been made; the ticket of an ACCEPT that
   * came first is then to be released as usual.
   *
   * @param nowNanos caller's clock
   * @return true if the request left the queue by this call
   * @throws IllegalStateException unless the kind is QUEUE
   */
  public boolean cancel(long nowNanos) {
    return requireQueued().cancel(nowNanos);
  }

  private QueuedRequest requireQueued() {
    if (queued == null) {
      throw new IllegalStateException("only a QUEUE can be waited for, but this is " + this);
    }
    return queued;
  }

  @Override
  public String toString() {
    return switch (kind) {
      case ACCEPT -> "ACCEPT " + ticket;
      case QUEUE -> "QUEUE (" + reason + ")";
      case REJECT -> "REJECT " + rejectCode + " (" + reason + ")";
    };
  }
}
