package io.headway.executor;

import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.KvBlockPool;
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
  final KvBlockPool pool;
  private final RelocatingPool relocating;
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
  private long nanos;

  /** Everything at rest: one plan in flight, a pool that stays where it is. */
  Served(BatchingPolicy<?> policy, DecoderShape shape, ExecutorOptions options) {
    this(policy, shape, options, 0, 1, 1 << 20, 0);
  }

  /**
   * Makes an instance.
   *
   * @param spares device blocks of the executor that the pool does not hand out but moves into
   */
  Served(
      BatchingPolicy<?> policy,
      DecoderShape shape,
      ExecutorOptions options,
      int spares,
      int depth,
      int maxTokens,
      long seed) {
    this(policy, shape, options, spares, maxTokens, seed, builder -> builder.depth(depth));
  }

  Served(
      BatchingPolicy<?> policy,
      DecoderShape shape,
      ExecutorOptions options,
      int spares,
      int maxTokens,
      long seed,
      UnaryOperator<EngineScheduler.Builder> more) {
    int blocks = options.deviceBlocks() - spares;
    RelocatingPool.Made made =
        RelocatingPool.of(
            PagedKvBlockPool.of(
                PagedKvConfig.of(options.blockTokens(), blocks)
                    .withHostBlocks(options.hostBlocks())),
            blocks,
            spares,
            seed);
    pool = made.pool();
    relocating = made.counter();
    scheduler =
        more.apply(
                EngineScheduler.builder()
                    .policy(policy)
                    .pool(pool)
                    .strict()
                    .limits(Limits.of(options.maxSequences(), maxTokens)))
            .build();
    executor =
        new RecordingExecutor(new CpuExecutorProvider().open(new SeededWeights(shape, 7), options));
    loop = new ServingLoop(scheduler, pool, executor, () -> nanos, this);
  }

  static ExecutorOptions options(int deviceBlocks, int slots) {
    return ExecutorOptions.of(BLOCK_TOKENS, deviceBlocks, slots).withPrecision(Precision.DOUBLE);
  }

  long submit(Ask ask) {
    SubmitResult answer = loop.submit(ask.request(), ask.sampling());
    note(answer, ask);
    return answer.handle();
  }

  void submitPrefill(Ask ask) {
    note(loop.submitPrefill(ask.request(), ask.sampling()), ask);
  }

  private void note(SubmitResult answer, Ask ask) {
    if (answer.accepted()) {
      know(answer.handle(), ask.request().id());
    } else {
      output(ask.request().id()).end = answer.kind().toString();
    }
  }

  /** Names a request that comes from elsewhere. */
  void know(long handle, String id) {
    ids.put(handle, id);
  }

  /** One step of the loop; takes a virtual millisecond. */
  boolean step() {
    boolean stepped = loop.step();
    nanos += 1_000_000;
    return stepped;
  }

  /** Runs until nothing is left. */
  void run() {
    for (int rounds = 0; !scheduler.isIdle(); rounds++) {
      step();
      if (rounds > 20_000) {
        throw new IllegalStateException("stalled at " + scheduler.stats());
      }
    }
  }

  int relocations() {
    return relocating.relocations;
  }

  void close() {
    executor.close();
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
