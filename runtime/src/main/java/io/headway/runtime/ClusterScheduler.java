package io.headway.runtime;

import io.headway.api.Claims;
import io.headway.api.Decision;
import io.headway.api.InstanceState;
import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.prediction.ArrivalForecaster;
import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RebalancingPolicy;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RoutingPolicy;
import io.headway.api.routing.ScalingPolicy;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

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

  /** One decision at a time. */
  final ReentrantLock lock = new ReentrantLock();

  /** Whether requests wait, for {@link #observe}, which does not hold the lock. */
  private volatile boolean anyQueued;

  // All below guarded by the lock.

  private final ClusterClock clock = new ClusterClock();
  private final PrefixIndex prefixes = new PrefixIndex();
  private final Fleet fleet = new Fleet(prefixes);
  private final ReplayedRandom random;
  private final ClusterFaults faults;
  private final RoutingPolicyGuard policy;
  private final RouteDecisions decisions;
  private final TicketLedger ledger;
  private final RouterQueue queue;
  private final Membership membership;
  private final @Nullable Rebalancing<?> rebalancing;
  private final @Nullable Scaling<?> scaling;
  private final @Nullable ArrivalCounts<?> arrivals;

  private ClusterScheduler(Builder b, RoutingPolicy<?> routing) {
    random = new ReplayedRandom(b.random);
    faults = new ClusterFaults(clock, b.strict);
    policy = new RoutingPolicyGuard(new BoundRouting<>(routing), fleet, faults, b.maxFaults);
    ServicePredictions<?, ?> predictions = b.predictions();
    PrefixKeys prefixKeys = new PrefixKeys(b.prefixBlockTokens, b.sharedAcrossTenants);
    Candidates.Sources sources =
        new Candidates.Sources(
            fleet.numbers, clock, random, prefixes, prefixKeys, b.transferTimes, predictions);
    ClusterLog log = b.log == null ? null : new ClusterLog(b.log, routing.id(), routing.claims());
    rebalancing =
        b.rebalancing == null
            ? null
            : new Rebalancing<>(this, b.rebalancing, sources, b.kvBytesPerToken);
    arrivals = b.forecaster == null ? null : new ArrivalCounts<>(b.forecaster, b.binNanos);
    scaling =
        b.scaling == null ? null : new Scaling<>(b.scaling, sources, b.instanceTypes, arrivals);
    decisions =
        new RouteDecisions(fleet, new Candidates(sources), policy, predictions, faults, log);
    ledger =
        new TicketLedger(
            this,
            fleet,
            decisions,
            policy,
            predictions,
            rebalancing,
            prefixes,
            prefixKeys,
            faults,
            log);
    queue = new RouterQueue(this, clock, fleet, decisions, ledger, faults, log, b.maxQueued);
    membership =
        new Membership(
            new Membership.Settings(
                b.prefixBlocksPerInstance, b.rateWindowNanos, b.remainingFloor, b.observationsOnly),
            clock,
            fleet,
            prefixes,
            prefixKeys,
            policy,
            rebalancing,
            faults,
            log);
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
      faults.throwPending();
      if (arrivals != null) {
        arrivals.arrived(now);
      }
      if (request.deadlineNanos() <= now) {
        return decisions.reject(
            request, RejectCode.DEADLINE, "", "the deadline has passed", 0, now);
      }
      RouteExplanation.Collector seen = decisions.decide(request, subset, List.of());
      return switch (decisions.kind()) {
        case ACCEPT -> ledger.assign(ledger.open(request, subset), seen, now);
        case QUEUE -> queue.enqueue(request, subset, now);
        case REJECT -> decisions.reject(request, now);
      };
    } finally {
      unlock();
    }
  }

  /** Takes the time and what was observed, and lets those go who have waited. */
  private long begin(long nowNanos) {
    long now = clock.advance(nowNanos);
    fleet.takeIn();
    queue.dispatch("route");
    return now;
  }

  // ---- the queue

  void await(QueuedRequest entry, QueuedRequest.Waiter waiter) {
    lock.lock();
    try {
      queue.await(entry, waiter);
    } finally {
      unlock();
    }
  }

  boolean cancelQueued(QueuedRequest entry, long nowNanos) {
    lock.lock();
    try {
      return queue.cancel(entry, clock.advance(nowNanos));
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
      faults.throwPending();
      queue.dispatch("time");
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
      return queue.wakeAtNanos();
    } finally {
      unlock();
    }
  }

  /** Gives the lock back and completes stages; takes it again if observations came meanwhile. */
  private void unlock() {
    do {
      List<Runnable> after = queue.takeStages();
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
    queue.dispatch("observe");
    return true;
  }

  // ---- tickets

  boolean servedBy(Ticket ticket, String instanceId, long nowNanos) {
    lock.lock();
    try {
      boolean known = ledger.servedBy(ticket, instanceId, clock.advance(nowNanos));
      queue.dispatch("release");
      return known;
    } finally {
      unlock();
    }
  }

  boolean started(Ticket ticket, long nowNanos) {
    lock.lock();
    try {
      return ledger.started(ticket, clock.advance(nowNanos));
    } finally {
      unlock();
    }
  }

  boolean firstToken(Ticket ticket, long nowNanos) {
    lock.lock();
    try {
      boolean frees = ticket.prefillCharge != null;
      boolean first = ledger.firstToken(ticket, clock.advance(nowNanos));
      if (first && frees) {
        queue.dispatch("release");
      }
      return first;
    } finally {
      unlock();
    }
  }

  RoutePlan retry(Ticket ticket, ReleaseCause cause, long nowNanos) {
    lock.lock();
    try {
      long now = begin(nowNanos);
      faults.throwPending();
      if (ticket.cause != null) {
        return RoutePlan.rejected(
            RejectCode.CANCELLED, "", "the ticket was released (" + ticket.cause + ")", 0);
      }
      RoutePlan plan = retryOpen(ticket, cause, now);
      queue.dispatch("release");
      return plan;
    } finally {
      unlock();
    }
  }

  private RoutePlan retryOpen(Ticket ticket, ReleaseCause cause, long now) {
    Request request = ticket.request();
    // Decide first: if the policy throws, nothing has changed.
    Member next = ledger.nextFallback(ticket);
    RouteExplanation.Collector seen = null;
    if (next == null) {
      ledger.leaveOut(ticket);
      try {
        seen = decisions.decide(request, ticket.subset, ledger.triedBy(ticket));
      } finally {
        ledger.countAgain(ticket);
      }
    }
    ledger.again(ticket);
    String why = ClusterLog.code(cause.name());
    if (next != null) {
      return ledger.fallBack(ticket, next, why, now);
    }
    RoutePlan.Kind kind = decisions.kind();
    if (kind == RoutePlan.Kind.ACCEPT) {
      ledger.vacate(ticket, why, now);
      return ledger.assign(ticket, seen, now);
    }
    RoutePlan plan =
        kind == RoutePlan.Kind.QUEUE
            ? queue.enqueue(request, ticket.subset, now)
            : decisions.reject(request, now);
    ledger.end(ticket, cause, Usage.UNKNOWN, now);
    fleet.takeIn();
    return plan;
  }

  boolean release(Ticket ticket, ReleaseCause cause, Usage usage, long nowNanos) {
    lock.lock();
    try {
      long now = clock.advance(nowNanos);
      if (ticket.cause != null) {
        return false;
      }
      ledger.end(ticket, cause, usage, now);
      fleet.takeIn();
      queue.dispatch("release");
      return true;
    } finally {
      unlock();
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
      if (!membership.enter(id, incarnation, profile, state, clock.advance(nowNanos))) {
        return false;
      }
      fleet.takeIn();
      queue.dispatch("instance");
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
      return membership.drain(id, incarnation, clock.advance(nowNanos));
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
      if (!membership.down(id, incarnation, clock.advance(nowNanos))) {
        return false;
      }
      fleet.takeIn();
      queue.dispatch("instance");
      return true;
    } finally {
      unlock();
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
   * guesses what this incarnation holds from what it served. An instance that reports should start
   * with {@link #prefixesCleared}: until it has said something, what it serves is guessed at.
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
      return membership.prefixes(
          id, incarnation, scope, blockKeys, stored, clock.advance(nowNanos));
    } finally {
      unlock();
    }
  }

  /**
   * Says that an instance dropped every cached block, or has none yet. Counts as a report as {@link
   * #prefixStored} does.
   *
   * @param id its name
   * @param incarnation which life
   * @param nowNanos caller's clock
   * @return false if that life is not the current one
   */
  public boolean prefixesCleared(String id, int incarnation, long nowNanos) {
    lock.lock();
    try {
      return membership.prefixesCleared(id, incarnation, clock.advance(nowNanos));
    } finally {
      unlock();
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
        PolicyViolationException fault = faults.ofPart(rounds.id(), e);
        if (faults.strict()) {
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
      if (!ledger.commit(migration, clock.advance(nowNanos))) {
        return false;
      }
      queue.dispatch("release");
      return true;
    } finally {
      unlock();
    }
  }

  boolean abort(Migration migration, long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      if (!ledger.abort(migration)) {
        return false;
      }
      queue.dispatch("release");
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
        PolicyViolationException fault = faults.ofPart(rounds.id(), e);
        if (faults.strict()) {
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

  /**
   * Puts a policy that the guard switched off back into use, with fresh state.
   *
   * @param nowNanos caller's clock
   */
  public void enablePolicy(long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      policy.enable();
    } finally {
      unlock();
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
      String decider = decisions.rehearse(request, seen);
      RoutePlan.Kind kind = decisions.kind();
      RouteBuffer answer = decisions.answer;
      Candidates candidates = decisions.candidates;
      boolean accepted = kind == RoutePlan.Kind.ACCEPT;
      return new RouteExplanation(
          request.id(),
          decider,
          kind,
          answer.rule,
          accepted ? candidates.member(answer.position).id() : "",
          accepted && answer.prefillPosition >= 0
              ? candidates.member(answer.prefillPosition).id()
              : "",
          accepted ? "" : answer.reason,
          seen.candidates(),
          seen.details());
    } finally {
      random.rewind();
      unlock();
    }
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

  /** Returns whether instances that are ready or starting serve a model and can hold a request. */
  boolean serves(String model, Request request, long nowNanos) {
    return covers(model, request, false, nowNanos);
  }

  /** Returns whether a request for a model would not have to wait. */
  boolean hasRoom(String model, long nowNanos) {
    return covers(model, null, true, nowNanos);
  }

  private boolean covers(String model, @Nullable Request request, boolean withRoom, long nowNanos) {
    lock.lock();
    try {
      clock.advance(nowNanos);
      fleet.takeIn();
      return decisions.covers(model, request, withRoom);
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
        ready += member.state() == InstanceState.READY ? 1 : 0;
        prefixBlocks += prefixes.held(member.index);
      }
      return new ClusterStats(
          fleet.size(),
          ready,
          queue.size(),
          ledger.openTickets(),
          prefixBlocks,
          ledger.accepted(),
          decisions.rejected().snapshot(),
          ledger.released().snapshot(),
          ledger.retries(),
          faults.violations());
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
