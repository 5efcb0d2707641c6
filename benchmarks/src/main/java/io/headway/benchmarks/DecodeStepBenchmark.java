package io.headway.benchmarks;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.batching.systems.BatchingPolicies;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One decode step, {@code next} and {@code complete}, with everybody running and some waiting.
 *
 * <p>Single shots of {@value #STEPS} steps, because every step makes the sequences longer: after
 * the warm-up they hold 15,000 tokens, and the measured steps stay below the 21,904 at which block
 * tables grow again, so that {@code -prof gc} shows what a step itself allocates.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 15)
@Measurement(iterations = 6)
public class DecodeStepBenchmark {
  private static final int STEPS = 1000;
  private static final int BLOCK_TOKENS = 16;
  private static final int OUTPUT_TOKENS = 30_000;
  private static final int WAITING = 64;

  /** Sequences that decode. */
  @Param({"64", "256", "1024"})
  public int running;

  /** The policy by name. */
  @Param({
    "sarathi-serve:tokenBudget=2048",
    "vllm-v1",
    "orca",
    "sarathi:chunkTokens=2048",
    "vtc",
    "isrtf",
    "scls:sliceTokens=30000",
    "bucketserve",
    "qlm:pullSequences=1024",
    "fineinfer:deferMillis=0",
    "uellm:maxBatch=1024,threshold=1e18",
    "sorted-f",
    "mc-sf",
    "batch-lane"
  })
  public String policy;

  private EngineScheduler scheduler;
  private final StepResult result = new StepResult();
  private long now;

  /** Starts every sequence. */
  @Setup
  public void start() {
    int blocks = running * ((OUTPUT_TOKENS + BLOCK_TOKENS) / BLOCK_TOKENS + 1);
    scheduler =
        EngineScheduler.builder()
            .policy(
                PolicyRegistry.of(new BatchingPolicies())
                    .create(Decision.BATCHING, policy, BatchingPolicy.class))
            .limits(Limits.of(running, Integer.MAX_VALUE))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(BLOCK_TOKENS, blocks).withPrefixCaching(false)))
            .strict()
            .build();
    for (int i = 0; i < running + WAITING; i++) {
      Request request =
          Request.builder("r" + i, 1, OUTPUT_TOKENS)
              .arrivalNanos(i)
              .tenant("t" + i % 16)
              .predictedOutputTokens(OUTPUT_TOKENS)
              .build();
      if (!scheduler.submit(request, i).accepted()) {
        throw new IllegalStateException(request + " was not accepted");
      }
    }
    now = running + WAITING;
  }

  /**
   * Plans and completes.
   *
   * @return the rows planned
   */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public long step() {
    long rows = 0;
    for (int i = 0; i < STEPS; i++) {
      BatchPlan plan = scheduler.next(now);
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, row);
        }
      }
      scheduler.complete(result, now++);
      rows += plan.rows();
    }
    return rows;
  }
}
