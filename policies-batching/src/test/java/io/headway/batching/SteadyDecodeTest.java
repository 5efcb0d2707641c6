package io.headway.batching;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
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
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Planning and completing decodes allocates nothing once structures have grown. */
class SteadyDecodeTest {
  private static final int RUNNING = 256;
  private static final int WAITING = 64;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "static-fcfs",
        "orca",
        "vllm-v1",
        "vllm-v1:policy=priority",
        "sarathi:chunkTokens=512",
        "sarathi-serve",
        "vtc",
        "vtc:cost=profiled",
        "isrtf:windowTokens=50",
        "scls:sliceTokens=6000",
        "bucketserve",
        "slo-annealing:maxBatch=256,maxJobs=512,movesPerLevel=0",
        "qlm:pullSequences=256",
        "fineinfer:deferMillis=0",
        "uellm:maxBatch=256,threshold=1e18",
        "sorted-f",
        "mc-sf",
        "alpha-protection",
        "batch-lane",
        "compose:order=vtc,admission=first-chunk,composition=vllm-v1"
      })
  void allocatesNothing(String text) {
    BatchingPolicy<?> policy =
        PolicyRegistry.of(new BatchingPolicies())
            .create(Decision.BATCHING, text, BatchingPolicy.class);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .limits(Limits.of(RUNNING, Integer.MAX_VALUE))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(16, 1 << 17).withPrefixCaching(false)))
            .strict()
            .build();
    for (int i = 0; i < RUNNING + WAITING; i++) {
      Request request =
          Request.builder("r" + i, 1, 6000)
              .tenant("t" + i % 7)
              .priority(i % 3)
              .predictedOutputTokens(6000)
              .build();
      assertThat(scheduler.submit(request, i).accepted()).isTrue();
    }
    StepResult result = new StepResult();
    // Everybody starts, at one prompt per iteration where a policy insists on it, and block tables
    // reach a length that the iterations measured below do not outgrow.
    long now = decode(scheduler, result, 0, 4400);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    threads.getThreadAllocatedBytes(thread);
    // What a step allocates shows in every window; the virtual machine's own rare bytes do not.
    long least = Long.MAX_VALUE;
    for (int window = 0; window < 5; window++) {
      long before = threads.getThreadAllocatedBytes(thread);
      now = decode(scheduler, result, now, 300);
      least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
    }
    assertThat(scheduler.stats().running()).isEqualTo(RUNNING);
    assertThat(least).as("bytes in the best of five windows of 300 iterations").isZero();
  }

  private static long decode(
      EngineScheduler scheduler, StepResult result, long from, int iterations) {
    long now = from;
    for (int i = 0; i < iterations; i++) {
      BatchPlan plan = scheduler.next(now);
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, 0);
        }
      }
      scheduler.complete(result, now++);
    }
    return now;
  }
}
