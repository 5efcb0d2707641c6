package io.headway.simulator.cluster;

import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.EngineStats;
import io.headway.runtime.RuntimeListener;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import io.headway.simulator.cost.SwapTransferModel;
import io.headway.simulator.metrics.RequestOutcome;
import io.headway.simulator.metrics.RunRecorder;
import java.util.Arrays;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One engine in virtual time. Executing a plan means waiting for as long as the model says, and
 * emitting tokens until the true output length of each request is reached.
 */
final class SimulatedInstance implements EngineEvents, RuntimeListener {
  /** Most iterations in one jump; bounds the arrays, not the result. */
  private static final int MAX_JUMP = 4096;

  private static final int NO_ROW = -1;

  private final Progress progress;
  private final IterationTimeModel model;
  private final @Nullable SwapTransferModel swaps;
  private final RunRecorder recorder;
  private final RunRecorder.OfInstance meter;
  private final Placement placement;
  private final boolean fastForward;
  private final LongSupplier nanoClock;
  private final Jump jump = new Jump();
  private final IterationShape shape = new IterationShape();
  private final StepResult result = new StepResult();

  private final EngineScheduler scheduler;
  private final BatchView view;
  private final int blockTokens;
  private int[] rowOfSequence = new int[64];
  private boolean[] waits = new boolean[64];
  private final int[] waitingByTenant;
  private @Nullable BatchPlan plan;
  private int version;
  private long eventNanos;
  private long idleUntil = Long.MAX_VALUE;

  SimulatedInstance(
      EngineScheduler.Builder builder,
      int blockTokens,
      Progress progress,
      IterationTimeModel model,
      @Nullable SwapTransferModel swaps,
      RunRecorder recorder,
      RunRecorder.OfInstance meter,
      Placement placement,
      boolean fastForward,
      LongSupplier nanoClock) {
    this.progress = progress;
    this.model = model;
    this.swaps = swaps;
    this.recorder = recorder;
    this.meter = meter;
    this.placement = placement;
    this.fastForward = fastForward;
    this.nanoClock = nanoClock;
    this.blockTokens = blockTokens;
    waitingByTenant = new int[progress.tenants()];
    scheduler = builder.listener(this).build();
    view = scheduler.view();
    Arrays.fill(rowOfSequence, NO_ROW);
  }

  EngineScheduler scheduler() {
    return scheduler;
  }

  boolean isBusy() {
    return plan != null;
  }

  /** Numbers the plan in flight, so that an end announced for an earlier one is recognised. */
  int version() {
    return version;
  }

  /** Returns when the plan in flight and its repetitions end. */
  long endNanos() {
    return jump.endNanos();
  }

  /** Returns when an idle instance wants to be asked again. */
  long idleUntilNanos() {
    return idleUntil;
  }

  /**
   * Queues a request. What is in flight goes on, but is not repeated beyond the iteration it is in.
   */
  void submit(int row, Request request, long now) {
    SubmitResult answer = scheduler.submit(request, now);
    if (!answer.accepted()) {
      over(row, RequestOutcome.REJECTED, now);
      return;
    }
    int sequence = (int) answer.handle();
    if (sequence >= rowOfSequence.length) {
      int length = rowOfSequence.length;
      rowOfSequence = Arrays.copyOf(rowOfSequence, Math.max(sequence + 1, length * 2));
      Arrays.fill(rowOfSequence, length, rowOfSequence.length, NO_ROW);
      waits = Arrays.copyOf(waits, rowOfSequence.length);
    }
    rowOfSequence[sequence] = row;
    waiting(sequence, true);
    meter.queues(now, view.waitingCount(), view.runningCount());
  }

  /**
   * Brings the instance to the state it is in at a time, with one iteration in flight at most and
   * no repetition ahead.
   *
   * @return whether the end of what is in flight has changed
   */
  boolean settleAt(long now) {
    if (plan == null || jump.repetitions() == 0) {
      return false;
    }
    int ended = jump.endedBy(now);
    if (ended > 0) {
      jump.cut(ended - 1);
      finish();
      start(eventNanos);
    }
    jump.cut(0);
    version++;
    return true;
  }

  /** Completes the plan in flight with its repetitions. */
  void finish() {
    BatchPlan done = plan;
    if (done == null) {
      throw new IllegalStateException("nothing is in flight");
    }
    plan = null;
    version++;
    int repetitions = jump.repetitions();
    long now = jump.endNanos();
    eventNanos = now;
    result.begin(done);
    int prefill = 0;
    long output = 0;
    int inStep = 0;
    long firstEnd = jump.endNanos(0);
    for (int i = 0; i < done.rows(); i++) {
      int row = rowOfSequence[(int) done.handle(i)];
      int count = done.count(i);
      int prefilled = done.kind(i) == WorkKind.PREFILL ? count : 0;
      prefill += prefilled;
      int emitted = 0;
      if (done.emits(i)) {
        emitted = 1 + repetitions;
        output += emitted;
        long last = progress.lastTokenNanos(row);
        if (last == Progress.NONE) {
          recorder.firstToken(row, firstEnd);
          progress.firstToken(row, firstEnd);
          placement.firstToken(row, firstEnd);
        } else if (last == jump.startNanos()) {
          inStep++;
        } else {
          recorder.tokenGap(firstEnd - last, 1);
        }
        result.token(i, 0);
        if (progress.emit(row, emitted, now)) {
          result.stop(i);
        }
      }
      meter.served(progress.tenant(row), prefilled, emitted);
    }
    if (inStep > 0) {
      recorder.tokenGap(jump.durationNanos(0), inStep);
    }
    int used = view.totalBlocks() - view.freeBlocks();
    for (int k = 1; k <= repetitions; k++) {
      recorder.tokenGap(jump.durationNanos(k), done.rows());
      if (jump.newBlocks(k) > 0) {
        used += jump.newBlocks(k);
        meter.kvUsed(jump.endNanos(k - 1), used);
      }
    }
    result.elapsed(now - jump.startNanos());
    scheduler.completeRepeated(result, repetitions, now);
    scheduler.events(this);
    meter.settle();
    meter.iterations(1 + repetitions, now - jump.startNanos(), prefill, output);
  }

  /** Asks for the next plan and sets it in flight, if there is one. */
  void start(long now) {
    eventNanos = now;
    long before = nanoClock.getAsLong();
    BatchPlan next = scheduler.next(now);
    recorder.decision(nanoClock.getAsLong() - before);
    scheduler.events(this);
    meter.kvUsed(now, view.totalBlocks() - view.freeBlocks());
    meter.queues(now, view.waitingCount(), view.runningCount());
    version++;
    if (next.isEmpty()) {
      plan = null;
      idleUntil = next.wakeAtNanos();
      return;
    }
    plan = next;
    int remaining = describe(next);
    int repetitions =
        remaining > 0 && fastForward
            ? scheduler.repeatable(next, Math.min(remaining, MAX_JUMP))
            : 0;
    long moves = swapNanos(next);
    if (repetitions > 0) {
      jump.repeated(now, next, shape, model, repetitions, blockTokens, moves);
    } else {
      jump.single(now, moves + model.nanos(shape));
    }
  }

  /** Returns how long the moves to and from the host take that precede the rows of a plan. */
  private long swapNanos(BatchPlan next) {
    if (swaps == null) {
      return 0;
    }
    int blocks = 0;
    for (int i = 0; i < next.moves(); i++) {
      KvMoveKind kind = next.moveKind(i);
      blocks += kind == KvMoveKind.SWAP_OUT || kind == KvMoveKind.SWAP_IN ? 1 : 0;
    }
    return swaps.nanos(blocks);
  }

  /**
   * Fills in the shape; returns how often the plan could be repeated before a sequence reaches its
   * true length, 0 unless all rows decode.
   */
  private int describe(BatchPlan next) {
    shape.clear();
    int decodes = 0;
    long context = 0;
    int remaining = Integer.MAX_VALUE;
    for (int i = 0; i < next.rows(); i++) {
      WorkKind kind = next.kind(i);
      if (kind == WorkKind.DECODE) {
        decodes++;
        context += next.start(i);
        remaining =
            Math.min(remaining, progress.remaining(rowOfSequence[(int) next.handle(i)]) - 1);
      } else if (kind == WorkKind.PREFILL) {
        shape.addPrefill(next.count(i), next.start(i));
        remaining = 0;
      } else {
        throw new IllegalStateException("the simulated executor verifies no drafts");
      }
    }
    shape.addDecodes(decodes, context);
    if (next.paddingTokens() > 0) {
      shape.addPadding(next.paddingTokens());
      remaining = 0;
    }
    return remaining;
  }

  /** Returns what an observer would see at a time, iterations that ended meanwhile included. */
  EngineStats observe(long now) {
    EngineStats s = scheduler.stats();
    BatchPlan flying = plan;
    int ended = flying == null || jump.repetitions() == 0 ? 0 : jump.endedBy(now);
    if (ended == 0) {
      return s;
    }
    int blocks = 0;
    for (int k = 1; k <= Math.min(ended, jump.repetitions()); k++) {
      blocks += jump.newBlocks(k);
    }
    long tokens = (long) ended * requireFlying(flying).rows();
    return new EngineStats(
        s.waiting(),
        s.running(),
        s.swapped(),
        s.transferring(),
        s.plansInFlight(),
        s.waitingPromptTokens(),
        s.runningContextTokens() + tokens,
        s.usedBlocks() + blocks,
        s.cachedBlocks(),
        s.totalBlocks(),
        s.blockTokens(),
        s.adapters(),
        s.accepted(),
        s.ended(),
        s.preemptions(),
        s.steps() + ended,
        s.prefillTokens(),
        s.outputTokens() + tokens,
        s.prefixHitTokens(),
        s.violations(),
        s.observerFaults());
  }

  private static BatchPlan requireFlying(@Nullable BatchPlan flying) {
    if (flying == null) {
      throw new IllegalStateException("nothing is in flight");
    }
    return flying;
  }

  // ---- what the scheduler tells

  @Override
  public void ended(long handle, End end, String detail) {
    int sequence = (int) handle;
    int row = rowOfSequence[sequence];
    RequestOutcome outcome =
        switch (end) {
          case STOPPED, LENGTH, HANDED_OVER -> RequestOutcome.FINISHED;
          case CANCELLED, EXPIRED -> RequestOutcome.EXPIRED;
          case FAILED -> RequestOutcome.FAILED;
          default -> RequestOutcome.REJECTED;
        };
    waiting(sequence, false);
    rowOfSequence[sequence] = NO_ROW;
    over(row, outcome, eventNanos);
  }

  private void over(int row, RequestOutcome outcome, long now) {
    recorder.end(row, outcome, progress.emitted(row), now);
    progress.ended(row, outcome == RequestOutcome.FINISHED);
    placement.ended(row, outcome, progress.emitted(row), now);
  }

  @Override
  public void started(long handle, long waitedNanos, int cachedTokens) {
    int row = rowOfSequence[(int) handle];
    if (cachedTokens > 0) {
      recorder.cached(row, cachedTokens);
    }
    placement.started(row, eventNanos);
    waiting((int) handle, false);
  }

  @Override
  public void preempted(long handle, int preemptions) {
    int row = rowOfSequence[(int) handle];
    recorder.preempted(row);
    waiting((int) handle, true);
  }

  private void waiting(int sequence, boolean now) {
    if (waits[sequence] != now) {
      waits[sequence] = now;
      int tenant = progress.tenant(rowOfSequence[sequence]);
      waitingByTenant[tenant] += now ? 1 : -1;
      meter.backlog(tenant, waitingByTenant[tenant] > 0);
    }
  }
}
