package io.headway.runtime;

import io.headway.api.Decision;
import io.headway.api.Experimental;
import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.WorkKind;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.api.prediction.LengthPredictor;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * naming both threads. A call that throws has changed nothing. In guard mode (the default) a policy
 * that throws or breaks a rule is replaced by a built-in one for that decision, and for good after
 * three faults; in strict mode the violation is thrown.
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

  /** Replanning in one call after decisions that only preempted or refused. */
  private static final int MAX_EMPTY_ROUNDS = 1_000_000;

  private static final Logger LOG = LoggerFactory.getLogger(EngineScheduler.class);
  private static final int NONE = Sequences.NONE;

  private final Limits limits;
  private final KvBlockPool pool;
  private final int blockTokens;
  private final int depth;
  private final boolean strict;
  private final int maxFaults;
  private final int maxRetries;
  private final long leaseNanos;
  private final boolean recomputeIncoming;
  private final boolean sharedAcrossTenants;
  private final RuntimeListener listener;
  private final @Nullable Predictions<?> predictions;
  private final @Nullable EngineLog log;

  private final Sequences sequences;
  private final Tenants tenants;
  private final Adapters adapters;
  private final EventQueue events = new EventQueue();
  private final TimerHeap deadlines = new TimerHeap();
  private final TimerHeap leases = new TimerHeap();
  private final Map<String, Integer> ids = new HashMap<>();
  private final Draft draft;
  private final BoundPolicy<?> custom;
  private final BoundPolicy<?> guard = new BoundPolicy<>(new GuardPolicy());
  private final AtomicReference<@Nullable Thread> inside = new AtomicReference<>();

  private final BatchPlan[] ring;
  private final BatchPlan empty;
  private int oldest;
  private int flying;
  private long nextStep;

  private boolean inEvents;
  private boolean policyOff;
  private @Nullable PolicyViolationException pendingFault;
  private long violations;
  private long lastWarnNanos = Long.MIN_VALUE;
  private @Nullable DrainMode draining;
  private boolean closed;
  private long accepted;
  private long ended;
  private long preemptions;
  private long steps;
  private long prefillTokens;
  private long outputTokens;
  private long prefixHitTokens;
  private long lastEndNanos;
  private long meanEndGapNanos;

  private EngineScheduler(Builder b, BatchingPolicy<?> policy, KvBlockPool pool) {
    limits = b.limits;
    this.pool = pool;
    blockTokens = pool.geometry().groups().get(0).blockTokens();
    depth = b.depth;
    strict = b.strict;
    maxFaults = b.maxFaults;
    maxRetries = b.maxRetries;
    leaseNanos = b.leaseNanos;
    recomputeIncoming = b.recomputeIncoming;
    sharedAcrossTenants = b.sharedAcrossTenants;
    listener = b.listener;
    predictions = b.predictions;
    tenants = new Tenants(b.rememberedTenants);
    adapters = new Adapters(limits.maxAdapters());
    RandomSource random = b.random;
    sequences =
        new Sequences(
            limits,
            pool,
            random,
            tenants,
            predictions == null ? RemainingTokens.DECLARED : predictions);
    custom = new BoundPolicy<>(policy);
    draft =
        new Draft(
            sequences,
            events,
            adapters,
            new Draft.Observer() {
              @Override
              public void admitted(int sequence, int cachedTokens) {
                active().onAdmitted(sequences, sequence, cachedTokens);
              }

              @Override
              public void preempting(int sequence) {
                active().onPreempted(sequences, sequence);
              }

              @Override
              public void queued(int sequence) {
                active().onQueued(sequences, sequence);
              }
            },
            b.maxPinnedBlocks,
            pool.newKeys(PrefixAttributes.NONE));
    ring = new BatchPlan[depth];
    for (int i = 0; i < depth; i++) {
      ring[i] = new BatchPlan(pool);
    }
    empty = new BatchPlan(pool);
    DecisionLog decisions = b.log;
    log = decisions == null ? null : new EngineLog(decisions, sequences, pool, limits, policy.id());
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
   */
  public SubmitResult submit(Request request, long nowNanos) {
    return submit(request, false, nowNanos);
  }

  /**
   * Takes a request of which only the prompt and the first token are computed here. Then a {@code
   * handOver} event is raised and its blocks stay pinned until {@link #handOverDone} or {@link
   * #handOverFailed}, or until the lease expires.
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
    enter();
    try {
      sequences.nowNanos = nowNanos;
      SubmitResult refused = refuse(request);
      if (refused != null) {
        if (log != null) {
          log.rejected(request, refused.kind(), nowNanos);
        }
        return refused;
      }
      int s = open(request);
      sequences.handsOver[s] = handsOver;
      sequences.setState(s, SequenceState.WAITING);
      sequences.enqueueByArrival(s);
      if (log != null) {
        log.arrived(s, nowNanos);
      }
      notifyQueued(s);
      long handle = sequences.handle(s);
      listener.accepted(handle, nowNanos);
      return new SubmitResult(SubmitResult.Kind.ACCEPTED, handle, 0);
    } finally {
      exit();
    }
  }

  private @Nullable SubmitResult refuse(Request request) {
    if (draining != null || closed) {
      return SubmitResult.DRAINING;
    }
    if (ids.containsKey(request.id())) {
      return SubmitResult.DUPLICATE_ID;
    }
    if (pool.footprint().peakBlocks(0, request.maxKvTokens()) > pool.usableBlocks()
        || !policyCanServe(request)) {
      return SubmitResult.NEVER_FITS;
    }
    if (sequences.waitingCount() >= limits.maxWaiting()) {
      return new SubmitResult(SubmitResult.Kind.QUEUE_FULL, -1, meanEndGapNanos);
    }
    return null;
  }

  private boolean policyCanServe(Request request) {
    try {
      return active().canServe(sequences, request);
    } catch (RuntimeException e) {
      policyFault(e);
      return true;
    }
  }

  private int open(Request request) {
    int forgotten = tenants.wouldForget(request.tenant());
    if (forgotten != -1) {
      try {
        active().onTenantForgotten(forgotten);
      } catch (RuntimeException e) {
        policyFault(e);
      }
    }
    int s = sequences.open(request, tenants.acquire(request.tenant()), chainOf(request));
    ids.put(request.id(), s);
    accepted++;
    if (request.hasDeadline()) {
      deadlines.prune(sequences, sequences.live());
      deadlines.add(request.deadlineNanos(), sequences.handle(s));
    }
    return s;
  }

  private @Nullable BlockKeyChain chainOf(Request request) {
    if (pool.mode() != KvMode.PAGED || (!request.hasTokenIds() && request.blockKeyCount() == 0)) {
      return null;
    }
    PrefixAttributes attributes =
        new PrefixAttributes(
            request.adapter(),
            request.cacheSalt(),
            sharedAcrossTenants ? "" : request.tenant(),
            "",
            java.util.List.of(),
            java.util.List.of());
    if (request.hasTokenIds()) {
      BlockKeyChain chain = pool.newKeys(attributes);
      for (int i = 0; i < request.promptTokens(); i++) {
        chain.append(request.tokenId(i));
      }
      return chain;
    }
    int blocks = Math.min(request.blockKeyCount(), request.promptTokens() / blockTokens);
    long[] keys = new long[blocks];
    for (int i = 0; i < blocks; i++) {
      keys[i] = request.blockKey(i);
    }
    return BlockKeyChain.precomputed(keys, 1, blockTokens, attributes);
  }

  /**
   * Cancels a request. From this call on no further plan mentions it and none of its tokens is
   * delivered; its memory is released when the last plan in flight that mentions it has completed.
   *
   * @param handle the request
   * @param nowNanos caller's clock
   * @return false if it is unknown or already over
   */
  public boolean cancel(long handle, long nowNanos) {
    enter();
    try {
      sequences.nowNanos = nowNanos;
      int s = sequences.find(handle);
      if (s == NONE || sequences.isFinished(s)) {
        return false;
      }
      end(s, End.CANCELLED, "");
      return true;
    } finally {
      exit();
    }
  }

  /**
   * Finds the handle of a live request.
   *
   * @param requestId its id
   * @return the handle, or -1 if no such request is live
   */
  public long handleOf(String requestId) {
    Integer s = ids.get(Check.notNull("requestId", requestId));
    return s == null ? -1 : sequences.handle(s);
  }

  /**
   * Returns the request behind a handle.
   *
   * @param handle from {@link #submit}, an event or a plan
   * @return the request
   * @throws IllegalArgumentException if the handle is unknown or its memory was released
   */
  public Request request(long handle) {
    int s = sequences.find(handle);
    if (s == NONE) {
      throw new IllegalArgumentException("handle " + handle + " is unknown or over");
    }
    return sequences.requestOf(s);
  }

  // ---- the loop

  /**
   * Returns whether {@link #next} may be called: fewer plans are in flight than the depth.
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
   *     call, if there is nothing to do
   * @throws IllegalStateException if as many plans are in flight as the depth allows
   * @throws PolicyViolationException in strict mode, if the policy broke a rule; nothing has
   *     changed then
   */
  public BatchPlan next(long nowNanos) {
    enter();
    try {
      refuseInEvents("next");
      if (!canPlan()) {
        throw new IllegalStateException(
            closed
                ? "the scheduler is closed"
                : "next needs fewer than depth = "
                    + depth
                    + " plans in flight, but "
                    + flying
                    + " are; complete one first");
      }
      throwPendingFault();
      sequences.nowNanos = nowNanos;
      expire(nowNanos);
      BatchPlan plan = ring[(oldest + flying) % depth];
      for (int round = 0; round < MAX_EMPTY_ROUNDS; round++) {
        boolean changed = decide(plan, nowNanos);
        if (!plan.isEmpty()) {
          plan.finish(nextStep++, plan.paddedRows(), plan.paddingTokens());
          flying++;
          listener.planned(plan.stepId(), plan.rows(), plan.tokens());
          return plan;
        }
        if (!changed) {
          break;
        }
      }
      empty.begin();
      empty.wakeAt(wakeAtNanos());
      return empty;
    } finally {
      exit();
    }
  }

  /** Drafts and commits one decision; returns whether it changed anything. */
  private boolean decide(BatchPlan plan, long nowNanos) {
    BoundPolicy<?> policy = active();
    draft.begin(policy.id());
    try {
      policy.plan(sequences, draft);
      if (policy == custom && stalls(policy)) {
        throw new PolicyViolationException(
            policy.id(),
            Invariant.INV_23,
            oldestRunnable(),
            "nothing is in flight and nothing was planned, yet requests wait; plan one or say when to be asked again");
      }
    } catch (RuntimeException e) {
      draft.rollback();
      PolicyViolationException fault = policyFault(e);
      if (strict) {
        pendingFault = null;
        throw fault;
      }
      draft.begin(guard.id());
      boolean wasOff = policyOff;
      policyOff = true;
      try {
        guard.plan(sequences, draft);
      } finally {
        policyOff = wasOff;
      }
      if (!wasOff) {
        replay();
      }
    }
    if (log != null) {
      log.decided(draft, nextStep, nowNanos);
    }
    boolean changed = draft.changedAnything();
    preemptions += draft.preemptions();
    draft.commit(plan, nextStep);
    if (log != null) {
      log.committed(draft, plan, nowNanos);
    }
    for (int i = 0; i < draft.steps(); i++) {
      int s = draft.preemptedBy(i);
      if (s != NONE) {
        listener.preempted(sequences.handle(s), sequences.preempted[s]);
      }
    }
    for (int i = 0; i < draft.admittedCount(); i++) {
      int s = draft.admitted(i);
      if (sequences.preempted[s] == 0) {
        prefixHitTokens += pool.hitTokens(sequences.owners[s]);
      }
      listener.started(
          sequences.handle(s),
          nowNanos - sequences.arrival[s],
          pool.hitTokens(sequences.owners[s]));
    }
    for (int i = 0; i < draft.steps(); i++) {
      int s = draft.refusedBy(i);
      if (s != NONE) {
        finish(s, End.NEVER_FITS, "");
      }
    }
    return changed;
  }

  private boolean stalls(BoundPolicy<?> policy) {
    return flying == 0
        && !draft.changedAnything()
        && sequences.transferring() == 0
        && (sequences.waitingCount() > 0 || sequences.runningCount() > 0)
        && policy.wakeAtNanos(sequences) == Long.MAX_VALUE
        && deadlines.earliest() == Long.MAX_VALUE;
  }

  private String oldestRunnable() {
    int oldestSequence = sequences.firstWaiting();
    for (int i = 0; i < sequences.runningCount(); i++) {
      int s = sequences.running(i);
      if (oldestSequence == NONE || sequences.compareArrival(s, oldestSequence) < 0) {
        oldestSequence = s;
      }
    }
    return oldestSequence == NONE ? "" : sequences.requestOf(oldestSequence).id();
  }

  private long wakeAtNanos() {
    long wake = Math.min(deadlines.earliest(), leases.earliest());
    try {
      return Math.min(wake, active().wakeAtNanos(sequences));
    } catch (RuntimeException e) {
      policyFault(e);
      return wake;
    }
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
   * @param result what every repetition reports
   * @param repetitions at most what {@link #repeatable} allowed
   * @param nowNanos caller's clock after the last repetition
   * @throws IllegalStateException as {@link #complete}
   */
  @Experimental
  public void completeRepeated(StepResult result, int repetitions, long nowNanos) {
    Check.notNull("result", result);
    enter();
    try {
      refuseInEvents("complete");
      BatchPlan plan = oldestPlan(result.stepId());
      checkTokens(plan, result);
      sequences.nowNanos = nowNanos;
      oldest = (oldest + 1) % depth;
      flying--;
      expire(nowNanos);
      if (repetitions > 0) {
        repeat(plan, repetitions);
      }
      long delivered = outputTokens;
      for (int i = 0; i < plan.rows(); i++) {
        completeRow(plan, result, i, repetitions);
      }
      steps += 1 + repetitions;
      nextStep += repetitions;
      if (log != null) {
        log.completed(nowNanos);
      }
      listener.completed(plan.stepId(), result.elapsedNanos(), (int) (outputTokens - delivered));
    } finally {
      exit();
    }
  }

  /**
   * Takes the loss of a whole plan: every row is rolled back and computed again, at most as often
   * as retries are allowed, then ends as FAILED. Plans still in flight become void, but each must
   * still be completed or failed.
   *
   * @param stepId the oldest plan in flight
   * @param cause what happened
   * @param nowNanos caller's clock
   * @throws IllegalStateException if it is not the oldest plan in flight; nothing has changed then
   */
  public void fail(long stepId, Throwable cause, long nowNanos) {
    Check.notNull("cause", cause);
    enter();
    try {
      refuseInEvents("fail");
      BatchPlan plan = oldestPlan(stepId);
      sequences.nowNanos = nowNanos;
      oldest = (oldest + 1) % depth;
      flying--;
      expire(nowNanos);
      for (int i = 0; i < flying; i++) {
        ring[(oldest + i) % depth].voided = true;
      }
      boolean wasVoid = plan.voided;
      for (int i = 0; i < plan.rows(); i++) {
        int s = plan.sequences[i];
        sequences.inFlight[s]--;
        if (sequences.afterFlight[s] != Sequences.STAY) {
          landed(s);
        } else if (wasVoid) {
          rollBackRow(plan, i);
        } else {
          failRow(s, cause);
        }
      }
      warn(nowNanos, "a step failed and is computed again: " + cause);
    } finally {
      exit();
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

  private static void checkTokens(BatchPlan plan, StepResult result) {
    if (result.rows() != plan.rows()) {
      throw new IllegalStateException(
          "the result must have the plan's "
              + plan.rows()
              + " rows, but has "
              + result.rows()
              + "; call begin(plan) first");
    }
    for (int i = 0; i < plan.rows(); i++) {
      if (plan.emits(i)
          && result.tokenCount(i) == 0
          && result.failure(i) == null
          && plan.kind(i) != WorkKind.VERIFY) {
        throw new IllegalStateException(
            "row "
                + i
                + " of step "
                + plan.stepId()
                + " emits a token, but none was reported; call token or rowFailed");
      }
    }
  }

  private void completeRow(BatchPlan plan, StepResult result, int row, int repetitions) {
    int s = plan.sequences[row];
    Sequences q = sequences;
    q.inFlight[s]--;
    result.deliverNothing(row);
    if (q.afterFlight[s] != Sequences.STAY) {
      landed(s);
      return;
    }
    if (plan.voided) {
      rollBackRow(plan, row);
      return;
    }
    Throwable failure = result.failure(row);
    if (failure != null) {
      failRow(s, failure);
      warn(q.nowNanos, "a row failed and is computed again: " + failure);
      return;
    }
    int prefill = 0;
    int output = 0;
    int end = plan.start(row) + plan.count(row);
    WorkKind kind = plan.kind(row);
    if (kind == WorkKind.VERIFY) {
      q.verifying[s] = false;
      output = result.reported(row);
      end = plan.start(row) + output;
      q.computed[s] = end;
      pool.truncate(q.owners[s], end);
      q.writable[s] = pool.writableTokens(q.owners[s]);
    } else if (plan.emits(row)) {
      q.outstanding[s]--;
      output = 1 + repetitions;
      end += repetitions;
    }
    if (kind == WorkKind.PREFILL) {
      prefill = plan.count(row);
      prefillTokens += prefill;
    }
    q.generated[s] += output;
    BlockKeyChain chain = q.keys[s];
    if (chain != null) {
      publish(s, chain, result, row, output, end);
    }
    int shown = Math.max(0, output - q.suppressed[s]);
    if (q.suppressed[s] > 0) {
      q.suppressed[s] -= output - shown;
    }
    outputTokens += shown;
    result.deliver(row, shown);
    if (log != null && shown > 0) {
      log.output(plan, s, shown, q.generated[s] - shown, q.nowNanos);
    }
    notifyServed(s, prefill, output);
    if (output > 0 && result.stopped(row)) {
      end(s, End.STOPPED, "");
    } else if (q.generated[s] >= q.maxNew[s]) {
      end(s, End.LENGTH, "");
    } else if (q.handsOver[s] && output > 0) {
      startHandOver(s);
    }
  }

  private void publish(
      int s, BlockKeyChain chain, StepResult result, int row, int output, int end) {
    int known = end;
    if (chain.hasTokens()) {
      for (int i = 0; i < output; i++) {
        chain.append(result.tokenAt(row, i));
      }
      known = Math.min(end, chain.tokenCount());
    } else {
      known = Math.min(end, chain.blockCount() * blockTokens);
    }
    int full = known - known % blockTokens;
    if (full > sequences.published[s]) {
      pool.publish(sequences.owners[s], full);
      sequences.published[s] = full;
      // A published block is never written again, but the tail of the table is as writable as
      // before.
      sequences.writable[s] = pool.writableTokens(sequences.owners[s]);
    }
  }

  /** Takes a row back whose plan became void though its own KV is sound. */
  private void rollBackRow(BatchPlan plan, int row) {
    int s = plan.sequences[row];
    if (plan.kind(row) == WorkKind.VERIFY) {
      sequences.verifying[s] = false;
    } else {
      sequences.computed[s] -= plan.count(row);
      if (plan.emits(row)) {
        sequences.outstanding[s]--;
      }
    }
  }

  private void failRow(int s, Throwable cause) {
    if (++sequences.failures[s] > maxRetries) {
      String message = cause.getMessage();
      end(
          s,
          End.FAILED,
          cause.getClass().getSimpleName() + (message == null ? "" : ": " + message));
      return;
    }
    sequences.afterFlight[s] = Sequences.REQUEUE;
    landed(s);
  }

  /** Does what was put off until no plan in flight mentions the sequence. */
  private void landed(int s) {
    if (sequences.inFlight[s] > 0) {
      return;
    }
    if (sequences.afterFlight[s] == Sequences.RELEASE) {
      releaseMemory(s);
      close(s);
      return;
    }
    notifyPreempted(s);
    if (log != null) {
      log.preempted(s, "recompute", sequences.nowNanos);
    }
    sequences.removeRunning(s);
    releaseMemory(s);
    sequences.afterFlight[s] = Sequences.STAY;
    sequences.verifying[s] = false;
    sequences.outstanding[s] = 0;
    sequences.computed[s] = 0;
    sequences.published[s] = 0;
    sequences.writable[s] = 0;
    sequences.preempted[s]++;
    preemptions++;
    sequences.setState(s, SequenceState.WAITING);
    sequences.enqueueHead(s);
    notifyQueued(s);
    listener.preempted(sequences.handle(s), sequences.preempted[s]);
  }

  // ---- ends

  /** Ends a live request now; its memory follows when no plan in flight mentions it. */
  private void end(int s, End why, String detail) {
    switch (sequences.state(s)) {
      case WAITING -> sequences.dequeue(s);
      case SWAPPED -> {
        sequences.dequeue(s);
        pool.release(sequences.owners[s], ReleaseOrder.DEEPEST_FIRST);
        sequences.owners[s] = KvPoolView.NO_OWNER;
      }
      case RUNNING -> sequences.removeRunning(s);
      case MIGRATING, FINISHED -> {}
    }
    boolean landing = sequences.isMigrating(s) && !sequences.handsOver[s] && why != End.FAILED;
    sequences.setState(s, SequenceState.FINISHED);
    if (landing) {
      // Bytes may still arrive: the blocks stay until the transport or the lease says otherwise.
      sequences.inFlight[s]++;
    }
    finish(s, why, detail);
  }

  /** Tells everyone that a request is over, once it is out of queue and running set. */
  private void finish(int s, End why, String detail) {
    long handle = sequences.handle(s);
    Request request = sequences.requestOf(s);
    int shown = sequences.generated[s];
    events.ended(handle, why, detail);
    ids.remove(request.id());
    ended++;
    long gap = sequences.nowNanos - lastEndNanos;
    lastEndNanos = sequences.nowNanos;
    meanEndGapNanos = ended == 1 ? 0 : meanEndGapNanos + (gap - meanEndGapNanos) / 16;
    try {
      active().onEnded(sequences, s, why);
    } catch (RuntimeException e) {
      policyFault(e);
    }
    if (predictions != null) {
      predictions.observe(request, shown, why != End.STOPPED && why != End.LENGTH);
    }
    if (log != null) {
      log.ended(s, why, sequences.nowNanos);
    }
    listener.ended(handle, why, shown);
    sequences.afterFlight[s] = Sequences.RELEASE;
    landed(s);
  }

  private void releaseMemory(int s) {
    long owner = sequences.owners[s];
    if (owner != KvPoolView.NO_OWNER) {
      if (log != null) {
        log.released(s, sequences.nowNanos);
      }
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      sequences.owners[s] = KvPoolView.NO_OWNER;
    }
    int slot = sequences.slots[s];
    if (slot != NONE) {
      sequences.freeSlot(s);
      adapters.remove(sequences.requestOf(s).adapter());
      events.released(slot, sequences.handle(s));
    }
  }

  private void close(int s) {
    tenants.release(sequences.tenant[s]);
    sequences.close(s);
  }

  private void expire(long nowNanos) {
    while (deadlines.isDue(nowNanos)) {
      int s = sequences.find(deadlines.poll());
      if (s != NONE && !sequences.isFinished(s)) {
        end(s, End.EXPIRED, "");
      }
    }
    while (leases.isDue(nowNanos)) {
      int s = sequences.find(leases.poll());
      if (s == NONE) {
        continue;
      }
      if (sequences.isMigrating(s)) {
        end(s, End.FAILED, "the transfer did not end within its lease");
        if (sequences.find(sequences.handle(s)) == s && sequences.isFinished(s)) {
          settle(s);
        }
      } else if (sequences.isFinished(s)) {
        settle(s);
      }
    }
  }

  /** Ends the wait for bytes of a reservation that is over. */
  private void settle(int s) {
    if (sequences.requests[s] != null && sequences.isFinished(s) && sequences.inFlight[s] > 0) {
      sequences.inFlight[s]--;
      landed(s);
    }
  }

  // ---- events, draining

  /**
   * Hands over what happened since the last call.
   *
   * @param sink told in order; may call {@code submit} and {@code cancel}
   */
  public void events(EngineEvents sink) {
    Check.notNull("sink", sink);
    enter();
    try {
      refuseInEvents("events");
      inEvents = true;
    } finally {
      exit();
    }
    try {
      events.drain(sink);
    } finally {
      inEvents = false;
    }
  }

  /**
   * Brings the scheduler to rest: from now on every request is refused.
   *
   * @param mode what becomes of the accepted ones
   * @param nowNanos caller's clock
   */
  public void beginDrain(DrainMode mode, long nowNanos) {
    Check.notNull("mode", mode);
    enter();
    try {
      sequences.nowNanos = nowNanos;
      draining = mode;
      if (mode == DrainMode.FINISH_ALL) {
        return;
      }
      while (sequences.firstWaiting() != NONE) {
        end(sequences.firstWaiting(), End.DRAINED, "");
      }
      if (mode == DrainMode.ABORT) {
        while (sequences.runningCount() > 0) {
          end(sequences.running(sequences.runningCount() - 1), End.DRAINED, "");
        }
        for (int slot = 0; slot < limits.maxSequences(); slot++) {
          int s = sequences.slotHolder(slot);
          if (s != NONE && sequences.isMigrating(s)) {
            end(s, End.DRAINED, "");
          }
        }
      }
    } finally {
      exit();
    }
  }

  /**
   * Returns whether nothing is left: no live request, no plan in flight, no block held but cached
   * ones.
   *
   * @return true if the engine may stop
   */
  public boolean isIdle() {
    return sequences.live() == 0 && flying == 0;
  }

  /**
   * Aborts whatever is live. Idempotent. Plans in flight may still be completed; nothing new is
   * accepted or planned.
   */
  @Override
  public void close() {
    if (!closed) {
      beginDrain(DrainMode.ABORT, sequences.nowNanos);
      closed = true;
    }
  }

  // ---- prefill/decode hand-over

  private void startHandOver(int s) {
    sequences.removeRunning(s);
    sequences.setState(s, SequenceState.MIGRATING);
    leases.prune(sequences, sequences.live());
    leases.add(saturatedAdd(sequences.nowNanos, leaseNanos), sequences.handle(s));
    events.handOver(sequences.handle(s), sequences.slots[s]);
    if (log != null) {
      log.transfer(s, "BEGIN", "out", "", sequences.nowNanos);
    }
  }

  /**
   * The KV of a handed-over request has arrived elsewhere: it ends as HANDED_OVER here.
   *
   * @param handle from the {@code handOver} event
   * @param nowNanos caller's clock
   * @return false if it is over already (cancelled, or its lease expired); nothing has changed then
   */
  public boolean handOverDone(long handle, long nowNanos) {
    return endHandOver(handle, End.HANDED_OVER, "", nowNanos);
  }

  /**
   * The KV of a handed-over request could not be copied: it ends as FAILED here and its blocks are
   * given back.
   *
   * @param handle from the {@code handOver} event
   * @param nowNanos caller's clock
   * @return false if it is over already
   */
  public boolean handOverFailed(long handle, long nowNanos) {
    return endHandOver(handle, End.FAILED, "the hand-over failed", nowNanos);
  }

  private boolean endHandOver(long handle, End why, String detail, long nowNanos) {
    enter();
    try {
      sequences.nowNanos = nowNanos;
      int s = sequences.find(handle);
      if (s == NONE || !sequences.isMigrating(s) || !sequences.handsOver[s]) {
        return false;
      }
      if (log != null) {
        log.transfer(s, "END", "out", why == End.HANDED_OVER ? "done" : "failed", nowNanos);
      }
      end(s, why, detail);
      return true;
    } finally {
      exit();
    }
  }

  /**
   * Reserves slot and blocks for a request whose prompt another instance has computed, before any
   * byte moves.
   *
   * @param request the request
   * @param nowNanos caller's clock
   * @return GRANTED with the handle here, LATER or NEVER
   * @throws IllegalArgumentException if a live request has the same id
   */
  public Reservation reserveIncoming(Request request, long nowNanos) {
    Check.notNull("request", request);
    enter();
    try {
      sequences.nowNanos = nowNanos;
      if (ids.containsKey(request.id())) {
        throw new IllegalArgumentException(
            "request id must not be live on this scheduler, but '" + request.id() + "' is");
      }
      if (pool.footprint().peakBlocks(0, request.maxKvTokens()) > pool.usableBlocks()) {
        return new Reservation(Reservation.Kind.NEVER, -1, -1, 0, 0);
      }
      if (draining != null
          || closed
          || sequences.freeSlots() == 0
          || !adapters.hasRoomFor(request.adapter())) {
        return new Reservation(Reservation.Kind.LATER, -1, -1, 0, 0);
      }
      long owner = pool.open(OwnerKind.SEQUENCE);
      KvOutcome outcome = pool.tryAllocate(owner, KvDemand.uncached(request.promptTokens()));
      if (!outcome.ok()) {
        pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
        return new Reservation(Reservation.Kind.LATER, -1, -1, outcome.shortfallBlocks(), 0);
      }
      int s = open(request);
      sequences.keys[s] = null;
      sequences.owners[s] = owner;
      sequences.writable[s] = pool.writableTokens(owner);
      sequences.setState(s, SequenceState.MIGRATING);
      sequences.takeLowestSlot(s);
      adapters.add(request.adapter());
      long handle = sequences.handle(s);
      long lease = saturatedAdd(nowNanos, leaseNanos);
      leases.prune(sequences, sequences.live());
      leases.add(lease, handle);
      events.granted(sequences.slots[s], handle);
      if (log != null) {
        log.arrived(s, nowNanos);
        log.transfer(s, "BEGIN", "in", "", nowNanos);
      }
      return new Reservation(
          Reservation.Kind.GRANTED, handle, sequences.slots[s], pool.blockCount(owner, 0), lease);
    } finally {
      exit();
    }
  }

  /**
   * All KV of a reserved request has arrived: it decodes here from now on, with one token generated
   * already.
   *
   * @param reservation from {@link #reserveIncoming}
   * @param firstToken the token its prefill emitted, which the caller has delivered
   * @param nowNanos caller's clock
   * @return false if the reservation is over (cancelled, or its lease expired); nothing runs then
   */
  public boolean incomingDone(Reservation reservation, int firstToken, long nowNanos) {
    enter();
    try {
      sequences.nowNanos = nowNanos;
      int s = sequences.find(reservation.handle());
      if (s == NONE || !sequences.isMigrating(s)) {
        if (s != NONE) {
          settle(s);
        }
        return false;
      }
      if (log != null) {
        log.transfer(s, "END", "in", "done", nowNanos);
      }
      sequences.computed[s] = sequences.prompt[s];
      sequences.generated[s] = 1;
      startIncoming(s);
      if (sequences.maxNew[s] == 1) {
        end(s, End.LENGTH, "");
      }
      return true;
    } finally {
      exit();
    }
  }

  /**
   * The KV of a reserved request arrived only in part. Depending on how the scheduler was built,
   * the whole blocks that arrived are kept and the rest of the prompt is computed here (its first
   * token is not delivered again), or everything is given back and the request ends as FAILED.
   *
   * @param reservation from {@link #reserveIncoming}
   * @param arrivedTokens leading tokens whose KV arrived, at least 0
   * @param nowNanos caller's clock
   * @return false if the reservation is over
   */
  public boolean incomingFailed(Reservation reservation, int arrivedTokens, long nowNanos) {
    Check.atLeast("arrivedTokens", arrivedTokens, 0, "token");
    enter();
    try {
      sequences.nowNanos = nowNanos;
      int s = sequences.find(reservation.handle());
      if (s == NONE || !sequences.isMigrating(s)) {
        if (s != NONE) {
          settle(s);
        }
        return false;
      }
      if (log != null) {
        log.transfer(s, "END", "in", "failed", nowNanos);
      }
      if (!recomputeIncoming) {
        end(s, End.FAILED, "the transfer failed after " + arrivedTokens + " tokens");
        return true;
      }
      int kept = Math.min(arrivedTokens, sequences.prompt[s] - 1);
      sequences.computed[s] = kept - kept % blockTokens;
      sequences.suppressed[s] = 1;
      startIncoming(s);
      return true;
    } finally {
      exit();
    }
  }

  private void startIncoming(int s) {
    sequences.setState(s, SequenceState.RUNNING);
    sequences.addRunning(s);
    notifyQueued(s);
    try {
      active().onAdmitted(sequences, s, sequences.computed[s]);
    } catch (RuntimeException e) {
      policyFault(e);
    }
  }

  // ---- repetition, for simulators

  /**
   * Returns how often the plan just handed out may be repeated as it is: the policy promises the
   * same decision, no request reaches its output cap, no deadline passes, and the pool can supply
   * the blocks.
   *
   * @param plan the only plan in flight
   * @param limit most repetitions wanted, at least 0
   * @return repetitions, 0 to {@code limit}
   */
  @Experimental
  public int repeatable(BatchPlan plan, int limit) {
    if (depth != 1
        || flying != 1
        || log != null
        || policyOff
        || limit <= 0
        || plan.paddingTokens() > 0
        || plan.moves() > 0) {
      return 0;
    }
    int repetitions = limit;
    for (int i = 0; i < plan.rows(); i++) {
      int s = plan.sequences[i];
      BlockKeyChain chain = sequences.keys[s];
      if (plan.kind(i) != WorkKind.DECODE
          || sequences.afterFlight[s] != Sequences.STAY
          || (chain != null && chain.hasTokens())) {
        return 0;
      }
      repetitions = Math.min(repetitions, sequences.maxNew[s] - sequences.generated[s] - 1);
    }
    if (repetitions <= 0
        || deadlines.earliest() != Long.MAX_VALUE
        || leases.earliest() != Long.MAX_VALUE) {
      return 0;
    }
    repetitions = Math.min(repetitions, custom.repeatableIterations(sequences));
    while (repetitions > 0 && blocksForRepeating(plan, repetitions) > pool.availableBlocks()) {
      repetitions /= 2;
    }
    return repetitions;
  }

  private int blocksForRepeating(BatchPlan plan, int repetitions) {
    long need = 0;
    for (int i = 0; i < plan.rows(); i++) {
      int s = plan.sequences[i];
      int length = sequences.computed[s] + repetitions;
      if (length > sequences.writable[s]) {
        need += Math.max(0, sequences.blocksFor(length) - sequences.heldBlocks(s));
      }
    }
    return (int) Math.min(Integer.MAX_VALUE, need);
  }

  /** Grows every row's table as the repetitions would have, one iteration after the other. */
  private void repeat(BatchPlan plan, int repetitions) {
    for (int k = 1; k <= repetitions; k++) {
      for (int i = 0; i < plan.rows(); i++) {
        int s = plan.sequences[i];
        if (sequences.computed[s] + k > sequences.writable[s]) {
          KvOutcome outcome = pool.growTo(sequences.owners[s], sequences.computed[s] + k);
          if (!outcome.ok()) {
            throw new IllegalStateException(
                "repetitions must be at most what repeatable allowed, but the pool answered "
                    + outcome);
          }
          sequences.writable[s] = pool.writableTokens(sequences.owners[s]);
        }
      }
    }
    for (int i = 0; i < plan.rows(); i++) {
      sequences.computed[plan.sequences[i]] += repetitions;
    }
  }

  // ---- the policy and its guard

  private BoundPolicy<?> active() {
    return policyOff ? guard : custom;
  }

  private void notifyQueued(int s) {
    try {
      active().onQueued(sequences, s);
    } catch (RuntimeException e) {
      policyFault(e);
    }
  }

  private void notifyPreempted(int s) {
    try {
      active().onPreempted(sequences, s);
    } catch (RuntimeException e) {
      policyFault(e);
    }
  }

  private void notifyServed(int s, int prefill, int output) {
    try {
      active().onServed(sequences, s, prefill, output);
    } catch (RuntimeException e) {
      policyFault(e);
    }
  }

  /**
   * Counts a fault of the policy, and builds its state anew from what is true. In strict mode a
   * fault outside {@link #next} is kept and thrown by the next call of it, so that the call in
   * which it happened still takes effect whole.
   */
  private PolicyViolationException policyFault(RuntimeException cause) {
    PolicyViolationException fault =
        cause instanceof PolicyViolationException violation
            ? violation
            : new PolicyViolationException(
                custom.id(), Invariant.INV_02, "", "the policy threw " + cause, cause);
    violations++;
    if (strict) {
      if (pendingFault == null) {
        pendingFault = fault;
      }
    } else {
      if (violations >= maxFaults) {
        policyOff = true;
      }
      warn(
          sequences.nowNanos,
          fault.getMessage()
              + (policyOff ? "; the policy stays off" : "; the built-in policy decides this once"));
      listener.guarded(violations, policyOff);
    }
    if (!policyOff) {
      replay();
    }
    return fault;
  }

  private void throwPendingFault() {
    PolicyViolationException fault = pendingFault;
    if (fault != null) {
      pendingFault = null;
      throw fault;
    }
  }

  /** Gives the policy fresh state and tells it of everyone who is here. */
  private void replay() {
    custom.reset();
    try {
      for (int s = sequences.firstWaiting(); s != NONE; s = sequences.nextWaiting(s)) {
        custom.onQueued(sequences, s);
      }
      for (int i = 0; i < sequences.runningCount(); i++) {
        int s = sequences.running(i);
        if (sequences.isRunning(s)) {
          custom.onQueued(sequences, s);
          custom.onAdmitted(sequences, s, sequences.computed[s]);
        }
      }
    } catch (RuntimeException e) {
      policyOff = !strict;
      LOG.warn("policy '{}' cannot be restarted and stays off: {}", custom.id(), e.toString());
    }
  }

  /**
   * Puts a policy that the guard switched off back into use, with fresh state.
   *
   * @param nowNanos caller's clock
   */
  public void enablePolicy(long nowNanos) {
    enter();
    try {
      sequences.nowNanos = nowNanos;
      violations = 0;
      policyOff = false;
      replay();
    } finally {
      exit();
    }
  }

  private void warn(long nowNanos, String message) {
    // One line a minute, by the caller's clock.
    if (lastWarnNanos == Long.MIN_VALUE || nowNanos - lastWarnNanos >= 60_000_000_000L) {
      lastWarnNanos = nowNanos;
      LOG.warn("{}", message);
    }
  }

  // ---- observation

  /**
   * Counts what is there now. Cost O(live).
   *
   * @return a new value
   */
  public EngineStats stats() {
    long waitingPrompt = 0;
    for (int s = sequences.firstWaiting(); s != NONE; s = sequences.nextWaiting(s)) {
      waitingPrompt += sequences.prompt[s] + sequences.generated[s] - sequences.computed[s];
    }
    long context = 0;
    for (int i = 0; i < sequences.runningCount(); i++) {
      context += sequences.computed[sequences.running(i)];
    }
    return new EngineStats(
        sequences.waitingCount(),
        sequences.runningCount(),
        sequences.swapped(),
        sequences.transferring(),
        flying,
        waitingPrompt,
        context,
        pool.usableBlocks() - pool.availableBlocks(),
        pool.count(KvTier.DEVICE, BlockState.CACHED),
        pool.usableBlocks(),
        blockTokens,
        adapters.distinct(),
        accepted,
        ended,
        preemptions,
        steps,
        prefillTokens,
        outputTokens,
        prefixHitTokens,
        violations);
  }

  /**
   * Returns what a policy sees of this instance, for tests and tools. Valid until the next call
   * that changes anything.
   *
   * @return the view
   */
  public BatchView view() {
    return sequences;
  }

  /**
   * Explains where a request stands and what its last admission attempt was answered. Changes
   * nothing.
   *
   * @param handle the request
   * @return the explanation
   * @throws IllegalArgumentException if the handle is unknown or over
   */
  public Explanation explain(long handle) {
    int s = sequences.find(handle);
    if (s == NONE || sequences.isFinished(s)) {
      throw new IllegalArgumentException("handle " + handle + " is unknown or over");
    }
    int ahead = 0;
    if (sequences.isQueued(s)) {
      for (int other = sequences.firstWaiting(); other != s; other = sequences.nextWaiting(other)) {
        ahead++;
      }
    }
    int known = sequences.prompt[s] + sequences.generated[s];
    return new Explanation(
        sequences.requestOf(s).id(),
        sequences.state(s),
        ahead,
        sequences.isQueued(s) ? sequences.refusal[s] : DraftOutcome.DONE,
        sequences.needTokens(s),
        sequences.blocksFor(known),
        sequences.heldBlocks(s),
        pool.availableBlocks(),
        sequences.freeSlots(),
        sequences.preempted[s],
        active().id());
  }

  // ---- confinement

  private void enter() {
    Thread current = Thread.currentThread();
    if (!inside.compareAndSet(null, current)) {
      Thread other = inside.get();
      throw new IllegalStateException(
          "a scheduler is confined to one thread at a time, but thread '"
              + current.getName()
              + "' called while thread '"
              + (other == null ? "unknown" : other.getName())
              + "' was inside");
    }
  }

  private void exit() {
    inside.set(null);
  }

  private void refuseInEvents(String call) {
    if (inEvents) {
      throw new IllegalStateException(
          call + " must not be called from within events; only submit and cancel may");
    }
  }

  private static long saturatedAdd(long a, long b) {
    long sum = a + b;
    return sum < a ? Long.MAX_VALUE : sum;
  }

  /** A predictor with its state. */
  private static final class Predictions<S> implements RemainingTokens {
    private final LengthPredictor<S> predictor;
    private final S state;
    private final io.headway.api.prediction.LengthEstimate estimate =
        new io.headway.api.prediction.LengthEstimate();

    Predictions(LengthPredictor<S> predictor, S state) {
      this.predictor = predictor;
      this.state = state;
    }

    @Override
    public boolean has(Request request, int generatedTokens) {
      predictor.estimate(state, request, generatedTokens, estimate);
      return estimate.hasTokens() || request.hasPredictedOutput();
    }

    @Override
    public int remaining(Request request, int generatedTokens) {
      predictor.estimate(state, request, generatedTokens, estimate);
      return estimate.hasTokens()
          ? estimate.wholeRemainingTokens()
          : DECLARED.remaining(request, generatedTokens);
    }

    void observe(Request request, int outputTokens, boolean censored) {
      predictor.observe(state, request, outputTokens, censored);
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
    private RandomSource random = RandomSource.seeded(0);
    private RuntimeListener listener = RuntimeListener.NONE;
    private @Nullable Predictions<?> predictions;
    private @Nullable DecisionLog log;

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
      return withFreshState(predictor);
    }

    private <S> Builder withFreshState(LengthPredictor<S> predictor) {
      return predictor(predictor, predictor.newState());
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
          new Predictions<>(Check.notNull("predictor", predictor), Check.notNull("state", state));
      return this;
    }

    /**
     * Records every decision.
     *
     * @param value where to write
     * @return this builder
     */
    public Builder log(DecisionLog value) {
      log = Check.notNull("log", value);
      return this;
    }

    /**
     * Makes the scheduler.
     *
     * @return a new scheduler without requests
     * @throws IllegalStateException if policy or pool is missing
     * @throws IllegalArgumentException if the policy's name or an argument is unknown
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
      return new EngineScheduler(this, chosen, memory);
    }
  }
}
