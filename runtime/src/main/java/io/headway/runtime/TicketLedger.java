package io.headway.runtime;

import io.headway.api.InstanceState;
import io.headway.api.Request;
import io.headway.api.routing.RouteOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who carries which request: puts the load of a ticket on an instance, moves it and takes it off,
 * each exactly once. Guarded by the cluster's lock.
 */
final class TicketLedger {
  private final ClusterScheduler cluster;
  private final Fleet fleet;
  private final RouteDecisions decisions;
  private final RoutingPolicyGuard policy;
  private final @Nullable ServicePredictions<?, ?> predictions;
  private final @Nullable Rebalancing<?> rebalancing;
  private final PrefixIndex prefixes;
  private final PrefixKeys prefixKeys;
  private final ClusterFaults faults;
  private final @Nullable ClusterLog log;

  private long routed;
  private long accepted;
  private int openTickets;
  private long retries;
  private final Tally<ReleaseCause> released = new Tally<>(ReleaseCause.class);
  private long lastReleaseNanos = Long.MIN_VALUE;
  private long meanReleaseGapNanos;

  TicketLedger(
      ClusterScheduler cluster,
      Fleet fleet,
      RouteDecisions decisions,
      RoutingPolicyGuard policy,
      @Nullable ServicePredictions<?, ?> predictions,
      @Nullable Rebalancing<?> rebalancing,
      PrefixIndex prefixes,
      PrefixKeys prefixKeys,
      ClusterFaults faults,
      @Nullable ClusterLog log) {
    this.cluster = cluster;
    this.fleet = fleet;
    this.decisions = decisions;
    this.policy = policy;
    this.predictions = predictions;
    this.rebalancing = rebalancing;
    this.prefixes = prefixes;
    this.prefixKeys = prefixKeys;
    this.faults = faults;
    this.log = log;
  }

  long accepted() {
    return accepted;
  }

  int openTickets() {
    return openTickets;
  }

  long retries() {
    return retries;
  }

  Tally<ReleaseCause> released() {
    return released;
  }

  /** Returns roughly how long it takes until a request is released. */
  long meanReleaseGapNanos() {
    return meanReleaseGapNanos;
  }

  // ---- load

  /** Makes the ticket of a request that was accepted. */
  Ticket open(Request request, @Nullable Set<String> subset) {
    openTickets++;
    accepted++;
    return new Ticket(cluster, request, subset);
  }

  /** Carries out the ACCEPT in {@link RouteDecisions#answer}. */
  RoutePlan assign(Ticket ticket, RouteExplanation.@Nullable Collector seen, long now) {
    Request request = ticket.request();
    RouteBuffer answer = decisions.answer;
    routed++;
    ticket.predictedNanos = decisions.candidates.predictedServiceNanos(request);
    ticket.calibratedNanos = decisions.candidates.calibratedServiceNanos(request);
    ticket.deadlineNanos = Math.min(answer.deadlineNanos, request.deadlineNanos());
    Member target = decisions.candidates.member(answer.position);
    ticket.kvSource = answer.kvSource < 0 ? "" : decisions.candidates.member(answer.kvSource).id();
    if (answer.prefillPosition >= 0) {
      Member prefill = decisions.candidates.member(answer.prefillPosition);
      Charge prompt = new Charge(ticket);
      prompt.waitingTokens = request.promptTokens();
      prompt.contextTokens = request.promptTokens();
      ticket.prefillCharge = prompt;
      ticket.prefillInstance = prefill.id();
      prefill.open(prompt, routed, now);
      logLedger(prefill, 1, request, "route", now);
    }
    charge(ticket, target, "route", now);
    ticket.fallbacks = fallbacks();
    if (log != null && seen != null) {
      log.accepted(ticket, answer, policy.decider(), seen, prefixKeys.of(request), now);
    }
    return RoutePlan.accepted(ticket, answer.rule);
  }

  private List<Member> fallbacks() {
    RouteBuffer answer = decisions.answer;
    if (answer.fallbackCount == 0) {
      return List.of();
    }
    List<Member> list = new ArrayList<>(answer.fallbackCount);
    for (int i = 0; i < answer.fallbackCount; i++) {
      if (answer.fallbacks[i] != answer.position) {
        list.add(decisions.candidates.member(answer.fallbacks[i]));
      }
    }
    return list;
  }

  /** Puts the load of a ticket on an instance that carries it from now on. */
  private void charge(Ticket ticket, Member target, String cause, long now) {
    charge(ticket, target, ticket.calibratedNanos, cause, now);
  }

  private void charge(Ticket ticket, Member target, long referenceNanos, String cause, long now) {
    Request request = ticket.request();
    boolean decodesOnly = ticket.prefillCharge != null;
    Charge charge = new Charge(ticket);
    charge.waitingTokens = decodesOnly ? 0 : request.promptTokens();
    charge.contextTokens = request.promptTokens();
    if (referenceNanos >= 0) {
      charge.backlogEntry = target.backlog.add(Math.round(referenceNanos / target.speedFactor()));
    }
    ticket.charge = charge;
    ticket.primary = target.id();
    ticket.primaryIncarnation = target.incarnation();
    target.open(charge, routed, now);
    if (ticket.sawFirstToken || (ticket.startedAt != Long.MIN_VALUE && !decodesOnly)) {
      target.start(charge, now);
    }
    logLedger(target, 1, request, cause, now);
  }

  /** Takes the load of a ticket off whoever carries it. */
  private void discharge(Ticket ticket, String cause, long now) {
    endMigration(ticket);
    ticket.prefillCharge = close(ticket.prefillCharge, cause, now);
    ticket.charge = close(ticket.charge, cause, now);
  }

  /** A request that is over or goes elsewhere is not moved any more. */
  private static void endMigration(Ticket ticket) {
    Migration migration = ticket.migration;
    if (migration != null) {
      migration.end();
    }
  }

  /** Closes a charge; always returns null, for the field that held it. */
  private @Nullable Charge close(@Nullable Charge charge, String cause, long now) {
    Member member = charge == null ? null : charge.member;
    Ticket ticket = charge == null ? null : charge.ticket;
    if (charge != null && member != null && ticket != null) {
      member.close(charge, now);
      logLedger(member, -1, ticket.request(), cause, now);
    }
    return null;
  }

  private void logLedger(Member member, int amount, Request request, String cause, long now) {
    if (log != null && member.state() != InstanceState.DOWN) {
      log.ledger(member, amount, request.id(), cause, now);
    }
  }

  // ---- what becomes of a ticket

  /** Moves the load to where the request was served; returns whether that is known. */
  boolean servedBy(Ticket ticket, String instanceId, long now) {
    if (ticket.cause != null) {
      return false;
    }
    Member target = fleet.find(instanceId);
    Charge charge = ticket.charge;
    if (target != null && charge != null && charge.member == target) {
      return true;
    }
    endMigration(ticket);
    ticket.charge = close(ticket.charge, "served-elsewhere", now);
    if (target != null) {
      charge(ticket, target, "served-by", now);
    } else {
      ticket.primary = instanceId;
      ticket.primaryIncarnation = -1;
    }
    return target != null;
  }

  boolean started(Ticket ticket, long now) {
    if (ticket.cause != null || ticket.startedAt != Long.MIN_VALUE) {
      return false;
    }
    ticket.startedAt = now;
    // Decodes elsewhere begin with the first token.
    start(ticket.prefillCharge != null ? ticket.prefillCharge : ticket.charge, now);
    return true;
  }

  private static void start(@Nullable Charge charge, long now) {
    if (charge != null && charge.member != null) {
      charge.member.start(charge, now);
    }
  }

  boolean firstToken(Ticket ticket, long now) {
    if (ticket.cause != null || ticket.sawFirstToken) {
      return false;
    }
    ticket.sawFirstToken = true;
    learnPrefix(ticket, now);
    start(ticket.charge, now);
    ticket.prefillCharge = close(ticket.prefillCharge, "first-token", now);
    return true;
  }

  /** Tells the prefix index where the prompt was computed; only served work is recorded. */
  private void learnPrefix(Ticket ticket, long now) {
    Charge at = ticket.prefillCharge != null ? ticket.prefillCharge : ticket.charge;
    Member member = at == null ? null : at.member;
    if (ticket.indexed || member == null || member.state() == InstanceState.DOWN) {
      return;
    }
    ticket.indexed = true;
    PrefixKeys keys = prefixKeys.of(ticket.request());
    if (member.reportsCache || keys.count() == 0) {
      return;
    }
    prefixes.record(member.index, keys);
    if (log != null) {
      log.index(member, "add", keys, now);
    }
  }

  /** Returns who was tried once the present attempt has failed, too. */
  List<String> triedBy(Ticket ticket) {
    List<String> tried = new ArrayList<>(ticket.tried);
    tried.add(ticket.primary);
    return tried;
  }

  /** Shows policies the cluster without a ticket's load; {@link #countAgain} follows. */
  void leaveOut(Ticket ticket) {
    if (ticket.prefillCharge != null && ticket.prefillCharge.member != null) {
      ticket.prefillCharge.member.leaveOut(ticket.prefillCharge);
    }
    if (ticket.charge != null && ticket.charge.member != null) {
      ticket.charge.member.leaveOut(ticket.charge);
    }
  }

  /** Undoes {@link #leaveOut}. */
  void countAgain(Ticket ticket) {
    if (ticket.prefillCharge != null && ticket.prefillCharge.member != null) {
      ticket.prefillCharge.member.countAgain(ticket.prefillCharge);
    }
    if (ticket.charge != null && ticket.charge.member != null) {
      ticket.charge.member.countAgain(ticket.charge);
    }
  }

  /** Takes back what the attempt before has shown; the ticket's load stays where it is. */
  void again(Ticket ticket) {
    ticket.tried = triedBy(ticket);
    retries++;
    ticket.moved |= ticket.sawFirstToken || ticket.startedAt != Long.MIN_VALUE;
    ticket.startedAt = Long.MIN_VALUE;
    ticket.sawFirstToken = false;
    ticket.indexed = false;
  }

  /** Goes on at a fallback. */
  RoutePlan fallBack(Ticket ticket, Member next, String cause, long now) {
    vacate(ticket, cause, now);
    ticket.fallbacks = without(ticket.fallbacks, next);
    routed++;
    charge(ticket, next, "retry", now);
    return RoutePlan.accepted(ticket, "fallback");
  }

  /** Takes the load off wherever it was, for the ticket to go elsewhere. */
  void vacate(Ticket ticket, String cause, long now) {
    discharge(ticket, cause, now);
    ticket.prefillInstance = "";
  }

  /** Returns the next fallback that can take the request now, or null. */
  @Nullable Member nextFallback(Ticket ticket) {
    for (Member member : ticket.fallbacks) {
      if (RouteDecisions.canTakeOver(member, ticket) && !ticket.primary.equals(member.id())) {
        return member;
      }
    }
    return null;
  }

  private static List<Member> without(List<Member> list, Member taken) {
    List<Member> rest = new ArrayList<>(list);
    rest.subList(0, list.indexOf(taken) + 1).clear();
    return rest;
  }

  void end(Ticket ticket, ReleaseCause cause, Usage usage, long now) {
    boolean completed = cause == ReleaseCause.COMPLETED;
    if (completed) {
      learnPrefix(ticket, now);
    }
    Charge charge = ticket.charge;
    Member member = charge == null ? null : charge.member;
    discharge(ticket, ClusterLog.code(cause.name()), now);
    ticket.cause = cause;
    openTickets--;
    released.add(cause);
    noteRelease(now);
    long serviceNanos =
        usage.serviceNanos() >= 0 || ticket.startedAt == Long.MIN_VALUE
            ? usage.serviceNanos()
            : now - ticket.startedAt;
    boolean missed =
        completed && ticket.deadlineNanos != Long.MAX_VALUE && now > ticket.deadlineNanos;
    if (completed && member != null) {
      member.finished(missed);
      if (predictions != null && serviceNanos >= 0 && !ticket.moved) {
        predictions.learn(
            ticket.request(),
            usage.outputTokens(),
            ticket.predictedNanos,
            Math.round(serviceNanos * member.speedFactor()));
        RuntimeException failure = predictions.takeFault();
        if (failure != null) {
          faults.keep(faults.ofPart(predictions.id(), failure));
        }
      }
    }
    tellFinished(
        ticket.request(),
        new RouteOutcome(
            ticket.primary,
            ticket.primaryIncarnation,
            completed,
            ticket.predictedNanos,
            serviceNanos,
            usage.outputTokens(),
            ticket.moved,
            missed));
  }

  private void noteRelease(long now) {
    if (lastReleaseNanos != Long.MIN_VALUE) {
      long gap = now - lastReleaseNanos;
      meanReleaseGapNanos += (gap - meanReleaseGapNanos) / 8;
    }
    lastReleaseNanos = now;
  }

  private void tellFinished(Request request, RouteOutcome outcome) {
    policy.onFinished(request, outcome);
    if (rebalancing != null) {
      try {
        rebalancing.onFinished(request, outcome);
      } catch (RuntimeException e) {
        faults.keep(faults.ofPart(rebalancing.id(), e));
      }
    }
  }

  // ---- migrations

  /** Moves the load of a request to the migration's target. */
  boolean commit(Migration migration, long now) {
    Ticket ticket = migration.ticket;
    if (migration.over || ticket.cause != null) {
      return false;
    }
    migration.end();
    if (migration.target.state() == InstanceState.DOWN) {
      return false;
    }
    long left = remainingNanos(ticket.charge, now);
    ticket.charge = close(ticket.charge, "migrated", now);
    ticket.moved = true;
    ticket.migrations++;
    charge(ticket, migration.target, left, "migrated", now);
    return true;
  }

  boolean abort(Migration migration) {
    if (migration.over) {
      return false;
    }
    migration.end();
    return true;
  }

  /** Returns what is left of a request on the reference instance; -1 if nothing was predicted. */
  private static long remainingNanos(@Nullable Charge charge, long now) {
    Member member = charge == null ? null : charge.member;
    return charge == null || member == null || charge.backlogEntry < 0
        ? -1
        : Math.round(
            member.backlog.remainingNanos(charge.backlogEntry, now) * member.speedFactor());
  }
}
