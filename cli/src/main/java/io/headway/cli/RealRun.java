package io.headway.cli;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.prediction.IterationShape;
import io.headway.executor.Executor;
import io.headway.executor.PlanShapes;
import io.headway.executor.SamplingParameters;
import io.headway.executor.ServingLoop;
import io.headway.executor.StepClock;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import io.headway.simulator.metrics.Durations;
import io.headway.simulator.workload.Workload;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * One workload on one executor, by the executor's clock: requests are submitted when they arrive.
 * Where the clock stands still while the thread waits, waits for arrivals are added to what it says
 * instead of spent.
 */
final class RealRun implements ServingLoop.Sink {
  private static final int NONE = -1;

  /** What was measured, beside the durations. */
  record Totals(
      int finished,
      int failed,
      long outputTokens,
      int steps,
      long executorNanos,
      long durationNanos,
      long preemptions) {}

  final Durations ttft = new Durations();
  final Durations tpot = new Durations();
  final Durations e2e = new Durations();

  /** Which request was the first that was not served, and why; empty if all were. */
  String firstUnserved = "";

  final List<Step> measured = new ArrayList<>();

  private final Workload workload;
  private final Executor executor;
  private final EngineScheduler scheduler;
  private final ServingLoop loop;
  private final double temperature;
  private final long seed;
  private final IntConsumer progress;
  private final StepClock clock;
  private long began;
  private long skippedNanos;

  private final IterationShape shape = new IterationShape();
  private int[] rowOf = new int[64];
  private final long[] firstToken;
  private final long[] lastToken;
  private final int[] tokens;
  private int ended;
  private int finished;
  private long outputTokens;
  private long executorNanos;

  RealRun(
      Workload workload,
      EngineScheduler.Builder builder,
      KvBlockPool pool,
      Executor executor,
      double temperature,
      long seed,
      IntConsumer progress) {
    this.workload = workload;
    this.executor = executor;
    clock = executor.options().clock();
    this.temperature = temperature;
    this.seed = seed;
    this.progress = progress;
    firstToken = new long[workload.size()];
    lastToken = new long[workload.size()];
    tokens = new int[workload.size()];
    Arrays.fill(rowOf, NONE);
    scheduler = builder.pool(pool).build();
    loop = new ServingLoop(scheduler, pool, executor, this::now, this);
  }

  private long now() {
    return clock.nanos().getAsLong() - began + skippedNanos;
  }

  /** Serves everything and returns the totals. */
  Totals run() {
    began = clock.nanos().getAsLong();
    int next = 0;
    while (ended < workload.size()) {
      while (next < workload.size() && workload.arrivalNanos(next) <= now()) {
        submit(next++);
      }
      if (!loop.step() && ended < workload.size()) {
        long arrival = next < workload.size() ? workload.arrivalNanos(next) : Long.MAX_VALUE;
        long wakeAt = Math.min(arrival, loop.wakeAtNanos());
        if (wakeAt == Long.MAX_VALUE) {
          throw new IllegalStateException(
              "nothing to execute and nothing to wait for, but "
                  + (workload.size() - ended)
                  + " requests are live: "
                  + scheduler.stats());
        }
        long wait = wakeAt - now();
        if (wait > 0 && clock.runsWhileWaiting()) {
          LockSupport.parkNanos(wait);
        } else if (wait > 0) {
          skippedNanos += wait;
        }
      }
    }
    return new Totals(
        finished,
        workload.size() - finished,
        outputTokens,
        measured.size(),
        executorNanos,
        now(),
        scheduler.stats().preemptions());
  }

  private void submit(int row) {
    int prompt = workload.promptTokens(row);
    RandomSource random = RandomSource.seeded(seed * 0x9E3779B97F4A7C15L + row);
    int[] ids = new int[prompt];
    for (int i = 0; i < prompt; i++) {
      ids[i] = random.nextInt(executor.shape().vocabularySize());
    }
    Request request =
        Request.builder("r" + row, prompt, workload.outputTokens(row))
            .arrivalNanos(workload.arrivalNanos(row))
            .tokenIds(ids)
            .build();
    SamplingParameters sampling =
        temperature == 0
            ? SamplingParameters.GREEDY
            : SamplingParameters.seeded(temperature, seed + row);
    SubmitResult answer = loop.submit(request, sampling);
    if (!answer.accepted()) {
      unserved(row, answer.kind().toString());
      over();
      return;
    }
    int index = (int) answer.handle();
    if (index >= rowOf.length) {
      int length = rowOf.length;
      rowOf = Arrays.copyOf(rowOf, Math.max(index + 1, 2 * length));
      Arrays.fill(rowOf, length, rowOf.length, NONE);
    }
    rowOf[index] = row;
  }

  @Override
  public void executed(BatchPlan plan, StepResult result, long elapsedNanos, long nowNanos) {
    PlanShapes.describe(plan, shape);
    measured.add(Step.of(shape, Math.max(1, elapsedNanos)));
    executorNanos += elapsedNanos;
  }

  @Override
  public void token(long handle, int token, long nowNanos) {
    int row = rowOf[(int) handle];
    if (tokens[row]++ == 0) {
      firstToken[row] = nowNanos;
    }
    lastToken[row] = nowNanos;
  }

  @Override
  public void ended(long handle, End end, String detail, long nowNanos) {
    int row = rowOf[(int) handle];
    if (end == End.LENGTH || end == End.STOPPED) {
      finished++;
      outputTokens += tokens[row];
      ttft.add(firstToken[row] - workload.arrivalNanos(row));
      e2e.add(lastToken[row] - workload.arrivalNanos(row));
      if (tokens[row] > 1) {
        tpot.add((lastToken[row] - firstToken[row]) / (tokens[row] - 1));
      }
    } else {
      unserved(row, detail.isEmpty() ? end.toString() : end + ", " + detail);
    }
    over();
  }

  private void unserved(int row, String why) {
    if (firstUnserved.isEmpty()) {
      firstUnserved =
          "request "
              + row
              + " of "
              + workload.promptTokens(row)
              + " prompt and "
              + workload.outputTokens(row)
              + " output tokens: "
              + why;
    }
  }

  private void over() {
    ended++;
    progress.accept(ended);
  }
}
