package io.headway.runtime;

import io.headway.api.Claims;
import io.headway.api.Decision;
import io.headway.api.InstanceState;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.prediction.ArrivalForecaster;
import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RebalancingPolicy;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;
import io.headway.api.routing.ScalingPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Routes requests to instances: knows which instances are up, keeps the load that it puts on them,
 * and asks a {@link RoutingPolicy} where each request goes. It has no thread and no clock; times
 * are arguments on one monotonic clock of the caller's, and one before the latest counts as the
 * latest.
 *
 * <p>What policies see of an instance is its last observation, plus what was sent there since,
 * minus what the observation still counts although it is over. So many requests between two
 * observations do not all go to the same instance, and none is counted twice. An observation counts
 * a request if it was taken strictly after the request was sent.
 *
 * <p>Load belongs to an incarnation. A {@link Ticket} of an instance that went down changes
 * nothing, and an instance that comes back starts from zero.
 *
 * <p>A request that no ready instance has room for ({@link InstanceProfile#maxInFlight()}), or that
 * the policy holds back, waits at the router in order of (priority, arrival, id). Whoever waits is
 * decided again, in that order, when something is released, observed or comes up, when a request
 * arrives, and at {@link #tick}; one that still cannot go does not keep those behind it waiting.
 *
 * <p>Thread-safe. Every call but {@link #observe} takes one lock; {@code observe} only publishes,
 * and helps with the queue if the lock is free. Nothing blocks inside, and the stages of queued
 * requests are completed after the lock was given back. {@link #route} costs O(instances) plus the
 * policy and allocates only the plan and the ticket with its charge; while q requests wait, a call
 * that can free room costs up to q decisions more. A call that throws has changed nothing.
 *
 * <p>In guard mode (the default) a policy that throws or breaks a rule is replaced for that
 * decision by a built-in one (fewest requests), and for good after {@value #DEFAULT_MAX_FAULTS}
 * faults; in strict mode the violation is thrown.
 */
public final class ClusterScheduler {
  /** Faults of a policy after which the guard keeps it off, by default. */
  public static final int DEFAULT_MAX_FAULTS = 3;

  /** Requests that may wait at the router, by default. */
  public static final int DEFAULT_MAX_QUEUED = 1024;

  /** Prompt blocks remembered per instance, by default. */
  public static final int DEFAULT_PREFIX_BLOCKS_PER_INSTANCE = 16_384;

  /** Tokens per block of prompts without block keys, by default. */
  public static final int DEFAULT_PREFIX_BLOCK_TOKENS = 16;

  /** Window of request rates, by default: 60 s. */
  public static final long DEFAULT_RATE_WINDOW_NANOS = 60_000_000_000L;

  private static final int PROMPT_PHASE = 1;
  private static final int DECODE_PHASE = 2;
  private static final int BOTH_PHASES = 3;
  private static final long WARN_GAP_NANOS = 60_000_000_000L;
  private static final Logger LOG = LoggerFactory.getLogger(ClusterScheduler.class);

  /** One decision at a time. */
  final ReentrantLock lock = new ReentrantLock();

  /** Whether requests wait, for {@link #observe}, which does not hold the lock. */
  private volatile boolean anyQueued;

  private final boolean strict;
  private final int maxFaults;
  private final int maxQueued;
  private final int prefixBlocksPerInstance;
  private final long rateWindowNanos;
  private final double remainingFloor;
  private final boolean observationsOnly;

  // All below guarded by the lock.

  private final ClusterClock clock = new ClusterClock();
  private final ReplayedRandom random;
  private final BoundRouting<?> policy;
  private final @Nullable ServicePredictions<?, ?> predictions;
  private final @Nullable ClusterLog log;
  private final @Nullable Rebalancing<?> rebalancing;
  private final @Nullable Scaling<?> scaling;
  private final @Nullable ArrivalCounts<?> arrivals;
  private final PrefixIndex prefixes = new PrefixIndex();
  private final PrefixKeys prefixKeys;
  private final Holders adapters = new Holders();
  private final Holders waitingAdapters = new Holders();
  private final Fleet fleet = new Fleet(prefixes);
  private final Candidates candidates;
  private final RouteBuffer decision;

  private final TreeSet<QueuedRequest> queue = new TreeSet<>();
  private long queuedSoFar;
  private List<Runnable> afterUnlock = new ArrayList<>();

  private static final long[] NO_KEYS = {};

  private long routed;
  private long accepted;
  private int openTickets;
  private long retries;
  private final Tally<RejectCode> rejected = new Tally<>(RejectCode.class);
  private final Tally<ReleaseCause> released = new Tally<>(ReleaseCause.class);
  private long lastReleaseNanos = Long.MIN_VALUE;
  private long meanReleaseGapNanos;
  private long violations;
  private boolean policyOff;
  private @Nullable PolicyViolationException pendingFault;
  private long lastWarnNanos = Long.MIN_VALUE;

  private ClusterScheduler(Builder b, RoutingPolicy<?> routing) {
    strict = b.strict;
    maxFaults = b.maxFaults;
    maxQueued = b.maxQueued;
    prefixBlocksPerInstance = b.prefixBlocksPerInstance;
    rateWindowNanos = b.rateWindowNanos;
    remainingFloor = b.remainingFloor;
    observationsOnly = b.observationsOnly;
    random = new ReplayedRandom(b.random);
    policy = new BoundRouting<>(routing);
    predictions = b.predictions();
    prefixKeys = new PrefixKeys(b.prefixBlockTokens, b.sharedAcrossTenants);
    Candidates.Sources sources =
        new Candidates.Sources(clock, random, prefixes, prefixKeys, b.transferTimes, predictions);
    candidates = new Candidates(sources);
    decision = new RouteBuffer(candidates);
    log = b.log == null ? null : new ClusterLog(b.log, routing.id());
    rebalancing =
        b.rebalancing == null
            ? null
            : new Rebalancing<>(this, b.rebalancing, sources, b.kvBytesPerToken);
    arrivals = b.forecaster == null ? null : new ArrivalCounts<>(b.forecaster, b.binNanos);
    scaling =
        b.scaling == null ? null : new Scaling<>(b.scaling, sources, b.instanceTypes, arrivals);
  }

  /**
   * Starts a cluster: guard mode, seed 0, no predictor, no prefix sharing between tenants.
   *
   * @return a builder that still needs a policy
   */
  public static Builder builder() {
    return new Builder();
  }

  // ---- requests

  /**
   * Decides where a request goes.
   *
   * @param request the request; one without room anywhere now may wait at the router
   * @param nowNanos caller's clock
   * @return where to go, or to wait, or why not
   * @throws PolicyViolationException in strict mode if the policy fails
   */
  public RoutePlan route(Request request, long nowNanos) {
    return route(request, null, nowNanos);
  }

  /**
   * Decides where a request goes among some of the instances, never outside them.
   *
   * @param request the request
   * @param subset ids it may go to; those that are unknown or not ready are no candidates
   * @param nowNanos caller's clock
   * @return where to go, or to wait, or why not
   * @throws PolicyViolationException in strict mode if the policy fails
   */
  public RoutePlan routeAmong(Request request, Set<String> subset, long nowNanos) {
    return route(request, Set.copyOf(subset), nowNanos);
  }

  private RoutePlan route(Request request, @Nullable Set<String> subset, long nowNanos) {
    Check.notNull("request", request);
    lock.lock();
    try {
      long now = begin(nowNanos);
      throwPendingFault();
      if (arrivals != null) {
        arrivals.arrived(now);
      }
      if (request.deadlineNanos() <= now) {
        return reject(request, RejectCode.DEADLINE, "", "the deadline has passed", 0, now);
      }
      RouteExplanation.Collector seen = evaluate(request, subset, List.of());
      return switch (kind()) {
        case ACCEPT -> {
          Ticket ticket = open(request, subset);
          yield assign(ticket, seen, now);
        }
        case QUEUE -> enqueue(request, subset, now);
        case REJECT -> reject(request, now);
      };
    } finally {
      unlock();
    }
  }

  /** Takes the time and what was observed, and lets those go who have waited. */
  private long begin(long nowNanos) {
    long now = clock.advance(nowNanos);
    fleet.takeIn();
    if (!queue.isEmpty()) {
      dispatchQueued("route");
    }
    return now;
  }

  private RoutePlan.Kind kind() {
    RoutePlan.Kind kind = decision.kind;
    if (kind == null) {
      throw new IllegalStateException("nothing was decided");
    }
    return kind;
  }

  /**
   * Decides about a request without taking the decision: the answer is in {@link #decision}.
   *
   * @return what the policy said about the candidates if the decision log wants it, else null
   */
  private RouteExplanation.@Nullable Collector evaluate(
      Request request, @Nullable Set<String> subset, List<String> tried) {
    RouteExplanation.Collector seen = log == null ? null : new RouteExplanation.Collector();
    decision.reset(policy.id(), request.id(), seen);
    if (!findCandidates(request, subset, tried)) {
      return seen;
    }
    if (!policyOff) {
      try {
        policy.route(request, candidates, decision);
        if (decision.kind == null) {
          throw new PolicyViolationException(
              policy.id(), Invariant.INV_02, request.id(), "it decided nothing");
        }
      } catch (RuntimeException e) {
        PolicyViolationException fault = fault(e, request.id());
        if (strict) {
          throw fault;
        }
        decision.kind = null;
      }
    }
    if (decision.kind == null) {
      decision.reset(RoutingGuard.ID, request.id(), seen);
      RoutingGuard.route(candidates, decision);
    }
    if (predictions != null) {
      // Memoised: what the policy did not ask for is predicted here, before anything changes.
      candidates.hasServicePrediction(request);
      checkPredictor();
    }
    if (seen != null) {
      describe(request, subset, tried, seen);
    }
    return seen;
  }

  private void checkPredictor() {
    ServicePredictions<?, ?> source = predictions;
    RuntimeException cause = source == null ? null : source.takeFault();
    if (source != null && cause != null) {
      PolicyViolationException fault = partFault(source.id(), cause);
      if (strict) {
        throw fault;
      }
    }
  }

  /** Counts and reports a fault of a part whose failure is a missing answer, not a wrong one. */
  private PolicyViolationException partFault(String id, RuntimeException cause) {
    violations++;
    PolicyViolationException fault =
        cause instanceof PolicyViolationException violation
            ? violation
            : new PolicyViolationException(id, Invariant.INV_02, "", "it threw " + cause, cause);
    warn(fault.getMessage() + "; the decision goes on without it");
    return fault;
  }

  /** Fills the view; if nobody can take the request now, writes the answer and returns false. */
  private boolean findCandidates(
      Request request, @Nullable Set<String> subset, List<String> tried) {
    candidates.reset(fleet.indexBound());
    boolean split = policy.splitsRoles();
    // One bit per phase, prompt and decodes: for which is there somebody of each kind?
    int ready = 0;
    int busy = 0;
    int tooSmall = 0;
    int notNow = 0;
    for (int rank = 0; rank < fleet.size(); rank++) {
      Member member = fleet.member(rank);
      switch (fit(member, request, subset, tried, split)) {
        case YES -> {
          candidates.add(member);
          ready |= phases(member);
        }
        case BUSY -> busy |= phases(member);
        case TOO_SMALL -> tooSmall |= phases(member);
        case STARTING, DRAINING, TRIED -> notNow |= phases(member);
        case ROLE, MODEL, SUBSET -> {}
      }
    }
    int missing = BOTH_PHASES & ~ready;
    if (missing == 0) {
      return true;
    }
    int hopeless = missing & ~busy;
    if (hopeless == 0) {
      decision.queue("all-busy", Long.MAX_VALUE);
    } else if ((hopeless & tooSmall & ~notNow) != 0) {
      decision.reject(
          RejectCode.NEVER_FITS,
          "needs " + request.maxKvTokens() + " tokens of KV, more than any instance holds",
          0);
    } else {
      decision.reject(RejectCode.NO_CANDIDATE, "no instance is ready", 0);
    }
    return false;
  }

  private static int phases(Member member) {
    return switch (member.role()) {
      case PREFILL -> PROMPT_PHASE;
      case DECODE -> DECODE_PHASE;
      case MIXED -> BOTH_PHASES;
    };
  }

  /** Whether an instance can take a request, or the first reason why not. */
  private enum Fit {
    YES,
    BUSY,
    STARTING,
    DRAINING,
    TOO_SMALL,
    ROLE,
    MODEL,
    SUBSET,
    TRIED
  }

  private Fit fit(
      Member member,
      Request request,
      @Nullable Set<String> subset,
      List<String> tried,
      boolean split) {
    if (!split && member.role() != Role.MIXED) {
      return Fit.ROLE;
    }
    if (subset != null && !subset.contains(member.id())) {
      return Fit.SUBSET;
    }
    if (!tried.isEmpty() && tried.contains(member.id())) {
      return Fit.TRIED;
    }
    if (!request.model().isEmpty()
        && !member.servesAnyModel
        && !fleet.models.has(request.model(), member.index)) {
      return Fit.MODEL;
    }
    if (!holds(member, request)) {
      return Fit.TOO_SMALL;
    }
    return switch (member.state) {
      case READY -> member.inFlight() < member.maxInFlight ? Fit.YES : Fit.BUSY;
      case STARTING -> Fit.STARTING;
      case DRAINING, DOWN -> Fit.DRAINING;
    };
  }

  private static boolean holds(Member member, Request request) {
    long needed = member.role() == Role.PREFILL ? request.promptTokens() : request.maxKvTokens();
    return needed <= member.capacityTokens
        && (long) request.promptTokens() + request.maxNewTokens() <= member.contextLimit;
  }

  /** Returns whether a request could go on at an instance. */
  static boolean canTakeOver(Member member, Ticket ticket) {
    return member.state == InstanceState.READY
        && member.role() != Role.PREFILL
        && member.inFlight() < member.maxInFlight
        && holds(member, ticket.request());
  }

  private void describe(
      Request request,
      @Nullable Set<String> subset,
      List<String> tried,
      RouteExplanation.Collector seen) {
    boolean split = policy.splitsRoles();
    for (int rank = 0; rank < fleet.size(); rank++) {
      Member member = fleet.member(rank);
      Fit fit = fit(member, request, subset, tried, split);
      seen.candidate(
          member,
          fit == Fit.YES ? null : ClusterLog.code(fit.name()),
          switch (fit) {
            case YES -> RouteExplanation.Verdict.YES;
            case BUSY, STARTING -> RouteExplanation.Verdict.LATER;
            case DRAINING, TOO_SMALL, ROLE, MODEL, SUBSET, TRIED -> RouteExplanation.Verdict.NEVER;
          });
    }
  }

  private Ticket open(Request request, @Nullable Set<String> subset) {
    openTickets++;
    accepted++;
    return new Ticket(this, request, subset);
  }

  /** Carries out the ACCEPT in {@link #decision}. */
  private RoutePlan assign(Ticket ticket, RouteExplanation.@Nullable Collector seen, long now) {
    Request request = ticket.request();
    routed++;
    ticket.predictedNanos = candidates.predictedServiceNanos(request);
    ticket.calibratedNanos = candidates.calibratedServiceNanos(request);
    ticket.deadlineNanos = Math.min(decision.deadlineNanos, request.deadlineNanos());
    Member target = candidates.member(decision.position);
    ticket.kvSource = decision.kvSource < 0 ? "" : candidates.member(decision.kvSource).id();
    if (decision.prefillPosition >= 0) {
      Member prefill = candidates.member(decision.prefillPosition);
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
      log.accepted(ticket, decision, policyOff ? RoutingGuard.ID : policy.id(), seen, now);
    }
    return RoutePlan.accepted(ticket, decision.rule);
  }

  private List<Member> fallbacks() {
    if (decision.fallbackCount == 0) {
      return List.of();
    }
    List<Member> list = new ArrayList<>(decision.fallbackCount);
    for (int i = 0; i < decision.fallbackCount; i++) {
      if (decision.fallbacks[i] != decision.position) {
        list.add(candidates.member(decision.fallbacks[i]));
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
    ticket.prefillCharge = close(ticket.prefillCharge, cause, now);
    ticket.charge = close(ticket.charge, cause, now);
  }

  /** Closes a charge; always returns null, for the field that held it. */
  private @Nullable Charge close(@Nullable Charge charge, String cause, long now) {
    Member member = charge == null ? null : charge.member;
    if (charge != null && member != null) {
      member.close(charge, now);
      logLedger(member, -1, charge.ticket.request(), cause, now);
    }
    return null;
  }

  private void logLedger(Member member, int amount, Request request, String cause, long now) {
    if (log != null && member.state != InstanceState.DOWN) {
      log.ledger(member, amount, request.id(), cause, now);
    }
  }

  private RoutePlan reject(Request request, long now) {
    return reject(request, decision.code, decision.rule, decision.reason, decision.retryNanos, now);
  }

  private RoutePlan reject(
      Request request, RejectCode code, String rule, String reason, long retryAfter, long now) {
    rejected.add(code);
    RoutePlan plan = RoutePlan.rejected(code, rule, reason, retryAfter);
    if (log != null) {
      log.rejected(request, plan, now);
    }
    return plan;
  }

  // ---- the queue

  /** Carries out the QUEUE in {@link #decision}: capacity test and enqueue are one step. */
  private RoutePlan enqueue(Request request, @Nullable Set<String> subset, long now) {
    if (queue.size() >= maxQueued) {
      return reject(
          request,
          RejectCode.QUEUE_FULL,
          decision.rule,
          decision.reason + "; the queue of " + maxQueued + " is full",
          meanReleaseGapNanos,
          now);
    }
    QueuedRequest entry =
        new QueuedRequest(this, request, subset, ++queuedSoFar, decision.retryNanos);
    queue.add(entry);
    if (log != null) {
      log.deferred(request, decision.reason, now);
    }
    return RoutePlan.queued(entry, decision.rule, decision.reason);
  }

  /** Decides again about everyone who waits, in order. */
  private void dispatchQueued(String event) {
    long now = clock.now();
    for (QueuedRequest entry : List.copyOf(queue)) {
      if (entry.request.deadlineNanos() <= now) {
        leave(
            entry,
            reject(entry.request, RejectCode.DEADLINE, "", "the deadline has passed", 0, now));
      } else if (anyRoom()) {
        redecide(entry, event, now);
      }
    }
  }

  private void redecide(QueuedRequest entry, String event, long now) {
    RouteExplanation.Collector seen;
    try {
      seen = evaluate(entry.request, entry.subset, List.of());
    } catch (PolicyViolationException e) {
      // Strict mode, but not the caller's request: the next call that decides throws it.
      pendingFault = pendingFault == null ? e : pendingFault;
      return;
    }
    switch (kind()) {
      case ACCEPT -> {
        if (log != null) {
          log.promoted(entry.request, event, now);
        }
        Ticket ticket = open(entry.request, entry.subset);
        leave(entry, assign(ticket, seen, now));
      }
      case REJECT -> leave(entry, reject(entry.request, now));
      case QUEUE -> entry.retryAtNanos = decision.retryNanos;
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
      if (member.state == InstanceState.READY && member.inFlight() < member.maxInFlight) {
        return true;
      }
    }
    return false;
  }

  void await(QueuedRequest entry, QueuedRequest.Waiter waiter) {
    lock.lock();
    try {
      entry.await(waiter, afterUnlock);
    } finally {
      unlock();
    }
  }

  boolean cancelQueued(QueuedRequest entry, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      if (entry.isDecided()) {
        return false;
      }
      leave(
          entry,
          reject(entry.request, RejectCode.CANCELLED, "", "cancelled by the caller", 0, now));
      return true;
    } finally {
      unlock();
    }
  }

  /**
   * Decides about queued requests whose deadline or retry time has come. For callers with a timer;
   * every other call that takes the time does it on the way when somebody may go.
   *
   * @param nowNanos caller's clock
   */
  public void tick(long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      fleet.takeIn();
      throwPendingFault();
      dispatchQueued("time");
    } finally {
      unlock();
    }
  }

  /**
   * Returns when time alone may change the fate of a queued request.
   *
   * @return the earliest deadline or retry time; {@link Long#MAX_VALUE} if there is none
   */
  public long wakeAtNanos() {
    lock.lock();
    try {
      long wake = Long.MAX_VALUE;
      for (QueuedRequest entry : queue) {
        wake = Math.min(wake, Math.min(entry.retryAtNanos, entry.request.deadlineNanos()));
      }
      return wake;
    } finally {
      unlock();
    }
  }

  /** Gives the lock back and completes stages; takes it again if observations came meanwhile. */
  private void unlock() {
    do {
      List<Runnable> after = List.of();
      if (!afterUnlock.isEmpty()) {
        after = afterUnlock;
        afterUnlock = new ArrayList<>();
      }
      anyQueued = !queue.isEmpty();
      lock.unlock();
      for (Runnable stage : after) {
        stage.run();
      }
    } while (anyQueued && fleet.hasPublished() && takeInIfFree());
  }

  /** Takes the lock and what was published, unless somebody else has the lock and will do it. */
  private boolean takeInIfFree() {
    if (!lock.tryLock()) {
      return false;
    }
    fleet.takeIn();
    dispatchQueued("observe");
    return true;
  }

  // ---- tickets

  boolean servedBy(Ticket ticket, String instanceId, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      if (ticket.cause != null) {
        return false;
      }
      Member target = fleet.find(instanceId);
      Charge charge = ticket.charge;
      if (target != null && charge != null && charge.member == target) {
        return true;
      }
      ticket.charge = close(charge, "served-elsewhere", now);
      if (target != null) {
        charge(ticket, target, "served-by", now);
      } else {
        ticket.primary = instanceId;
        ticket.primaryIncarnation = -1;
      }
      dispatchQueued("release");
      return target != null;
    } finally {
      unlock();
    }
  }

  boolean started(Ticket ticket, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      if (ticket.cause != null || ticket.startedAt != Long.MIN_VALUE) {
        return false;
      }
      ticket.startedAt = now;
      // Decodes elsewhere begin with the first token.
      start(ticket.prefillCharge != null ? ticket.prefillCharge : ticket.charge, now);
      return true;
    } finally {
      unlock();
    }
  }

  private static void start(@Nullable Charge charge, long now) {
    if (charge != null && charge.member != null) {
      charge.member.start(charge, now);
    }
  }

  boolean firstToken(Ticket ticket, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      if (ticket.cause != null || ticket.sawFirstToken) {
        return false;
      }
      ticket.sawFirstToken = true;
      learnPrefix(ticket, now);
      start(ticket.charge, now);
      if (ticket.prefillCharge != null) {
        ticket.prefillCharge = close(ticket.prefillCharge, "first-token", now);
        dispatchQueued("release");
      }
      return true;
    } finally {
      unlock();
    }
  }

  /** Tells the prefix index where the prompt was computed; only served work is recorded. */
  private void learnPrefix(Ticket ticket, long now) {
    Charge at = ticket.prefillCharge != null ? ticket.prefillCharge : ticket.charge;
    Member member = at == null ? null : at.member;
    if (ticket.indexed || member == null || member.state == InstanceState.DOWN) {
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

  RoutePlan retry(Ticket ticket, ReleaseCause cause, long nowNanos) {
    lock.lock();
    try {
      long now = begin(nowNanos);
      throwPendingFault();
      Request request = ticket.request();
      if (ticket.cause != null) {
        return RoutePlan.rejected(
            RejectCode.CANCELLED, "", "the ticket was released (" + ticket.cause + ")", 0);
      }
      // Decide first: if the policy throws, nothing has changed.
      List<String> tried = new ArrayList<>(ticket.tried);
      tried.add(ticket.primary);
      Member next = nextFallback(ticket);
      RouteExplanation.Collector seen = null;
      if (next == null) {
        seen = evaluate(request, ticket.subset, tried);
      }
      retries++;
      ticket.tried = tried;
      ticket.moved |= ticket.sawFirstToken || ticket.startedAt != Long.MIN_VALUE;
      ticket.startedAt = Long.MIN_VALUE;
      ticket.sawFirstToken = false;
      ticket.indexed = false;
      String why = ClusterLog.code(cause.name());
      if (next != null) {
        discharge(ticket, why, now);
        ticket.prefillInstance = "";
        ticket.fallbacks = without(ticket.fallbacks, next);
        routed++;
        charge(ticket, next, "retry", now);
        dispatchQueued("release");
        return RoutePlan.accepted(ticket, "fallback");
      }
      switch (kind()) {
        case ACCEPT -> {
          discharge(ticket, why, now);
          ticket.prefillInstance = "";
          RoutePlan plan = assign(ticket, seen, now);
          dispatchQueued("release");
          return plan;
        }
        case QUEUE -> {
          RoutePlan plan = enqueue(request, ticket.subset, now);
          end(ticket, cause, Usage.UNKNOWN, now);
          return plan;
        }
        case REJECT -> {
          RoutePlan plan = reject(request, now);
          end(ticket, cause, Usage.UNKNOWN, now);
          return plan;
        }
      }
      throw new IllegalStateException("unknown answer");
    } finally {
      unlock();
    }
  }

  private @Nullable Member nextFallback(Ticket ticket) {
    for (Member member : ticket.fallbacks) {
      if (canTakeOver(member, ticket) && !ticket.primary.equals(member.id())) {
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

  boolean release(Ticket ticket, ReleaseCause cause, Usage usage, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      if (ticket.cause != null) {
        return false;
      }
      end(ticket, cause, usage, now);
      return true;
    } finally {
      unlock();
    }
  }

  private void end(Ticket ticket, ReleaseCause cause, Usage usage, long now) {
    boolean completed = cause == ReleaseCause.COMPLETED;
    if (completed) {
      learnPrefix(ticket, now);
    }
    Charge charge = ticket.charge;
    Member member = charge == null ? null : charge.member;
    discharge(ticket, ClusterLog.code(cause.name()), now);
    ticket.cause = cause;
    Migration migration = ticket.migration;
    if (migration != null) {
      migration.over = true;
      ticket.migration = null;
    }
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
          keepForLater(partFault(predictions.id(), failure));
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
    fleet.takeIn();
    dispatchQueued("release");
  }

  private void noteRelease(long now) {
    if (lastReleaseNanos != Long.MIN_VALUE) {
      long gap = now - lastReleaseNanos;
      meanReleaseGapNanos += (gap - meanReleaseGapNanos) / 8;
    }
    lastReleaseNanos = now;
  }

  private void tellFinished(Request request, RouteOutcome outcome) {
    if (!policyOff) {
      try {
        policy.onFinished(request, outcome);
      } catch (RuntimeException e) {
        keepForLater(fault(e, request.id()));
      }
    }
    if (rebalancing != null) {
      try {
        rebalancing.onFinished(request, outcome);
      } catch (RuntimeException e) {
        keepForLater(partFault(rebalancing.id(), e));
      }
    }
  }

  // ---- instances

  /**
   * Says that an instance takes requests, or changes the profile of one that does.
   *
   * @param id its name, at most {@value Request#MAX_ID_LENGTH} characters
   * @param incarnation which life; a higher number than before means that it was restarted, and the
   *     life before it is down
   * @param profile what it can do
   * @param nowNanos caller's clock
   * @return false if a later life is known, or this one is down already
   */
  public boolean up(String id, int incarnation, InstanceProfile profile, long nowNanos) {
    return enter(id, incarnation, profile, InstanceState.READY, nowNanos);
  }

  /**
   * Says that an instance is loading and will take requests later.
   *
   * @param id its name
   * @param incarnation which life
   * @param profile what it will be able to do
   * @param nowNanos caller's clock
   * @return false if this or a later life is known
   */
  public boolean starting(String id, int incarnation, InstanceProfile profile, long nowNanos) {
    return enter(id, incarnation, profile, InstanceState.STARTING, nowNanos);
  }

  private boolean enter(
      String id, int incarnation, InstanceProfile profile, InstanceState state, long nowNanos) {
    Check.notNull("id", id);
    Check.range("length of id", id.length(), 1, Request.MAX_ID_LENGTH, "characters");
    Check.atLeast("incarnation", incarnation, 0, "restarts");
    Check.notNull("profile", profile);
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      Member member = fleet.find(id);
      if (fleet.isPast(id, incarnation) || (member != null && incarnation < member.incarnation())) {
        return false;
      }
      if (member != null && incarnation == member.incarnation()) {
        if (state == InstanceState.STARTING) {
          return false;
        }
        fleet.reprofile(member, profile);
        member.state = state;
      } else {
        if (member != null) {
          takeDown(member, now);
        }
        member =
            new Member(
                id,
                incarnation,
                profile,
                state,
                clock,
                adapters,
                waitingAdapters,
                rateWindowNanos,
                remainingFloor,
                observationsOnly);
        fleet.add(member, prefixBlocksPerInstance);
      }
      changed(member, now);
      fleet.takeIn();
      dispatchQueued("instance");
      return true;
    } finally {
      unlock();
    }
  }

  /**
   * Says that an instance finishes what it has and takes nothing new.
   *
   * @param id its name
   * @param incarnation which life
   * @param nowNanos caller's clock
   * @return false if that life is not the current one
   */
  public boolean drain(String id, int incarnation, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      Member member = fleet.find(id, incarnation);
      if (member == null) {
        return false;
      }
      if (member.state != InstanceState.DRAINING) {
        member.state = InstanceState.DRAINING;
        changed(member, now);
      }
      return true;
    } finally {
      unlock();
    }
  }

  /**
   * Says that an instance is gone with everything on it. Its tickets stay open for their owners to
   * retry or release, but no longer count anywhere.
   *
   * @param id its name
   * @param incarnation which life
   * @param nowNanos caller's clock
   * @return false if that life is not the current one
   */
  public boolean down(String id, int incarnation, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      Member member = fleet.find(id, incarnation);
      if (member == null) {
        return false;
      }
      takeDown(member, now);
      fleet.takeIn();
      dispatchQueued("instance");
      return true;
    } finally {
      unlock();
    }
  }

  private void takeDown(Member member, long now) {
    fleet.remove(member);
    changed(member, now);
  }

  private void changed(Member member, long now) {
    if (log != null) {
      log.instance(member, now);
    }
    boolean isUp = member.state == InstanceState.READY;
    if (!policyOff) {
      try {
        policy.onInstance(member, isUp);
      } catch (RuntimeException e) {
        keepForLater(fault(e, ""));
      }
    }
    if (rebalancing != null) {
      try {
        rebalancing.onInstance(member, isUp);
      } catch (RuntimeException e) {
        keepForLater(partFault(rebalancing.id(), e));
      }
    }
  }

  /**
   * Says what an instance reports. Only publishes; policies see it from the next decision on. Of
   * several observations the one taken last counts, in whatever order they come.
   *
   * @param id its name
   * @param incarnation which life
   * @param stats what it reports
   * @param observedAtNanos when that was true, on the caller's clock
   * @return false if that life is not the current one
   */
  public boolean observe(String id, int incarnation, InstanceStats stats, long observedAtNanos) {
    Check.notNull("id", id);
    Observation observation = new Observation(Check.notNull("stats", stats), observedAtNanos);
    if (!fleet.publish(id, incarnation, observation)) {
      return false;
    }
    if (anyQueued && takeInIfFree()) {
      unlock();
    }
    return true;
  }

  // ---- the prefix index

  /**
   * Says that an instance now holds prompt blocks. From the first report on, the router no longer
   * guesses what this incarnation holds from what it served.
   *
   * @param id its name
   * @param incarnation which life
   * @param scope what keeps these blocks apart from others
   * @param blockKeys keys as in {@link Request#blockKey}
   * @param nowNanos caller's clock
   * @return false if that life is not the current one
   */
  public boolean prefixStored(
      String id, int incarnation, PrefixScope scope, long[] blockKeys, long nowNanos) {
    return prefix(id, incarnation, scope, blockKeys, true, nowNanos);
  }

  /**
   * Says that an instance holds prompt blocks no longer: the last copy of each is gone.
   *
   * @param id its name
   * @param incarnation which life
   * @param scope what keeps these blocks apart from others
   * @param blockKeys keys as in {@link Request#blockKey}
   * @param nowNanos caller's clock
   * @return false if that life is not the current one
   */
  public boolean prefixEvicted(
      String id, int incarnation, PrefixScope scope, long[] blockKeys, long nowNanos) {
    return prefix(id, incarnation, scope, blockKeys, false, nowNanos);
  }

  private boolean prefix(
      String id,
      int incarnation,
      PrefixScope scope,
      long[] blockKeys,
      boolean stored,
      long nowNanos) {
    Check.notNull("scope", scope);
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      Member member = fleet.find(id, incarnation);
      if (member == null) {
        return false;
      }
      long[] keys = new long[blockKeys.length];
      for (int i = 0; i < keys.length; i++) {
        keys[i] = prefixKeys.key(scope, blockKeys[i]);
      }
      reportsCache(member);
      for (long key : keys) {
        if (stored) {
          prefixes.add(member.index, key);
        } else {
          prefixes.remove(member.index, key);
        }
      }
      if (log != null) {
        log.index(member, stored ? "add" : "remove", keys, now);
      }
      return true;
    } finally {
      unlock();
    }
  }

  /**
   * Says that an instance dropped every cached block.
   *
   * @param id its name
   * @param incarnation which life
   * @param nowNanos caller's clock
   * @return false if that life is not the current one
   */
  public boolean prefixesCleared(String id, int incarnation, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      Member member = fleet.find(id, incarnation);
      if (member == null) {
        return false;
      }
      prefixes.clear(member.index);
      if (log != null) {
        log.index(member, "clear", NO_KEYS, now);
      }
      return true;
    } finally {
      unlock();
    }
  }

  private void reportsCache(Member member) {
    if (!member.reportsCache) {
      member.reportsCache = true;
      prefixes.clear(member.index);
    }
  }

  // ---- slow decisions

  /**
   * Lets the rebalancing policy decide a round, if one is due.
   *
   * @param nowNanos caller's clock
   * @return what to move; nothing if no round is due
   * @throws IllegalStateException if no rebalancing policy was given
   * @throws PolicyViolationException in strict mode if the policy fails; in guard mode a failed
   *     round moves nothing
   */
  public RebalanceResult rebalance(long nowNanos) {
    Rebalancing<?> rounds = rebalancing;
    if (rounds == null) {
      throw new IllegalStateException(
          "a rebalancing policy is missing; give the builder one with rebalancing(...)");
    }
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      fleet.takeIn();
      try {
        return rounds.round(fleet, now);
      } catch (RuntimeException e) {
        PolicyViolationException fault = partFault(rounds.id(), e);
        if (strict) {
          throw fault;
        }
        return RebalanceResult.NOTHING;
      }
    } finally {
      unlock();
    }
  }

  /**
   * Returns when a round of rebalancing is due by the policy's period; spikes may make one due
   * earlier.
   *
   * @return on the caller's clock; {@link Long#MIN_VALUE} before the first round, {@link
   *     Long#MAX_VALUE} without a rebalancing policy
   */
  public long rebalanceDueAtNanos() {
    lock.lock();
    try {
      return rebalancing == null ? Long.MAX_VALUE : rebalancing.dueAtNanos();
    } finally {
      unlock();
    }
  }

  boolean commit(Migration migration, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      Ticket ticket = migration.ticket;
      if (migration.over || ticket.cause != null) {
        return false;
      }
      migration.over = true;
      ticket.migration = null;
      if (migration.target.state == InstanceState.DOWN) {
        return false;
      }
      long left = remainingNanos(ticket.charge, now);
      ticket.charge = close(ticket.charge, "migrated", now);
      ticket.moved = true;
      ticket.migrations++;
      charge(ticket, migration.target, left, "migrated", now);
      dispatchQueued("release");
      return true;
    } finally {
      unlock();
    }
  }

  /** Returns what is left of a request on the reference instance; -1 if nothing was predicted. */
  private static long remainingNanos(@Nullable Charge charge, long now) {
    Member member = charge == null ? null : charge.member;
    return charge == null || member == null || charge.backlogEntry < 0
        ? -1
        : Math.round(
            member.backlog.remainingNanos(charge.backlogEntry, now) * member.speedFactor());
  }

  boolean abort(Migration migration, long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      if (migration.over) {
        return false;
      }
      migration.over = true;
      migration.ticket.migration = null;
      return true;
    } finally {
      unlock();
    }
  }

  /**
   * Lets the scaling policy decide a round, if one is due.
   *
   * @param nowNanos caller's clock
   * @return what to start, drain or restart; nothing if no round is due
   * @throws IllegalStateException if no scaling policy was given
   * @throws PolicyViolationException in strict mode if the policy fails; in guard mode a failed
   *     round changes nothing
   */
  public ScaleResult scale(long nowNanos) {
    Scaling<?> rounds = scaling;
    if (rounds == null) {
      throw new IllegalStateException(
          "a scaling policy is missing; give the builder one with scaling(...)");
    }
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      fleet.takeIn();
      try {
        return rounds.round(fleet, now);
      } catch (RuntimeException e) {
        PolicyViolationException fault = partFault(rounds.id(), e);
        if (strict) {
          throw fault;
        }
        return ScaleResult.NOTHING;
      }
    } finally {
      unlock();
    }
  }

  /**
   * Returns when a round of scaling is due.
   *
   * @return on the caller's clock; {@link Long#MIN_VALUE} before the first round, {@link
   *     Long#MAX_VALUE} without a scaling policy
   */
  public long scaleDueAtNanos() {
    lock.lock();
    try {
      return scaling == null ? Long.MAX_VALUE : scaling.dueAtNanos();
    } finally {
      unlock();
    }
  }

  // ---- faults

  private PolicyViolationException fault(RuntimeException cause, String requestId) {
    PolicyViolationException fault =
        cause instanceof PolicyViolationException violation
            ? violation
            : new PolicyViolationException(
                policy.id(), Invariant.INV_02, requestId, "the policy threw " + cause, cause);
    violations++;
    if (!strict) {
      policyOff = violations >= maxFaults;
      warn(
          fault.getMessage()
              + (policyOff ? "; the policy stays off" : "; the built-in policy decides this once"));
    }
    restartPolicy();
    return fault;
  }

  private void keepForLater(PolicyViolationException fault) {
    if (strict && pendingFault == null) {
      pendingFault = fault;
    }
  }

  private void throwPendingFault() {
    PolicyViolationException fault = pendingFault;
    if (fault != null) {
      pendingFault = null;
      throw fault;
    }
  }

  /** Gives the policy fresh state and tells it of the instances that are up. */
  private void restartPolicy() {
    policy.reset();
    try {
      for (int rank = 0; rank < fleet.size(); rank++) {
        Member member = fleet.member(rank);
        policy.onInstance(member, member.state == InstanceState.READY);
      }
    } catch (RuntimeException e) {
      policyOff = !strict;
      warn("policy '" + policy.id() + "' cannot be restarted and stays off: " + e);
    }
  }

  /**
   * Puts a policy that the guard switched off back into use, with fresh state.
   *
   * @param nowNanos caller's clock
   */
  public void enablePolicy(long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      violations = 0;
      policyOff = false;
      restartPolicy();
    } finally {
      unlock();
    }
  }

  private void warn(String message) {
    long now = clock.now();
    // One line a minute, by the caller's clock.
    if (lastWarnNanos == Long.MIN_VALUE || now - lastWarnNanos >= WARN_GAP_NANOS) {
      lastWarnNanos = now;
      LOG.warn("{}", message);
    }
  }

  // ---- questions

  /**
   * Returns how a request would be routed now, and why; routes nothing, draws nothing for good and
   * changes no policy state. Routing the request next, with nothing in between, decides the same.
   *
   * @param request the request
   * @param nowNanos caller's clock
   * @return candidates, verdicts, score parts and the choice
   * @throws PolicyViolationException in strict mode if the policy fails
   */
  public RouteExplanation explainRoute(Request request, long nowNanos) {
    Check.notNull("request", request);
    lock.lock();
    random.record();
    try {
      clock.advance(nowNanos);
      fleet.takeIn();
      RouteExplanation.Collector seen = new RouteExplanation.Collector();
      String decider = rehearse(request, seen);
      RoutePlan.Kind kind = kind();
      boolean accepted = kind == RoutePlan.Kind.ACCEPT;
      return new RouteExplanation(
          request.id(),
          decider,
          kind,
          decision.rule,
          accepted ? candidates.member(decision.position).id() : "",
          accepted && decision.prefillPosition >= 0
              ? candidates.member(decision.prefillPosition).id()
              : "",
          accepted ? "" : decision.reason,
          seen.candidates(),
          seen.details());
    } finally {
      random.rewind();
      unlock();
    }
  }

  private String rehearse(Request request, RouteExplanation.Collector seen) {
    String decider = policyOff ? RoutingGuard.ID : policy.id();
    decision.reset(decider, request.id(), seen);
    if (findCandidates(request, null, List.of())) {
      if (!policyOff) {
        try {
          policy.rehearse(request, candidates, decision);
        } catch (RuntimeException e) {
          if (strict) {
            throw e;
          }
          decision.kind = null;
        }
      }
      if (decision.kind == null) {
        decider = RoutingGuard.ID;
        decision.reset(decider, request.id(), seen);
        RoutingGuard.route(candidates, decision);
      }
    }
    describe(request, null, List.of(), seen);
    return decider;
  }

  /**
   * Returns an instance as a policy would see it now.
   *
   * @param id its name
   * @param nowNanos caller's clock
   * @return its load and state, a copy; empty if it is not up
   */
  public Optional<InstanceLoad> load(String id, long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      fleet.takeIn();
      Member member = fleet.find(Check.notNull("id", id));
      return member == null ? Optional.empty() : Optional.of(InstanceLoad.of(member));
    } finally {
      unlock();
    }
  }

  /**
   * Returns counts for metrics.
   *
   * @return a snapshot
   */
  public ClusterStats stats() {
    lock.lock();
    try {
      int ready = 0;
      long prefixBlocks = 0;
      for (int rank = 0; rank < fleet.size(); rank++) {
        Member member = fleet.member(rank);
        ready += member.state == InstanceState.READY ? 1 : 0;
        prefixBlocks += prefixes.held(member.index);
      }
      return new ClusterStats(
          fleet.size(),
          ready,
          queue.size(),
          openTickets,
          prefixBlocks,
          accepted,
          rejected.snapshot(),
          released.snapshot(),
          retries,
          violations);
    } finally {
      unlock();
    }
  }

  /** Collects the parts of a cluster scheduler; not thread-safe. */
  public static final class Builder {
    private @Nullable RoutingPolicy<?> policy;
    private @Nullable String policyText;
    private @Nullable PolicyRegistry registry;
    private boolean strict;
    private int maxFaults = DEFAULT_MAX_FAULTS;
    private int maxQueued = DEFAULT_MAX_QUEUED;
    private int prefixBlocksPerInstance = DEFAULT_PREFIX_BLOCKS_PER_INSTANCE;
    private int prefixBlockTokens = DEFAULT_PREFIX_BLOCK_TOKENS;
    private boolean sharedAcrossTenants;
    private long rateWindowNanos = DEFAULT_RATE_WINDOW_NANOS;
    private double remainingFloor = BacklogLedger.DEFAULT_REMAINING_FLOOR;
    private boolean observationsOnly;
    private RandomSource random = RandomSource.seeded(0);
    private TransferTimes transferTimes = TransferTimes.NONE;
    private @Nullable ServiceTimePredictor<?> predictor;
    private @Nullable Calibrator<?> calibrator;
    private boolean calibratedPerWorkload;
    private @Nullable RebalancingPolicy<?> rebalancing;
    private long kvBytesPerToken;
    private @Nullable ScalingPolicy<?> scaling;
    private List<InstanceType> instanceTypes = List.of();
    private @Nullable ArrivalForecaster<?> forecaster;
    private long binNanos = 1;
    private @Nullable DecisionLog log;

    private Builder() {}

    /**
     * Sets the policy.
     *
     * @param object any policy; it may serve other clusters too
     * @return this builder
     */
    public Builder policy(RoutingPolicy<?> object) {
      policy = Check.notNull("policy", object);
      return this;
    }

    /**
     * Sets the policy by name, found among the policies on the class or module path.
     *
     * @param text such as {@code power-of-two:metric=tokens}
     * @return this builder
     */
    public Builder policy(String text) {
      policyText = Check.notNull("policy", text);
      return this;
    }

    /**
     * Sets the policy by name, found in the given registry.
     *
     * @param text such as {@code gaps}
     * @param policies where to look
     * @return this builder
     */
    public Builder policy(String text, PolicyRegistry policies) {
      registry = Check.notNull("policies", policies);
      return policy(text);
    }

    /**
     * Throws a policy's violations instead of deciding in its place: for tests and simulators.
     *
     * @return this builder
     */
    public Builder strict() {
      strict = true;
      return this;
    }

    /**
     * Sets after how many faults the guard keeps a policy off.
     *
     * @param faults at least 1; {@value ClusterScheduler#DEFAULT_MAX_FAULTS} by default
     * @return this builder
     */
    public Builder maxFaults(int faults) {
      maxFaults = (int) Check.atLeast("maxFaults", faults, 1, "fault");
      return this;
    }

    /**
     * Sets how many requests may wait at the router; more are rejected with QUEUE_FULL.
     *
     * @param requests at least 0; {@value ClusterScheduler#DEFAULT_MAX_QUEUED} by default
     * @return this builder
     */
    public Builder maxQueued(int requests) {
      maxQueued = (int) Check.atLeast("maxQueued", requests, 0, "requests");
      return this;
    }

    /**
     * Bounds the prefix index; 40 to 60 bytes per block.
     *
     * @param blocks remembered per instance, at least 0; {@value
     *     ClusterScheduler#DEFAULT_PREFIX_BLOCKS_PER_INSTANCE} by default
     * @return this builder
     */
    public Builder prefixBlocksPerInstance(int blocks) {
      prefixBlocksPerInstance = (int) Check.atLeast("prefixBlocksPerInstance", blocks, 0, "blocks");
      return this;
    }

    /**
     * Sets the block size in which prompts given as token ids are indexed. Prompts with block keys
     * are indexed by those.
     *
     * @param tokens at least 1; {@value ClusterScheduler#DEFAULT_PREFIX_BLOCK_TOKENS} by default
     * @return this builder
     */
    public Builder prefixBlockTokens(int tokens) {
      prefixBlockTokens = (int) Check.atLeast("prefixBlockTokens", tokens, 1, "token");
      return this;
    }

    /**
     * Says that instances share cached prefixes across tenants. By default they never do.
     *
     * @return this builder
     */
    public Builder sharePrefixesAcrossTenants() {
      sharedAcrossTenants = true;
      return this;
    }

    /**
     * Sets the window of request rates.
     *
     * @param nanos at least 1; 60 s by default
     * @return this builder
     */
    public Builder rateWindowNanos(long nanos) {
      rateWindowNanos = Check.atLeast("rateWindowNanos", nanos, 1, "ns");
      return this;
    }

    /**
     * Sets which share of its prediction a request that overruns still counts.
     *
     * @param share 0 to 1; 0.05 by default
     * @return this builder
     */
    public Builder remainingFloor(double share) {
      remainingFloor = new BacklogLedger(share).remainingFloor();
      return this;
    }

    /**
     * Shows policies the bare observations, without what was sent since: for experiments that show
     * how they herd then. Never in production.
     *
     * @return this builder
     */
    public Builder observationsOnly() {
      observationsOnly = true;
      return this;
    }

    /**
     * Sets the randomness that policies see; seed 0 by default.
     *
     * @param source owned by this cluster from now on
     * @return this builder
     */
    public Builder random(RandomSource source) {
      random = Check.notNull("random", source);
      return this;
    }

    /**
     * Sets how long KV takes between instances; no links by default.
     *
     * @param times the links
     * @return this builder
     */
    public Builder transferTimes(TransferTimes times) {
      transferTimes = Check.notNull("times", times);
      return this;
    }

    /**
     * Sets who predicts service times; nobody by default, and then there are no backlogs.
     *
     * @param object the predictor, with fresh state
     * @return this builder
     */
    public Builder predictor(ServiceTimePredictor<?> object) {
      predictor = Check.notNull("predictor", object);
      return this;
    }

    /**
     * Sets who corrects predicted service times by recent errors, with one state for all requests;
     * nobody by default.
     *
     * @param object the calibrator, in seconds
     * @return this builder
     */
    public Builder calibrator(Calibrator<?> object) {
      calibrator = Check.notNull("calibrator", object);
      calibratedPerWorkload = false;
      return this;
    }

    /**
     * Sets who corrects predicted service times by recent errors, with one state for each {@link
     * Request#workload()}; the first 64 kinds are told apart.
     *
     * @param object the calibrator, in seconds
     * @return this builder
     */
    public Builder calibratorPerWorkload(Calibrator<?> object) {
      calibrator = Check.notNull("calibrator", object);
      calibratedPerWorkload = true;
      return this;
    }

    /**
     * Sets who decides what {@link ClusterScheduler#rebalance} moves.
     *
     * @param object the policy, with fresh state
     * @param kvBytesPerTokenHeld size of the KV that a running request has to take along, at least
     *     0
     * @return this builder
     */
    public Builder rebalancing(RebalancingPolicy<?> object, long kvBytesPerTokenHeld) {
      rebalancing = Check.notNull("rebalancing", object);
      kvBytesPerToken = Check.atLeast("kvBytesPerToken", kvBytesPerTokenHeld, 0, "bytes");
      return this;
    }

    /**
     * Sets who decides what {@link ClusterScheduler#scale} starts and drains.
     *
     * @param object the policy, with fresh state
     * @param types kinds of instance that can be started
     * @return this builder
     */
    public Builder scaling(ScalingPolicy<?> object, List<InstanceType> types) {
      scaling = Check.notNull("scaling", object);
      instanceTypes = List.copyOf(types);
      return this;
    }

    /**
     * Sets who forecasts arrivals for the scaling policy; nobody by default.
     *
     * @param object the forecaster, with fresh state
     * @param nanosPerBin length of one bin of arrivals, at least 1
     * @return this builder
     */
    public Builder forecaster(ArrivalForecaster<?> object, long nanosPerBin) {
      forecaster = Check.notNull("forecaster", object);
      binNanos = Check.atLeast("nanosPerBin", nanosPerBin, 1, "ns");
      return this;
    }

    /**
     * Records every decision. A log makes each decision explain itself, which allocates.
     *
     * @param value where to write
     * @return this builder
     */
    public Builder log(DecisionLog value) {
      log = Check.notNull("log", value);
      return this;
    }

    private @Nullable ServicePredictions<?, ?> predictions() {
      if (predictor == null) {
        return null;
      }
      return predictions(predictor, calibrator);
    }

    private <P, C> ServicePredictions<P, C> predictions(
        ServiceTimePredictor<P> source, @Nullable Calibrator<C> correction) {
      return new ServicePredictions<>(source, source.newState(), correction, calibratedPerWorkload);
    }

    /**
     * Makes the cluster scheduler.
     *
     * @return a new one without instances
     * @throws IllegalStateException if the policy is missing, or needs a predictor and has none
     * @throws IllegalArgumentException if the policy's name or an argument is unknown
     */
    public ClusterScheduler build() {
      RoutingPolicy<?> chosen = policy;
      String text = policyText;
      if (chosen == null) {
        if (text == null) {
          throw new IllegalStateException(
              "a policy is missing; call policy(\"power-of-two\") or policy(object)");
        }
        PolicyRegistry known =
            registry == null
                ? PolicyRegistry.discover(ClusterScheduler.class.getClassLoader())
                : registry;
        chosen = (RoutingPolicy<?>) known.create(Decision.ROUTING, text, RoutingPolicy.class);
      }
      requirePredictor(chosen.id(), chosen.claims());
      if (rebalancing != null) {
        requirePredictor(rebalancing.id(), rebalancing.claims());
      }
      return new ClusterScheduler(this, chosen);
    }

    private void requirePredictor(String id, Claims claims) {
      if (predictor == null && claims.needs().contains(Claims.Need.SERVICE_TIME)) {
        throw new IllegalStateException(
            "policy '" + id + "' needs predicted service times; call predictor(...)");
      }
    }
  }
}
