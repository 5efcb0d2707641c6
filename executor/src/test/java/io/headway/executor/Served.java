package io.headway.executor;

import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.model.DecoderShape;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** A scheduler, an executor and what came out of them, in virtual time. */
final class Served implements ServingLoop.Sink {
  static final int BLOCK_TOKENS = 4;

  /** One request and how to choose its tokens. */
  record Ask(Request request, SamplingParameters sampling) {}

  /** What was delivered for one request, with the logits behind each token. */
  static final class Output {
    final List<Integer> tokens = new ArrayList<>();
    final List<double[]> logits = new ArrayList<>();
    String end = "";
  }

  final Map<String, Output> outputs = new TreeMap<>();
  final PagedKvBlockPool pool;
  final EngineScheduler scheduler;
  final RecordingExecutor executor;
  private final Map<Long, String> ids = new HashMap<>();
  final ServingLoop loop;
  final List<Long> handedOver = new ArrayList<>();
  int steps;
  int moves;
  int verified;
  int accepted;
  int chunks;
  int preemptions;
  long hitTokens;
  private long nanos;

  Served(
      BatchingPolicy<?> policy,
      DecoderShape shape,
      ExecutorOptions options,
      int depth,
      int maxTokens) {
    this(policy, shape, options, depth, maxTokens, builder -> builder);
  }

  Served(
      BatchingPolicy<?> policy,
      DecoderShape shape,
      ExecutorOptions options,
      int depth,
      int maxTokens,
      UnaryOperator<EngineScheduler.Builder> more) {
    pool =
        PagedKvBlockPool.of(
            PagedKvConfig.of(options.blockTokens(), options.deviceBlocks())
                .withHostBlocks(options.hostBlocks()));
    scheduler =
        more.apply(
                EngineScheduler.builder()
                    .policy(policy)
                    .pool(pool)
                    .strict()
                    .depth(depth)
                    .limits(Limits.of(options.maxSequences(), maxTokens)))
            .build();
    executor =
        new RecordingExecutor(new CpuExecutorProvider().open(new SeededWeights(shape, 7), options));
    loop = new ServingLoop(scheduler, pool, executor, () -> nanos, this);
  }

  static ExecutorOptions options(int deviceBlocks, int slots) {
    return ExecutorOptions.of(BLOCK_TOKENS, deviceBlocks, slots).withPrecision(Precision.DOUBLE);
  }

  void submit(Ask ask) {
    SubmitResult answer = loop.submit(ask.request(), ask.sampling());
    if (answer.accepted()) {
      ids.put(answer.handle(), ask.request().id());
    } else {
      output(ask.request().id()).end = answer.kind().toString();
    }
  }

  /** Runs until nothing is left; every step takes a virtual millisecond. */
  void run() {
    int idle = 0;
    while (!scheduler.isIdle()) {
      if (!loop.step()) {
        if (++idle > 10_000) {
          throw new IllegalStateException("stalled at " + scheduler.stats());
        }
      }
      nanos += 1_000_000;
    }
    hitTokens = scheduler.stats().prefixHitTokens();
    preemptions = (int) scheduler.stats().preemptions();
  }

  Output output(String id) {
    return outputs.computeIfAbsent(id, key -> new Output());
  }

  @Override
  public void executed(BatchPlan plan, StepResult result, long elapsedNanos, long nowNanos) {
    steps++;
    moves += plan.moves();
    double[][][] logits = executor.take(plan.stepId());
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.kind(row) == WorkKind.VERIFY) {
        verified += plan.draftCount(row);
        accepted += result.tokenCount(row) - 1;
      } else if (plan.kind(row) == WorkKind.PREFILL) {
        chunks++;
      }
      if (result.deliver(row)) {
        Output to = output(ids.get(plan.handle(row)));
        for (int i = 0; i < result.tokenCount(row); i++) {
          to.tokens.add(result.tokenAt(row, i));
          to.logits.add(logits[row][i]);
        }
      }
    }
  }

  @Override
  public void ended(long handle, End end, String detail, long nowNanos) {
    output(ids.get(handle)).end = end + detail;
  }

  @Override
  public void handOver(long handle) {
    handedOver.add(handle);
  }
}
