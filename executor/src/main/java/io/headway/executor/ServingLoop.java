package io.headway.executor;

import static java.util.Objects.requireNonNull;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMoveSink;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Reservation;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The loop of an engine: a scheduler decides, an executor computes, a sink gets the tokens. As many
 * plans are in flight as the scheduler's depth allows.
 *
 * <p>Keeps the tokens of every live request, since a preempted one is prepared anew in another
 * slot. A steady decode step allocates nothing. Confined to one thread at a time.
 */
public final class ServingLoop {
  private static final int MOST_IN_FLIGHT = 8;

  /** Receives what a loop produces, on its thread. */
  @ImplementedByUsers
  public interface Sink {
    /** Ignores everything but failures. */
    Sink NONE = new Sink() {};

    /**
     * One token of a request's output.
     *
     * @param handle the request
     * @param token its id
     * @param nowNanos when the step that yielded it was completed
     */
    default void token(long handle, int token, long nowNanos) {}

    /**
     * A request is over.
     *
     * @param handle the request
     * @param end why
     * @param detail more about a failure
     * @param nowNanos when
     */
    default void ended(long handle, End end, String detail, long nowNanos) {}

    /**
     * A step was executed. Called before its tokens are delivered.
     *
     * @param plan what was executed; borrowed
     * @param result what came of it; borrowed
     * @param elapsedNanos how long the executor took
     * @param nowNanos when it was completed
     */
    default void executed(BatchPlan plan, StepResult result, long elapsedNanos, long nowNanos) {}

    /**
     * The prompt of a request that was {@linkplain ServingLoop#submitPrefill submitted for prefill}
     * is computed; {@link ServingLoop#handOver} moves it.
     *
     * @param handle the request
     */
    default void handOver(long handle) {}

    /**
     * The executor refused or lost a step; its requests are computed again or end as FAILED. By
     * default the failure is thrown on.
     *
     * @param stepId the step
     * @param cause what the executor threw
     */
    default void stepFailed(long stepId, RuntimeException cause) {
      throw cause;
    }
  }

  private final EngineScheduler scheduler;
  private final KvBlockPool pool;
  private final Executor executor;
  private final LongSupplier clock;
  private final Sink sink;
  private final EngineEvents events = new Events();
  private @Nullable Job[] jobs = new Job[64];

  private final @Nullable BatchPlan[] plans = new BatchPlan[MOST_IN_FLIGHT];
  private final StepResult[] results = new StepResult[MOST_IN_FLIGHT];
  private final @Nullable RuntimeException[] failures = new RuntimeException[MOST_IN_FLIGHT];
  private int oldest;
  private int flying;
  private long wakeAtNanos = Long.MAX_VALUE;
  private long nowNanos;

  /** A live request and its tokens, prompt and output, by position. */
  private static final class Job {
    final long handle;
    final Request request;
    final SamplingParameters sampling;
    int[] tokens;
    int known;

    Job(long handle, Request request, SamplingParameters sampling, int[] tokens, int known) {
      this.handle = handle;
      this.request = request;
      this.sampling = sampling;
      this.tokens = tokens;
      this.known = known;
    }

    void put(int position, int token) {
      if (position >= tokens.length) {
        tokens = Arrays.copyOf(tokens, Math.max(position + 1, 2 * tokens.length));
      }
      tokens[position] = token;
      known = Math.max(known, position + 1);
    }
  }

  /**
   * Makes a loop.
   *
   * @param scheduler decides; nobody else may call it from now on but through this loop's thread
   * @param pool the scheduler's pool, of the executor's sizes
   * @param executor computes; not closed by this loop
   * @param clock nanoseconds, as {@link System#nanoTime} or virtual
   * @param sink gets the tokens
   */
  public ServingLoop(
      EngineScheduler scheduler,
      KvBlockPool pool,
      Executor executor,
      LongSupplier clock,
      Sink sink) {
    this.scheduler = requireNonNull(scheduler, "scheduler");
    this.pool = requireNonNull(pool, "pool");
    this.executor = requireNonNull(executor, "executor");
    this.clock = requireNonNull(clock, "clock");
    this.sink = requireNonNull(sink, "sink");
    Arrays.setAll(results, i -> new StepResult());
    int blockTokens = pool.geometry().groups().get(0).blockTokens();
    if (pool.geometry().groups().size() != 1 || blockTokens != executor.options().blockTokens()) {
      throw new IllegalArgumentException(
          "the pool must have one group of "
              + executor.options().blockTokens()
              + " tokens a block, as the executor, but has "
              + pool.geometry().groups());
    }
  }

  /**
   * Takes a request.
   *
   * @param request with token ids, without adapter
   * @param sampling how its tokens are chosen
   * @return the scheduler's answer
   * @throws IllegalArgumentException if the request has no token ids or names an adapter, or its
   *     longest sequence exceeds the model's context
   */
  public SubmitResult submit(Request request, SamplingParameters sampling) {
    requireRunnable(request);
    return accepted(scheduler.submit(request, clock.getAsLong()), request, sampling);
  }

  /**
   * Takes a request whose prompt is computed here and whose output elsewhere; see {@link
   * #handOver}.
   *
   * @param request as for {@link #submit}
   * @param sampling how its tokens are chosen
   * @return the scheduler's answer
   */
  public SubmitResult submitPrefill(Request request, SamplingParameters sampling) {
    requireRunnable(request);
    return accepted(scheduler.submitPrefill(request, clock.getAsLong()), request, sampling);
  }

  private void requireRunnable(Request request) {
    if (!request.hasTokenIds()) {
      throw new IllegalArgumentException(
          "request '" + request.id() + "' must have token ids to be executed");
    }
    if (!request.adapter().isEmpty()) {
      throw new IllegalArgumentException(
          "request '"
              + request.id()
              + "' must use the base model, but names the adapter '"
              + request.adapter()
              + "'");
    }
    if (request.maxKvTokens() > executor.shape().maxPositions()) {
      throw new IllegalArgumentException(
          "request '"
              + request.id()
              + "' must fit maxPositions = "
              + executor.shape().maxPositions()
              + " tokens of "
              + executor.shape().name()
              + ", but may reach "
              + request.maxKvTokens());
    }
  }

  private SubmitResult accepted(SubmitResult answer, Request request, SamplingParameters sampling) {
    if (answer.accepted()) {
      int prompt = request.promptTokens();
      int[] tokens = new int[prompt + Math.min(request.maxNewTokens(), 1024)];
      for (int i = 0; i < prompt; i++) {
        tokens[i] = request.tokenId(i);
      }
      add(new Job(answer.handle(), request, sampling, tokens, prompt));
    }
    return answer;
  }

  /**
   * Fills the pipeline with plans and completes the oldest one.
   *
   * @return false if there was nothing to execute: wait until {@link #wakeAtNanos} or for a request
   */
  public boolean step() {
    wakeAtNanos = Long.MAX_VALUE;
    while (scheduler.canPlan()) {
      nowNanos = clock.getAsLong();
      BatchPlan plan = scheduler.next(nowNanos);
      scheduler.events(events);
      if (plan.isEmpty()) {
        wakeAtNanos = plan.wakeAtNanos();
        break;
      }
      int at = (oldest + flying) % MOST_IN_FLIGHT;
      plans[at] = plan;
      failures[at] = null;
      flying++;
      try {
        executor.enqueue(plan, results[at]);
      } catch (RuntimeException e) {
        failures[at] = e;
      }
    }
    if (flying == 0) {
      return false;
    }
    completeOldest();
    return true;
  }

  private void completeOldest() {
    BatchPlan plan = requireNonNull(plans[oldest]);
    StepResult result = results[oldest];
    RuntimeException failure = failures[oldest];
    oldest = (oldest + 1) % MOST_IN_FLIGHT;
    flying--;
    if (failure == null) {
      try {
        executor.await(result);
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    nowNanos = clock.getAsLong();
    endTransfers(plan, failure == null);
    if (failure != null) {
      scheduler.fail(plan.stepId(), failure, nowNanos);
      scheduler.events(events);
      sink.stepFailed(plan.stepId(), failure);
      return;
    }
    scheduler.complete(result, nowNanos);
    sink.executed(plan, result, result.elapsedNanos(), nowNanos);
    for (int row = 0; row < plan.rows(); row++) {
      deliver(plan, result, row);
    }
    scheduler.events(events);
  }

  private void endTransfers(BatchPlan plan, boolean succeeded) {
    for (int m = 0; m < plan.moves(); m++) {
      if (plan.moveTransfer(m) != KvMoveSink.NO_TRANSFER) {
        pool.endTransfer(plan.moveTransfer(m), succeeded);
      }
    }
  }

  private void deliver(BatchPlan plan, StepResult result, int row) {
    Job job = find(plan.handle(row));
    if (job == null) {
      return;
    }
    boolean shown = result.deliver(row);
    int position =
        plan.kind(row) == WorkKind.VERIFY ? plan.start(row) + 1 : plan.start(row) + plan.count(row);
    for (int i = 0; i < result.tokenCount(row); i++) {
      int token = result.tokenAt(row, i);
      job.put(position + i, token);
      if (shown) {
        sink.token(job.handle, token, nowNanos);
      }
    }
  }

  /**
   * Cancels a request.
   *
   * @param handle the request
   * @return false if it is unknown or already over
   */
  public boolean cancel(long handle) {
    nowNanos = clock.getAsLong();
    return scheduler.cancel(handle, nowNanos);
  }

  /**
   * Moves a request whose prompt is computed to another instance, blocks and first token, where its
   * output goes on. Both loops are driven by the calling thread.
   *
   * @param handle named by {@link Sink#handOver}
   * @param target where it decodes
   * @param granted told the request's handle there, before anything is delivered for it
   * @return its reservation there; if it was not granted, the request waits here and may be handed
   *     over later
   * @throws IllegalArgumentException if the request is not live here
   */
  public Reservation handOver(long handle, ServingLoop target, LongConsumer granted) {
    Job job = find(handle);
    if (job == null) {
      throw new IllegalArgumentException("handle " + handle + " is unknown or over");
    }
    Reservation reservation = target.reserve(job);
    if (!reservation.granted()) {
      return reservation;
    }
    granted.accept(reservation.handle());
    int prompt = job.request.promptTokens();
    KvTransfer.copy(
        executor,
        scheduler.blocks(handle, 0),
        target.executor,
        target.scheduler.blocks(reservation.handle(), 0),
        prompt);
    target.nowNanos = target.clock.getAsLong();
    target.scheduler.incomingDone(reservation, job.tokens[prompt], target.nowNanos);
    target.scheduler.events(target.events);
    nowNanos = clock.getAsLong();
    scheduler.handOverDone(handle, nowNanos);
    scheduler.events(events);
    return reservation;
  }

  private Reservation reserve(Job job) {
    nowNanos = clock.getAsLong();
    Reservation reservation = scheduler.reserveIncoming(job.request, nowNanos);
    if (reservation.granted()) {
      add(new Job(reservation.handle(), job.request, job.sampling, job.tokens.clone(), job.known));
      scheduler.events(events);
    }
    return reservation;
  }

  /**
   * Returns, after a step that found nothing to execute, when time alone may change that.
   *
   * @return nanoseconds on the clock; {@link Long#MAX_VALUE} if only a request can
   */
  public long wakeAtNanos() {
    return wakeAtNanos;
  }

  /**
   * Returns the scheduler, for its statistics and explanations.
   *
   * @return as given
   */
  public EngineScheduler scheduler() {
    return scheduler;
  }

  /**
   * Returns the executor.
   *
   * @return as given
   */
  public Executor executor() {
    return executor;
  }

  // ---- live requests, by the index in the low half of their handle

  private void add(Job job) {
    int index = (int) job.handle;
    if (index >= jobs.length) {
      jobs = Arrays.copyOf(jobs, Math.max(index + 1, 2 * jobs.length));
    }
    jobs[index] = job;
  }

  private @Nullable Job find(long handle) {
    int index = (int) handle;
    Job job = index < jobs.length ? jobs[index] : null;
    return job != null && job.handle == handle ? job : null;
  }

  private final class Events implements EngineEvents {
    @Override
    public void granted(int slot, long handle) {
      Job job = requireNonNull(find(handle));
      executor.prepare(slot, handle, job.tokens, job.known, job.sampling);
    }

    @Override
    public void released(int slot, long handle) {
      executor.release(slot);
    }

    @Override
    public void ended(long handle, End end, String detail) {
      jobs[(int) handle] = null;
      sink.ended(handle, end, detail, nowNanos);
    }

    @Override
    public void handOver(long handle, int slot) {
      sink.handOver(handle);
    }
  }
}
