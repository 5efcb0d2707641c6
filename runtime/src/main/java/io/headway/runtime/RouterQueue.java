package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.routing.RejectCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Requests that wait at the router, in order of (priority, arrival, id), and are decided again when
 * something may have changed. Guarded by the cluster's lock.
 */
final class RouterQueue {
  private final ClusterScheduler cluster;
  private final ClusterClock clock;
  private final Fleet fleet;
  private final RouteDecisions decisions;
  private final TicketLedger ledger;
  private final ClusterFaults faults;
  private final @Nullable ClusterLog log;
  private final int maxQueued;

  private final TreeSet<QueuedRequest> queue = new TreeSet<>();
  private long queuedSoFar;
  private List<Runnable> afterUnlock = new ArrayList<>();

  RouterQueue(
      ClusterScheduler cluster,
      ClusterClock clock,
      Fleet fleet,
      RouteDecisions decisions,
      TicketLedger ledger,
      ClusterFaults faults,
      @Nullable ClusterLog log,
      int maxQueued) {
    this.cluster = cluster;
    this.clock = clock;
    this.fleet = fleet;
    this.decisions = decisions;
    this.ledger = ledger;
    this.faults = faults;
    this.log = log;
    this.maxQueued = maxQueued;
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }

  int size() {
    return queue.size();
  }

  /**
   * Carries out the QUEUE in {@link RouteDecisions#answer}: capacity test and enqueue are one step.
   */
  RoutePlan enqueue(Request request, @Nullable Set<String> subset, long now) {
    if (queue.size() >= maxQueued) {
      return decisions.reject(
          request,
          RejectCode.QUEUE_FULL,
          decisions.answer.rule,
          decisions.answer.reason + "; the queue of " + maxQueued + " is full",
          ledger.meanReleaseGapNanos(),
          now);
    }
    QueuedRequest entry =
        new QueuedRequest(cluster, request, subset, ++queuedSoFar, decisions.answer.retryNanos);
    queue.add(entry);
    if (log != null) {
      log.deferred(request, decisions.answer.reason, now);
    }
    return RoutePlan.queued(entry, decisions.answer.rule, decisions.answer.reason);
  }

  /** Decides again about everyone who waits, in order. */
  void dispatch(String event) {
    if (queue.isEmpty()) {
      return;
    }
    long now = clock.now();
    for (QueuedRequest entry : List.copyOf(queue)) {
      if (entry.request.deadlineNanos() <= now) {
        leave(
            entry,
            decisions.reject(
                entry.request, RejectCode.DEADLINE, "", "the deadline has passed", 0, now));
      } else if (anyRoom()) {
        redecide(entry, event, now);
      }
    }
  }

  private void redecide(QueuedRequest entry, String event, long now) {
    RouteExplanation.Collector seen;
    try {
      seen = decisions.decide(entry.request, entry.subset, List.of());
    } catch (PolicyViolationException e) {
      // Strict mode, but not the caller's request: the next call that decides throws it.
      faults.keep(e);
      return;
    }
    switch (decisions.kind()) {
      case ACCEPT -> {
        if (log != null) {
          log.promoted(entry.request, event, now);
        }
        Ticket ticket = ledger.open(entry.request, entry.subset);
        leave(entry, ledger.assign(ticket, seen, now));
      }
      case REJECT -> leave(entry, decisions.reject(entry.request, now));
      case QUEUE -> entry.retryAtNanos = decisions.answer.retryNanos;
    }
  }

  private void leave(QueuedRequest entry, RoutePlan plan) {
    queue.remove(entry);
    entry.decide(plan, afterUnlock);
  }

  /** Returns whether some instance could take one more request. */
  private boolean anyRoom() {
    for (int rank = 0; rank < fleet.size(); rank++) {
      Member member = fleet.member(rank);
      if (member.state() == InstanceState.READY && member.hasRoom()) {
        return true;
      }
    }
    return false;
  }

  void await(QueuedRequest entry, QueuedRequest.Waiter waiter) {
    entry.await(waiter, afterUnlock);
  }

  boolean cancel(QueuedRequest entry, long now) {
    if (entry.isDecided()) {
      return false;
    }
    leave(
        entry,
        decisions.reject(
            entry.request, RejectCode.CANCELLED, "", "cancelled by the caller", 0, now));
    return true;
  }

  /** Returns the earliest deadline or retry time of those who wait. */
  long wakeAtNanos() {
    long wake = Long.MAX_VALUE;
    for (QueuedRequest entry : queue) {
      wake = Math.min(wake, Math.min(entry.retryAtNanos, entry.request.deadlineNanos()));
    }
    return wake;
  }

  /** Returns the stages to complete once the lock was given back, each once. */
  List<Runnable> takeStages() {
    if (afterUnlock.isEmpty()) {
      return List.of();
    }
    List<Runnable> stages = afterUnlock;
    afterUnlock = new ArrayList<>();
    return stages;
  }
}
