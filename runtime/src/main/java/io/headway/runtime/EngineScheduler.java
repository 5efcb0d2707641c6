package io.headway.runtime;

import io.headway.api.Decision;
import io.headway.api.Experimental;
import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.prediction.LengthPredictor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Schedules one instance: takes requests, hands out batch plans and takes their results. Pull only:
 * it has no thread and no clock, and never calls the engine during a decision.
 *
 * <p>The loop of an engine: {@link #submit} what arrived, {@link #next} a plan, hand over {@link
 * #events}, execute the plan, {@link #complete} it, deliver the tokens the result allows, hand over
 * events. Every accepted request gets exactly one {@code ended} event, and every granted slot
 * exactly one {@code released}, whatever throws; memory is released when the last plan in flight
 * that mentions it has completed.
 *
 * <p>With a depth above 1, further plans may be taken while earlier ones run. Plan k+1 assumes that
 * every emitting row of k continues; if k stops a sequence, its row in k+1 is executed in vain and
 * its result is not delivered.
 *
 * <p>Confined to one thread at a time; an overlapping call throws {@link IllegalStateException}
 * naming both threads, and so does a call by a policy, listener or log that is being called. A call
 * that throws has changed nothing. In guard mode (the default) a policy that throws or breaks a
 * rule is replaced by a built-in one for that decision, and for good after three faults; in strict
 * mode the violation is thrown, by {@link #next} if the call in which it happened takes effect all
 * the same. In either mode a policy that failed may have seen half of what happened: before it is
 * asked again, its state is made anew, it is told of everyone who is there, and {@link
 * RuntimeListener#policyRestarted} says so.
 *
 * <p>Steady decode allocates nothing: one {@code next} and {@code complete} cost O(rows), and the
 * pool is called only when a sequence crosses into a new block.
 */
public final class EngineScheduler implements AutoCloseable {
  /** Faults of a policy after which the guard keeps it off, by default. */
  public static final int DEFAULT_MAX_FAULTS = 3;

  /** How often a request is recomputed after a failed step before it ends as FAILED, by default. */
  public static final int DEFAULT_MAX_RETRIES = 1;

  /** How long a hand-over or reservation may take, by default: 30 s. */
  public static final long DEFAULT_LEASE_NANOS = 30_000_000_000L;

  /** Tenants without live requests that stay known, by default. */
  public static final int DEFAULT_REMEMBERED_TENANTS = 65_536;

  private static final int NONE = Sequences.NONE;

  /** Who is inside, seen by the thread that is. */
  private enum Inside {
    NOBODY,
    CALL,
    EVENTS
  }

  private final Limits limits;
  private final KvBlockPool pool;
  private final int depth;
  private final boolean sharedAcrossTenants;
  private final RuntimeListener listener;
  private final @Nullable EngineLog log;

  private final Sequences sequences;
  private final EventQueue events = new EventQueue();
  private final EngineTally tally = new EngineTally();
  private final Faults faults;
  private final Adapters adapters;
  private final PolicyGuard policy;
  private final Lifecycle lifecycle;
  private final Transfers transfers;
  private final KvEvents kvEvents;
  private final Draft draft;
  private final Completion completion;
  private final FastForward fastForward;

  private final AtomicReference<@Nullable Thread> thread = new AtomicReference<>();
  private Inside inside = Inside.NOBODY;

  private final BatchPlan[] ring;
  private final BatchPlan empty;
  private int oldest;
  private int flying;
  private long nextStep;
  private long lastCompletionNanos = Long.MIN_VALUE;
  private int allowedRepetitions;
  private @Nullable DrainMode draining;
  private boolean closed;

  private EngineScheduler(Builder b, BatchingPolicy<?> chosen, KvBlockPool memory) {
    limits = b.limits;
    pool = memory;
    depth = b.depth;
    sharedAcrossTenants = b.sharedAcrossTenants;
    faults = new Faults(b.strict);
    listener =
        b.listener == RuntimeListener.NONE ? b.listener : new GuardedListener(b.listener, faults);
    Predictions<?> predictions = b.predictions == null ? null : b.predictions.bind(faults);
    Tenants tenants = new Tenants(b.rememberedTenants);
    sequences =
        new Sequences(
            limits,
            pool,
            b.random == null ? RandomSource.seeded(0) : b.random,
            tenants,
            predictions == null ? RemainingTokens.DECLARED : predictions);
    adapters = new Adapters(limits.maxAdapters());
    policy = new PolicyGuard(chosen, sequences, faults, listener, b.maxFaults);
    draft = new Draft(sequences, events, adapters, policy, b.maxPinnedBlocks);
    log =
        b.log == null
            ? null
            : new EngineLog(
                new GuardedLog(b.log, faults),
                b.logName,
                sequences,
                draft,
                chosen,
                depth,
                b.maxRetries,
                b.leaseNanos,
                sharedAcrossTenants,
                b.maxPinnedBlocks);
    lifecycle =
        new Lifecycle(
            sequences,
            events,
            tenants,
            adapters,
            policy,
            tally,
            listener,
            predictions,
            log,
            b.maxRetries);
    kvEvents = new KvEvents(pool, log, b.kvEvents, faults);
    Publisher publisher = new Publisher(sequences, faults, kvEvents, log);
    transfers =
        new Transfers(
            sequences,
            events,
            adapters,
            lifecycle,
            publisher,
            kvEvents,
            policy,
            listener,
            log,
            b.leaseNanos,
            b.recomputeIncoming);
    completion =
        new Completion(sequences, lifecycle, transfers, publisher, policy, faults, tally, log);
    fastForward = new FastForward(sequences, publisher, draft, policy);
    ring = new BatchPlan[depth];
    for (int i = 0; i < depth; i++) {
      ring[i] = new BatchPlan(pool);
    }
    empty = new BatchPlan(pool);
    pool.observeQueue(new QueuedKeys(sequences, pool.newKeys(PrefixAttributes.NONE)));
  }

  /**
   * Starts a scheduler: depth 1, guard mode, seed 0, no prefix sharing between tenants.
   *
   * @return a builder that still needs a policy, limits and a pool
   */
  public static Builder builder() {
    return new Builder();
  }

  // ---- requests

  /**
   * Takes a request.
   *
   * @param request the request; its arrival orders it among the waiting
   * @param nowNanos caller's clock
   * @return accepted with a handle, or why not; a refusal changes nothing
   * @throws PolicyViolationException in strict mode, if the policy threw when it was asked whether
   *     it can serve the request
   */
  public SubmitResult submit(Request request, long nowNanos) {
    return submit(request, false, nowNanos);
  }

  /**
   * Takes a request of which only the prompt and the first token are computed here. Then a {@code
   * handOver} event is raised and its blocks stay where they are until {@link #handOverDone} or
   * {@link #handOverFailed}, or until the lease expires.
   *
   * @param request the request
   * @param nowNanos caller's clock
   * @return as {@link #submit}
   */
  public SubmitResult submitPrefill(Request request, long nowNanos) {
    return submit(request, true, nowNanos);
  }

  private SubmitResult submit(Request request, boolean handsOver, long nowNanos) {
    Check.notNull("request", request);
    Inside before = enter();
    try {
      tick(nowNanos);
      SubmitResult refused = refuse(request);
      if (refused != null) {
        if (log != null) {
          log.rejected(request, refused.kind());
        }
        return refused;
      }
      int s = lifecycle.open(request, keysOf(request), handsOver);
      lifecycle.enqueue(s);
      return new SubmitResult(SubmitResult.Kind.ACCEPTED, sequences.handle(s), 0);
    } finally {
      exit(before);
    }
  }

  private @Nullable SubmitResult refuse(Request request) {
    if (draining != null) {
      return SubmitResult.DRAINING;
    }
    if (lifecycle.find(request.id()) != NONE) {
      return SubmitResult.DUPLICATE_ID;
    }
    if (!fitsAlone(request) || !policy.canServe(request)) {
      return SubmitResult.NEVER_FITS;
    }
    if (sequences.waitingCount() >= limits.maxWaiting()) {
      return new SubmitResult(SubmitResult.Kind.QUEUE_FULL, -1, lifecycle.meanEndGapNanos());
    }
    return null;
  }

  /** Returns whether an empty pool can admit the request at any length it may reach. */
  private boolean fitsAlone(Request request) {
    return pool.footprint().peakBlocks(0, request.maxKvTokens())
        <= pool.usableBlocks() - pool.watermarkBlocks();
  }

  private @Nullable BlockKeyChain keysOf(Request request) {
    if (pool.mode() != KvMode.PAGED || (!request.hasTokenIds() && request.blockKeyCount() == 0)) {
      return null;
    }
    PrefixAttributes attributes = PrefixAttributes.of(request);
    return pool.newKeys(request, sharedAcrossTenants ? attributes.withTenant("") : attributes);
  }

  /**
   * Cancels a request. From this call on no further plan mentions it and none of its tokens is
   * delivered; its memory is released when the last plan in flight that mentions it has completed,
   * and, during a transfer, when the transport has reported its end or the lease has expired.
   *
   * @param handle the request
   * @param nowNanos caller's clock
   * @return false if it is unknown or already over
   */
  public boolean cancel(long handle, long nowNanos) {
    Inside before = enter();
    try {
      tick(nowNanos);
      int s = sequences.find(handle);
      if (s == NONE || sequences.isFinished(s)) {
        return false;
      }
      lifecycle.end(s, End.CANCELLED, "");
      return true;
    } finally {
      exit(before);
    }
  }

  /**
   * Finds the handle of a live request.
   *
   * @param requestId its id
   * @return the handle, or -1 if no such request is live
   */
  public long handleOf(String requestId) {
    Check.notNull("requestId", requestId);
    Inside before = enter();
    try {
      int s = lifecycle.find(requestId);
      return s == NONE ? -1 : sequences.handle(s);
    } finally {
      exit(before);
    }
  }

  /**
   * Returns the request behind a handle. A listener may ask, too.
   *
   * @param handle from {@link #submit}, an event or a plan
   * @return the request
   * @throws IllegalArgumentException if the handle is unknown or its memory was released
   */
  public Request request(long handle) {
    Inside before = enterToRead();
    try {
      int s = sequences.find(handle);
      if (s == NONE) {
        throw new IllegalArgumentException("handle " + handle + " is unknown or over");
      }
      return sequences.requestOf(s);
    } finally {
      exit(before);
    }
  }

  // ---- the loop

  /**
   * Returns whether {@link #next} may be called: fewer plans are in flight than the depth, and the
   * scheduler is not closed.
   *
   * @return true if a plan may be taken
   */
  public boolean canPlan() {
    return flying < depth && !closed;
  }

  /**
   * Decides the next batch.
   *
   * @param nowNanos caller's clock, not earlier than in the call before
   * @return a plan, borrowed until it is completed or failed; an empty one, borrowed until the next
   *     call, if there is nothing to do, or if somebody had to yield before anybody can run: it
   *     then asks to be called again now
   * @throws IllegalStateException if as many plans are in flight as the depth allows, or the
   *     scheduler is closed
   * @throws PolicyViolationException in strict mode, if the policy broke a rule, in this call or in
   *     one before; nothing has changed then
   */
  public BatchPlan next(long nowNanos) {
    Inside before = enter();
    try {
      refuseInEvents(before, "next");
      if (!canPlan()) {
        throw new IllegalStateException(
            closed
                ? "next needs a scheduler that is not closed"
                : "next needs fewer than depth = "
                    + depth
                    + " plans in flight, but "
                    + flying
                    + " are; complete one first");
      }
      faults.throwPending();
      tick(nowNanos);
      boolean changed = expire();
      BatchPlan plan = ring[(oldest + flying) % depth];
      // A decision without rows has only ended or preempted somebody; then the policy is asked once
      // more, in this call or, if somebody yielded, in the next.
      boolean again = true;
      boolean yielded = false;
      draft.beginRound();
      while (again) {
        try {
          again = decide(plan, !yielded);
        } catch (RuntimeException | Error e) {
          if (!changed) {
            throw e;
          }
          // What this call has done already stands, so it is the next one that throws.
          faults.postpone(e);
          return nothing(nowNanos);
        }
        if (!plan.isEmpty()) {
          flying++;
          nextStep++;
          sequences.iteration = nextStep;
          plan.plannedNanos = nowNanos;
          listener.planned(plan.stepId(), plan.rows(), plan.tokens());
          return plan;
        }
        changed |= again;
        // With a plan in flight the engine asks again anyway.
        again &= flying == 0;
        yielded |= again && draft.preemptions() > 0;
        // Who has yielded must not come back in the same call; without transfers the next one may
        // let anybody in.
        again &= !yielded || sequences.pendingTransfers > 0;
      }
      boolean left = sequences.waitingCount() + sequences.runningCount() > 0;
      if (log != null && (changed || (flying == 0 && left))) {
        log.idle(yielded ? nowNanos : policy.wakeAtNanos());
      }
      // Who yielded may be let in by the next call.
      return nothing(yielded ? nowNanos : wakeAtNanos());
    } finally {
      exit(before);
    }
  }

  /**
   * Drafts and commits one decision; returns whether it changed anything.
   *
   * @param mayStall whether an empty draft is the policy's fault; not after somebody yielded who
   *     cannot come back in the same call
   */
  private boolean decide(BatchPlan plan, boolean mayStall) {
    policy.plan(draft, mayStall && flying == 0);
    boolean changed = draft.changedAnything();
    draft.commit(plan, nextStep);
    if (!changed) {
      return false;
    }
    if (log != null) {
      log.takenBack();
    }
    kvEvents.drain();
    if (log != null) {
      log.taken(plan);
    }
    report();
    return true;
  }

  /** Tells of admissions, preemptions and ends of the draft just committed. */
  private void report() {
    for (int i = 0; i < draft.admittedCount(); i++) {
      int s = draft.admitted(i);
      if (!draft.swappedIn(i)) {
        tally.prefixHitTokens += draft.cached(i);
      }
      listener.started(
          sequences.handle(s), sequences.nowNanos - sequences.arrival[s], draft.cached(i));
    }
    if (draft.preemptions() == 0 && draft.endings() == 0) {
      return;
    }
    tally.preemptions += draft.preemptions();
    for (int i = 0; i < draft.steps(); i++) {
      int victim = draft.preemptedBy(i);
      if (victim != NONE) {
        listener.preempted(sequences.handle(victim), sequences.preempted[victim]);
      }
      int ended = draft.endedBy(i);
      if (ended != NONE) {
        lifecycle.finish(ended, draft.endOf(i), "");
      }
    }
  }

  private boolean expire() {
    boolean any = lifecycle.expire();
    return transfers.expire() || any;
  }

  private BatchPlan nothing(long wakeAtNanos) {
    empty.begin();
    empty.wakeAt(wakeAtNanos);
    return empty;
  }

  private long wakeAtNanos() {
    return Math.min(
        policy.wakeAtNanos(),
        Math.min(lifecycle.earliestDeadlineNanos(), transfers.earliestLeaseNanos()));
  }

  /**
   * Takes the result of the oldest plan in flight. Afterwards {@link StepResult#deliver} tells
   * which tokens may be shown.
   *
   * @param result what the engine reports
   * @param nowNanos caller's clock
   * @throws IllegalStateException if the result is not about the oldest plan in flight, was applied
   *     before, or lacks a token; nothing has changed then
   */
  public void complete(StepResult result, long nowNanos) {
    completeRepeated(result, 0, nowNanos);
  }

  /**
   * Takes the result of the oldest plan as if it had been planned and executed {@code 1 +
   * repetitions} times in a row, each time yielding one token per row. For simulators that jump
   * over iterations in which nothing changes.
   *
   * @param result what every repetition reports; a stop counts for the last one
   * @param repetitions 0, or at most what {@link #repeatable} has allowed since this plan was taken
   *     and anything else was called
   * @param nowNanos caller's clock after the last repetition
   * @throws IllegalStateException as {@link #complete}
   * @throws IllegalArgumentException if there are more repetitions than allowed
   */
  @Experimental
  public void completeRepeated(StepResult result, int repetitions, long nowNanos) {
    Check.notNull("result", result);
    Inside before = enter();
    try {
      refuseInEvents(before, "complete");
      BatchPlan plan = oldestPlan(result.stepId());
      if (result.plan() != plan) {
        throw new IllegalStateException(
            "the result must be about a plan of this scheduler; call begin(plan) first");
      }
      completion.check(plan, result);
      if (repetitions != 0) {
        Check.range("repetitions", repetitions, 0, allowedRepetitions, "repetitions");
        fastForward.repeat(plan, repetitions);
      }
      tick(nowNanos);
      oldest = (oldest + 1) % depth;
      flying--;
      sequences.iterationNanos =
          result.elapsedNanos() > 0
              ? result.elapsedNanos()
              : Math.max(0, nowNanos - Math.max(plan.plannedNanos, lastCompletionNanos));
      lastCompletionNanos = nowNanos;
      expire();
      if (log != null) {
        log.completed(plan);
      }
      long delivered = tally.outputTokens;
      completion.complete(plan, result, repetitions);
      tally.steps += 1 + repetitions;
      nextStep += repetitions;
      sequences.iteration = nextStep;
      kvEvents.drain();
      listener.completed(
          plan.stepId(), result.elapsedNanos(), (int) (tally.outputTokens - delivered));
    } finally {
      exit(before);
    }
  }

  /**
   * Takes the loss of a whole plan: every row is computed again, at most as often as retries are
   * allowed, then ends as FAILED. Plans still in flight become void, but each must still be
   * completed or failed: only then is the device known to be off their blocks. What earlier plans
   * have computed counts as intact; an engine that has lost its memory starts a new scheduler.
   *
   * @param stepId the oldest plan in flight
   * @param cause what happened
   * @param nowNanos caller's clock
   * @throws IllegalStateException if it is not the oldest plan in flight; nothing has changed then
   */
  public void fail(long stepId, Throwable cause, long nowNanos) {
    Check.notNull("cause", cause);
    Inside before = enter();
    try {
      refuseInEvents(before, "fail");
      BatchPlan plan = oldestPlan(stepId);
      tick(nowNanos);
      oldest = (oldest + 1) % depth;
      flying--;
      expire();
      if (log != null) {
        log.failed(plan);
      }
      if (plan.voided) {
        completion.land(plan);
      } else {
        for (int i = flying - 1; i >= 0; i--) {
          completion.rollBack(ring[(oldest + i) % depth]);
        }
        completion.fail(plan, cause);
      }
      kvEvents.drain();
      listener.failed(plan.stepId());
    } finally {
      exit(before);
    }
  }

  private BatchPlan oldestPlan(long stepId) {
    if (flying == 0) {
      throw new IllegalStateException(
          "no plan is in flight, but a result for step " + stepId + " was given");
    }
    BatchPlan plan = ring[oldest];
    if (plan.stepId() != stepId) {
      throw new IllegalStateException(
          "plans complete in order: the oldest in flight is step "
              + plan.stepId()
              + ", but the result is for step "
              + stepId);
    }
    return plan;
  }

  // ---- events, draining

  /**
   * Hands over what happened since the last call.
   *
   * @param sink told in order; may call everything but {@code next}, {@code complete}, {@code fail}
   *     and {@code events}
   */
  public void events(EngineEvents sink) {
    Check.notNull("sink", sink);
    Inside before = enter();
    try {
      refuseInEvents(before, "events");
      inside = Inside.EVENTS;
      events.drain(sink);
    } finally {
      exit(before);
    }
  }

  /**
   * Brings the scheduler to rest: from now on every request is refused. A second call with a
   * harsher mode is obeyed.
   *
   * @param mode what becomes of the accepted ones
   * @param nowNanos caller's clock
   */
  public void beginDrain(DrainMode mode, long nowNanos) {
    Check.notNull("mode", mode);
    Inside before = enter();
    try {
      tick(nowNanos);
      draining = mode;
      if (mode != DrainMode.FINISH_ALL) {
        drainQueue(mode);
      }
      if (mode == DrainMode.ABORT) {
        while (sequences.runningCount() > 0) {
          lifecycle.end(sequences.running(sequences.runningCount() - 1), End.DRAINED, "");
        }
        transfers.drain();
      }
    } finally {
      exit(before);
    }
  }

  private void drainQueue(DrainMode mode) {
    int s = sequences.firstWaiting();
    while (s != NONE) {
      int behind = sequences.nextWaiting(s);
      if (mode == DrainMode.ABORT || sequences.preempted[s] == 0) {
        lifecycle.end(s, End.DRAINED, "");
      }
      s = behind;
    }
  }

  /**
   * Returns whether nothing is left: no live request, no plan in flight, no block held but cached
   * ones. May be asked from any thread, which then sees some recent answer.
   *
   * @return true if the engine may stop
   */
  public boolean isIdle() {
    return sequences.live() == 0 && flying == 0;
  }

  /**
   * Aborts whatever is live, and waits for no transfer. Idempotent. Plans in flight may still be
   * completed; nothing new is accepted or planned.
   */
  @Override
  public void close() {
    if (!closed) {
      beginDrain(DrainMode.ABORT, sequences.nowNanos);
      transfers.abandon();
      closed = true;
    }
  }

  // ---- prefill/decode hand-over

  /**
   * The KV of a handed-over request has arrived elsewhere: it ends as HANDED_OVER here.
   *
   * @param handle from the {@code handOver} event
   * @param nowNanos caller's clock
   * @return false if it is over already: its lease expired, or it was cancelled meanwhile, in which
   *     case this call gives its memory back
   */
  public boolean handOverDone(long handle, long nowNanos) {
    return endHandOver(handle, true, nowNanos);
  }

  /**
   * The KV of a handed-over request could not be copied, or is not wanted: it ends as FAILED here
   * and its memory is given back.
   *
   * @param handle from the {@code handOver} event
   * @param nowNanos caller's clock
   * @return false if it is over already, as for {@link #handOverDone}
   */
  public boolean handOverFailed(long handle, long nowNanos) {
    return endHandOver(handle, false, nowNanos);
  }

  private boolean endHandOver(long handle, boolean succeeded, long nowNanos) {
    Inside before = enter();
    try {
      tick(nowNanos);
      transfers.expire();
      return transfers.handedOver(handle, succeeded);
    } finally {
      exit(before);
    }
  }

  /**
   * Reserves slot and blocks for a request whose prompt another instance has computed, before any
   * byte moves. Refused for now while blocks that were moved elsewhere may not have been read yet:
   * until the plan with those moves has completed.
   *
   * @param request the request
   * @param nowNanos caller's clock
   * @return GRANTED with the handle here, or why not; a refusal changes nothing
   */
  public Reservation reserveIncoming(Request request, long nowNanos) {
    Check.notNull("request", request);
    Inside before = enter();
    try {
      tick(nowNanos);
      if (draining != null) {
        return Reservation.DRAINING;
      }
      if (lifecycle.find(request.id()) != NONE) {
        return Reservation.DUPLICATE_ID;
      }
      if (!fitsAlone(request) || !policy.canServe(request)) {
        return Reservation.NEVER;
      }
      if (movesOutstanding()) {
        return Reservation.later(0);
      }
      return transfers.reserve(request, keysOf(request));
    } finally {
      exit(before);
    }
  }

  /**
   * Returns whether the device may still read blocks that count as free, to move what they held. A
   * plan may take them all the same, since its rows follow the moves; what comes from elsewhere
   * follows nothing. Once nobody is live, nobody misses what was to be moved.
   */
  private boolean movesOutstanding() {
    boolean any = draft.movesWait() && sequences.live() > 0;
    for (int i = 0; i < flying && !any; i++) {
      any = ring[(oldest + i) % depth].moves() > 0;
    }
    return any;
  }

  /**
   * All KV of a reserved request has arrived: it decodes here from now on, with one token generated
   * already.
   *
   * @param reservation from {@link #reserveIncoming}, granted
   * @param firstToken the token its prefill emitted, which the caller has delivered
   * @param nowNanos caller's clock
   * @return false if the reservation is over: its lease expired, or the request was cancelled
   *     meanwhile, in which case this call gives its memory back
   */
  public boolean incomingDone(Reservation reservation, int firstToken, long nowNanos) {
    Check.notNull("reservation", reservation);
    Inside before = enter();
    try {
      tick(nowNanos);
      transfers.expire();
      return transfers.arrived(reservation.handle(), firstToken);
    } finally {
      exit(before);
    }
  }

  /**
   * The KV of a reserved request arrived only in part. Depending on how the scheduler was built,
   * the whole blocks that arrived are kept and the rest of the prompt is computed here (its first
   * token is sampled once more and not delivered again), or everything is given back and the
   * request ends as FAILED.
   *
   * @param reservation from {@link #reserveIncoming}, granted
   * @param arrivedTokens leading tokens whose KV arrived, at least 0
   * @param nowNanos caller's clock
   * @return false if the reservation is over, as for {@link #incomingDone}
   */
  public boolean incomingFailed(Reservation reservation, int arrivedTokens, long nowNanos) {
    Check.notNull("reservation", reservation);
    Check.atLeast("arrivedTokens", arrivedTokens, 0, "token");
    Inside before = enter();
    try {
      tick(nowNanos);
      transfers.expire();
      return transfers.arrivedInPart(reservation.handle(), arrivedTokens);
    } finally {
      exit(before);
    }
  }

  /**
   * Returns the block table of a request: what a transport copies from or to.
   *
   * @param handle a request that holds a slot
   * @param group cache group, 0 in a pool with one
   * @return block ids, those of the first positions first; a new array
   * @throws IllegalArgumentException if the handle is unknown or holds no slot
   * @throws IllegalStateException if the pool hands out no block ids
   */
  public int[] blocks(long handle, int group) {
    Inside before = enter();
    try {
      int s = sequences.find(handle);
      if (s == NONE || sequences.slots[s] == NONE) {
        throw new IllegalArgumentException("handle " + handle + " is unknown or holds no slot");
      }
      long owner = sequences.owners[s];
      int[] blocks = new int[pool.blockCount(owner, group)];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = pool.block(owner, group, i);
      }
      return blocks;
    } finally {
      exit(before);
    }
  }

  // ---- repetition, for simulators

  /**
   * Returns how often the plan just handed out may be repeated as it is: the policy promises the
   * same decision, no request reaches its output cap before the last repetition, the pool can
   * supply the blocks, and nothing else could tell the difference: no deadline or lease runs, no
   * decision log is written, and no generated token names a block.
   *
   * @param plan the only plan in flight
   * @param limit most repetitions wanted, at least 0
   * @return repetitions, 0 to {@code limit}
   */
  @Experimental
  public int repeatable(BatchPlan plan, int limit) {
    Check.notNull("plan", plan);
    Inside before = enter();
    try {
      allowedRepetitions =
          depth == 1
                  && flying == 1
                  && plan == ring[oldest]
                  && log == null
                  && limit > 0
                  && lifecycle.earliestDeadlineNanos() == Long.MAX_VALUE
                  && transfers.earliestLeaseNanos() == Long.MAX_VALUE
              ? fastForward.repeatable(plan, limit)
              : 0;
      return allowedRepetitions;
    } finally {
      exit(before);
    }
  }

  // ---- observation

  /**
   * Puts a policy that the guard switched off back into use, with fresh state.
   *
   * @param nowNanos caller's clock
   */
  public void enablePolicy(long nowNanos) {
    Inside before = enter();
    try {
      tick(nowNanos);
      policy.enable();
    } finally {
      exit(before);
    }
  }

  /**
   * Counts what is there now. Cost O(running).
   *
   * @return a new value
   */
  public EngineStats stats() {
    Inside before = enter();
    try {
      long context = 0;
      for (int i = 0; i < sequences.runningCount(); i++) {
        context += sequences.computed(sequences.running(i));
      }
      EngineStats stats =
          new EngineStats(
              sequences.waitingCount(),
              sequences.runningCount(),
              sequences.swapped(),
              sequences.migrating(),
              flying,
              sequences.waitingTokens(),
              context,
              pool.usableBlocks() - pool.availableBlocks(),
              pool.count(KvTier.DEVICE, BlockState.CACHED),
              pool.usableBlocks(),
              pool.geometry().groups().get(0).blockTokens(),
              adapters.distinct(),
              tally.accepted,
              tally.ended,
              tally.preemptions,
              tally.steps,
              tally.prefillTokens,
              tally.outputTokens,
              tally.prefixHitTokens,
              policy.violations(),
              faults.observerFaults());
      if (log != null) {
        log.gauges(stats);
      }
      return stats;
    } finally {
      exit(before);
    }
  }

  /**
   * Returns what a policy sees of this instance, for tests and tools. To be read on the scheduler's
   * thread, and valid until the next call that changes anything.
   *
   * @return the view
   */
  public BatchView view() {
    return sequences;
  }

  /**
   * Explains where a request stands, what its last admission attempt was answered and what the
   * policy says about it. Changes nothing.
   *
   * @param handle the request
   * @return the explanation
   * @throws IllegalArgumentException if the handle is unknown or over
   */
  public Explanation explain(long handle) {
    Inside before = enter();
    try {
      int s = sequences.find(handle);
      if (s == NONE || sequences.isFinished(s)) {
        throw new IllegalArgumentException("handle " + handle + " is unknown or over");
      }
      int ahead = 0;
      if (sequences.isQueued(s)) {
        int other = sequences.firstWaiting();
        while (other != s) {
          ahead++;
          other = sequences.nextWaiting(other);
        }
      }
      return new Explanation(
          sequences.requestOf(s).id(),
          sequences.state(s),
          ahead,
          sequences.isQueued(s) ? sequences.refusal[s] : DraftOutcome.DONE,
          sequences.needTokens(s),
          sequences.blocksFor(sequences.known(s)),
          sequences.heldBlocks(s),
          pool.availableBlocks(),
          sequences.freeSlots(),
          sequences.preempted[s],
          policy.id(),
          policy.explain(s));
    } finally {
      exit(before);
    }
  }

  // ---- confinement

  /** Sets the clock for a call that may change something. */
  private void tick(long nowNanos) {
    sequences.nowNanos = nowNanos;
    faults.nowNanos = nowNanos;
    allowedRepetitions = 0;
  }

  /** Enters a call and returns who was inside before, to be given to {@link #exit}. */
  private Inside enter() {
    Thread current = Thread.currentThread();
    if (thread.compareAndSet(null, current)) {
      inside = Inside.CALL;
      return Inside.NOBODY;
    }
    Thread other = thread.get();
    if (other != current) {
      throw new IllegalStateException(
          "a scheduler is confined to one thread at a time, but thread '"
              + current.getName()
              + "' called while thread '"
              + (other == null ? "unknown" : other.getName())
              + "' was inside");
    }
    if (inside != Inside.EVENTS) {
      throw new IllegalStateException(
          "a scheduler must not be called by what it calls itself (a policy, listener or log), but"
              + " thread '"
              + current.getName()
              + "' did");
    }
    inside = Inside.CALL;
    return Inside.EVENTS;
  }

  /** Enters a call that changes nothing, which whoever is called by the scheduler may make too. */
  private Inside enterToRead() {
    return thread.get() == Thread.currentThread() ? inside : enter();
  }

  private void exit(Inside before) {
    inside = before;
    if (before == Inside.NOBODY) {
      if (log != null && isIdle()) {
        log.atRest();
      }
      thread.setRelease(null);
    }
  }

  private static void refuseInEvents(Inside before, String call) {
    if (before == Inside.EVENTS) {
      throw new IllegalStateException(call + " must not be called from within events");
    }
  }

  /** Collects the parts of a scheduler; not thread-safe. */
  public static final class Builder {
    private @Nullable BatchingPolicy<?> policy;
    private @Nullable String policyText;
    private @Nullable PolicyRegistry registry;
    private Limits limits = Limits.of(256, Integer.MAX_VALUE);
    private @Nullable KvBlockPool pool;
    private int depth = 1;
    private boolean strict;
    private int maxFaults = DEFAULT_MAX_FAULTS;
    private int maxRetries = DEFAULT_MAX_RETRIES;
    private long leaseNanos = DEFAULT_LEASE_NANOS;
    private int maxPinnedBlocks = Integer.MAX_VALUE;
    private boolean recomputeIncoming;
    private boolean sharedAcrossTenants;
    private int rememberedTenants = DEFAULT_REMEMBERED_TENANTS;
    private @Nullable RandomSource random;
    private RuntimeListener listener = RuntimeListener.NONE;
    private @Nullable Prediction<?> predictions;
    private @Nullable DecisionLog log;
    private String logName = "";
    private @Nullable KvEventSink kvEvents;

    private Builder() {}

    /**
     * Sets the policy.
     *
     * @param object any policy; it may serve other schedulers too
     * @return this builder
     */
    public Builder policy(BatchingPolicy<?> object) {
      policy = Check.notNull("policy", object);
      return this;
    }

    /**
     * Sets the policy by name, found among the policies on the class or module path.
     *
     * @param text such as {@code sarathi-serve:tokenBudget=512}
     * @return this builder
     */
    public Builder policy(String text) {
      policyText = Check.notNull("policy", text);
      return this;
    }

    /**
     * Sets the policy by name, found in the given registry.
     *
     * @param text such as {@code vtc}
     * @param policies where to look
     * @return this builder
     */
    public Builder policy(String text, PolicyRegistry policies) {
      registry = Check.notNull("registry", policies);
      return policy(text);
    }

    /**
     * Sets what the engine can take; 256 sequences and no token limit by default.
     *
     * @param value the limits
     * @return this builder
     */
    public Builder limits(Limits value) {
      limits = Check.notNull("limits", value);
      return this;
    }

    /**
     * Sets the KV pool, which belongs to this scheduler alone from now on.
     *
     * @param value a paged or an accounted pool
     * @return this builder
     */
    public Builder pool(KvBlockPool value) {
      pool = Check.notNull("pool", value);
      return this;
    }

    /**
     * Sets how many plans may be in flight; 1 by default.
     *
     * @param plans 1 for a synchronous engine, 2 to plan one step ahead; at most 8
     * @return this builder
     */
    public Builder depth(int plans) {
      depth = (int) Check.range("depth", plans, 1, 8, "plans");
      return this;
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
     * @param faults at least 1; {@value EngineScheduler#DEFAULT_MAX_FAULTS} by default
     * @return this builder
     */
    public Builder maxFaults(int faults) {
      maxFaults = (int) Check.atLeast("maxFaults", faults, 1, "fault");
      return this;
    }

    /**
     * Sets how often a request is computed again after a failure before it ends as FAILED.
     *
     * @param retries at least 0; {@value EngineScheduler#DEFAULT_MAX_RETRIES} by default
     * @return this builder
     */
    public Builder maxRetries(int retries) {
      maxRetries = (int) Check.atLeast("maxRetries", retries, 0, "retries");
      return this;
    }

    /**
     * Sets how long a hand-over or a reservation may take before it counts as failed.
     *
     * @param nanos at least 1; 30 s by default
     * @return this builder
     */
    public Builder leaseNanos(long nanos) {
      leaseNanos = Check.atLeast("leaseNanos", nanos, 1, "ns");
      return this;
    }

    /**
     * Sets how many blocks of handed-over requests may be pinned before no further prefill-only
     * request starts.
     *
     * @param blocks at least 1; no bound by default
     * @return this builder
     */
    public Builder maxPinnedBlocks(int blocks) {
      maxPinnedBlocks = (int) Check.atLeast("maxPinnedBlocks", blocks, 1, "block");
      return this;
    }

    /**
     * Keeps what arrived of a failed transfer and computes the rest here, instead of giving
     * everything back.
     *
     * @return this builder
     */
    public Builder recomputeIncoming() {
      recomputeIncoming = true;
      return this;
    }

    /**
     * Lets tenants share cached prefixes. By default they never do.
     *
     * @return this builder
     */
    public Builder shareCacheAcrossTenants() {
      sharedAcrossTenants = true;
      return this;
    }

    /**
     * Sets how many tenants are remembered while they have no live request.
     *
     * @param count at least 1; {@value EngineScheduler#DEFAULT_REMEMBERED_TENANTS} by default
     * @return this builder
     */
    public Builder rememberedTenants(int count) {
      rememberedTenants = (int) Check.atLeast("rememberedTenants", count, 1, "tenant");
      return this;
    }

    /**
     * Sets the randomness that policies see; seed 0 by default.
     *
     * @param source owned by this scheduler from now on
     * @return this builder
     */
    public Builder random(RandomSource source) {
      random = Check.notNull("random", source);
      return this;
    }

    /**
     * Sets who is told what happens; nobody by default.
     *
     * @param value the listener
     * @return this builder
     */
    public Builder listener(RuntimeListener value) {
      listener = Check.notNull("listener", value);
      return this;
    }

    /**
     * Sets a predictor of output lengths with fresh state.
     *
     * @param predictor the predictor
     * @return this builder
     */
    public Builder predictor(LengthPredictor<?> predictor) {
      predictions = new Prediction<>(Check.notNull("predictor", predictor), null);
      return this;
    }

    /**
     * Sets a predictor of output lengths whose state the caller keeps, for instance to share it
     * between instances.
     *
     * @param predictor the predictor
     * @param state its state, used on this scheduler's thread
     * @param <S> type of the state
     * @return this builder
     */
    public <S> Builder predictor(LengthPredictor<S> predictor, S state) {
      predictions =
          new Prediction<>(Check.notNull("predictor", predictor), Check.notNull("state", state));
      return this;
    }

    /**
     * Records every decision.
     *
     * @param value where to write
     * @return this builder
     */
    public Builder log(DecisionLog value) {
      return log("", value);
    }

    /**
     * Records every decision in a log that several schedulers write to.
     *
     * @param on name of this scheduler, put into every record
     * @param value where to write
     * @return this builder
     */
    public Builder log(String on, DecisionLog value) {
      logName = Check.notNull("on", on);
      log = Check.notNull("log", value);
      return this;
    }

    /**
     * Passes on what becomes matchable in the pool or ceases to be, for a router's prefix index.
     * The pool must have been made to record events. Without a sink and a log they stay in the pool
     * for its owner to drain.
     *
     * @param value told within {@code next}, {@code complete} and {@code fail}; must not call the
     *     scheduler
     * @return this builder
     */
    public Builder kvEvents(KvEventSink value) {
      kvEvents = Check.notNull("kvEvents", value);
      return this;
    }

    /**
     * Makes the scheduler. The builder may be used again, with another pool.
     *
     * @return a new scheduler without requests
     * @throws IllegalStateException if policy or pool is missing
     * @throws IllegalArgumentException if the policy's name or an argument is unknown, or the pool
     *     is another scheduler's
     */
    public EngineScheduler build() {
      BatchingPolicy<?> chosen = policy;
      String text = policyText;
      if (chosen == null) {
        if (text == null) {
          throw new IllegalStateException(
              "a policy is missing; call policy(\"vllm-v1\") or policy(object)");
        }
        PolicyRegistry known =
            registry == null
                ? PolicyRegistry.discover(EngineScheduler.class.getClassLoader())
                : registry;
        chosen = (BatchingPolicy<?>) known.create(Decision.BATCHING, text, BatchingPolicy.class);
      }
      KvBlockPool memory = pool;
      if (memory == null) {
        throw new IllegalStateException(
            "a pool is missing; call pool(...) with a paged or an accounted one");
      }
      if (memory.mode() == KvMode.REMOTE) {
        throw new IllegalArgumentException(
            "pool must be paged or accounted, but its mode is REMOTE: another scheduler owns it");
      }
      return new EngineScheduler(this, chosen, memory);
    }

    /** A predictor with the state its caller keeps, or with fresh state for every scheduler. */
    private record Prediction<S>(LengthPredictor<S> predictor, @Nullable S state) {
      Predictions<S> bind(Faults faults) {
        return new Predictions<>(predictor, state == null ? predictor.newState() : state, faults);
      }
    }
  }
}
