package io.headway.executor.gpu.check;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.model.DecoderShape;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.Precision;
import io.headway.executor.SamplingParameters;
import io.headway.executor.gpu.GpuExecutor;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.Reservation;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Measures steps of one executor. Plans come from an {@link EngineScheduler}, as in service. A
 * context to decode from is not computed: its blocks are reserved as for a request handed over by
 * another instance, and hold whatever is in them.
 */
final class StepTimings {
  private static final int ROUNDS = 9;
  private static final int WARM_ROUNDS = 3;

  private final GpuExecutor executor;
  private final DecoderShape shape;
  private final ExecutorOptions options;
  private final int elementBytes;
  private int salt;

  StepTimings(GpuExecutor executor) {
    this.executor = executor;
    shape = executor.shape();
    options = executor.options();
    elementBytes = options.precision() == Precision.BFLOAT16 ? 2 : 4;
  }

  /** Sequences in slots, and what the executor must know of them. */
  private final class Session implements EngineEvents {
    final EngineScheduler scheduler;
    final StepResult result = new StepResult();
    final Map<Long, int[]> tokens = new HashMap<>();
    long nowNanos = 1;

    Session(int budgetTokens) {
      scheduler =
          EngineScheduler.builder()
              .policy("vllm-v1")
              .pool(
                  PagedKvBlockPool.of(
                      PagedKvConfig.of(options.blockTokens(), options.deviceBlocks())))
              .strict()
              .leaseNanos(Long.MAX_VALUE / 4)
              .limits(Limits.of(options.maxSequences(), budgetTokens))
              .build();
    }

    Request request(String id, int prompt, int maxNew) {
      int[] ids = new int[prompt];
      for (int i = 0; i < prompt; i++) {
        ids[i] = (i * 31 + salt * 17 + 7) % shape.vocabularySize();
      }
      salt++;
      return Request.builder(id, prompt, maxNew).tokenIds(ids).build();
    }

    void submit(String id, int prompt) {
      Request request = request(id, prompt, 1);
      SubmitResult answer = scheduler.submit(request, nowNanos);
      if (!answer.accepted()) {
        throw new IllegalStateException(id + " must be accepted, but was answered " + answer);
      }
      remember(answer.handle(), request);
    }

    void reside(String id, int context, int maxNew) {
      Request request = request(id, context, maxNew);
      Reservation reservation = scheduler.reserveIncoming(request, nowNanos);
      if (!reservation.granted()) {
        throw new IllegalStateException(
            id + " must get its blocks, but was answered " + reservation);
      }
      remember(reservation.handle(), request);
      scheduler.incomingDone(reservation, 1, nowNanos);
    }

    private void remember(long handle, Request request) {
      int[] ids = new int[request.promptTokens() + 1];
      for (int i = 0; i < request.promptTokens(); i++) {
        ids[i] = request.tokenId(i);
      }
      ids[request.promptTokens()] = 1;
      tokens.put(handle, ids);
    }

    /** Executes one plan and returns it, completed; its rows stay readable. */
    double[] step(double[] workOut, Work[] work) {
      nowNanos += 1_000_000;
      BatchPlan plan = scheduler.next(nowNanos);
      scheduler.events(this);
      if (plan.isEmpty()) {
        throw new IllegalStateException(
            "a plan was expected, but there is none: " + scheduler.stats());
      }
      work[0] = Work.of(shape, elementBytes, plan);
      long before = System.nanoTime();
      executor.enqueue(plan, result);
      workOut[1] = (System.nanoTime() - before) / 1e3;
      executor.await(result);
      workOut[0] = executor.lastStepMillis();
      scheduler.complete(result, nowNanos);
      scheduler.events(this);
      return workOut;
    }

    void end() {
      for (long handle : tokens.keySet()) {
        scheduler.cancel(handle, nowNanos);
      }
      scheduler.events(this);
    }

    @Override
    public void granted(int slot, long handle) {
      int[] ids = tokens.get(handle);
      if (ids == null) {
        throw new IllegalStateException(
            "slot " + slot + " was granted to an unknown handle " + handle);
      }
      executor.prepare(slot, handle, ids, ids.length, SamplingParameters.GREEDY);
    }

    @Override
    public void released(int slot, long handle) {
      executor.release(slot);
    }

    @Override
    public void ended(long handle, End end, String detail) {
      if (end == End.FAILED) {
        throw new IllegalStateException("handle " + handle + " failed: " + detail);
      }
    }
  }

  private boolean fits(long tokens, int sequences) {
    long blocks = tokens / options.blockTokens() + 2L * sequences;
    return blocks < options.deviceBlocks();
  }

  StepTiming prefill(int tokens) {
    String name = "prefill " + tokens;
    if (tokens >= shape.maxPositions() || !fits(tokens, 1)) {
      return StepTiming.skipped(name, "longer than the model or the pool");
    }
    double[] millis = new double[ROUNDS];
    double[] host = new double[ROUNDS];
    Work[] work = new Work[1];
    double[] out = new double[2];
    for (int round = -WARM_ROUNDS; round < ROUNDS; round++) {
      Session session = new Session(tokens);
      session.submit("prompt", tokens);
      session.step(out, work);
      session.end();
      if (round >= 0) {
        millis[round] = out[0];
        host[round] = out[1];
      }
    }
    return new StepTiming(name, median(millis), median(host), work[0], "");
  }

  StepTiming decode(int batch, int context) {
    String name = "decode " + batch + " at " + context;
    if (context + ROUNDS + WARM_ROUNDS + 2 > shape.maxPositions()) {
      return StepTiming.skipped(name, "longer than the model's context");
    }
    if (batch > options.maxSequences() || !fits((long) batch * (context + 32L), batch)) {
      return StepTiming.skipped(name, "the pool is smaller");
    }
    Session session = new Session(Math.max(batch, 1));
    for (int i = 0; i < batch; i++) {
      session.reside("sequence-" + i, context, ROUNDS + WARM_ROUNDS + 2);
    }
    return steps(name, session);
  }

  /** Decodes with one prefill chunk beside them, in one step. */
  StepTiming mixed(int chunk, int batch, int context) {
    String name = "chunk " + chunk + " + decode " + batch + " at " + context;
    if (context + chunk >= shape.maxPositions()
        || batch + 1 > options.maxSequences()
        || !fits(
            (long) batch * (context + 32L) + (ROUNDS + WARM_ROUNDS) * (long) chunk,
            batch + ROUNDS + WARM_ROUNDS)) {
      return StepTiming.skipped(name, "longer than the model or the pool");
    }
    double[] millis = new double[ROUNDS];
    double[] host = new double[ROUNDS];
    Work[] work = new Work[1];
    double[] out = new double[2];
    Session session = new Session(chunk + batch);
    for (int i = 0; i < batch; i++) {
      session.reside("sequence-" + i, context, ROUNDS + WARM_ROUNDS + 2);
    }
    for (int round = -WARM_ROUNDS; round < ROUNDS; round++) {
      session.submit("prompt-" + (round + WARM_ROUNDS), chunk);
      session.step(out, work);
      if (round >= 0) {
        millis[round] = out[0];
        host[round] = out[1];
      }
    }
    session.end();
    return new StepTiming(name, median(millis), median(host), work[0], "");
  }

  private StepTiming steps(String name, Session session) {
    double[] millis = new double[ROUNDS];
    double[] host = new double[ROUNDS];
    Work[] work = new Work[1];
    double[] out = new double[2];
    for (int round = -WARM_ROUNDS; round < ROUNDS; round++) {
      session.step(out, work);
      if (round >= 0) {
        millis[round] = out[0];
        host[round] = out[1];
      }
    }
    session.end();
    return new StepTiming(name, median(millis), median(host), work[0], "");
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
