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
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Planning and completing decodes allocates nothing once structures have grown: 0 B in 1,500
 * iterations in a row. Counted in a virtual machine that only interprets: compiled code removes
 * allocations of ours, and was seen to allocate 48 to 1,536 B once in thousands of iterations.
 */
class SteadyDecodeTest {
  private static final int RUNNING = 32;
  private static final int WAITING = 64;
  private static final int ITERATIONS = 1_500;

  /** Length that block tables have room for before the iterations measured begin. */
  private static final int WARM_UP = 400;

  private static final List<String> POLICIES =
      List.of(
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
          "fastserve",
          "dlpm",
          "ssjf",
          "ltr:starvationIterations=0",
          "alise",
          "past-future",
          "fairbatching",
          "slos-serve",
          "equinox",
          "shepherd",
          "batchllm",
          "blendserve",
          "conserve",
          "compose:order=vtc,admission=first-chunk,composition=vllm-v1");

  /** With somebody waiting these have sequences take turns, which is no steady decode. */
  private static final List<String> TAKING_TURNS =
      List.of("ltr", "autellix", "lamps", "andes", "tokenflow");

  @Test
  void r13NoIterationOfAnyPolicyAllocates() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xint",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                SteadyDecodeTest.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output.lines().filter(line -> line.startsWith("allocated ")))
        .containsExactlyElementsOf(
            Stream.concat(POLICIES.stream(), TAKING_TURNS.stream())
                .map(policy -> "allocated 0 B by " + policy)
                .toList());
  }

  /**
   * Writes one line per policy: what 1,500 iterations in a row have allocated.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    threads.getThreadAllocatedBytes(thread);
    POLICIES.forEach(policy -> measure(threads, policy, WAITING));
    TAKING_TURNS.forEach(policy -> measure(threads, policy, 0));
  }

  private static void measure(ThreadMXBean threads, String policy, int waiting) {
    long thread = Thread.currentThread().getId();
    EngineScheduler scheduler = start(policy, waiting);
    StepResult result = new StepResult();
    long now = decode(scheduler, result, 0, WARM_UP);
    long before = threads.getThreadAllocatedBytes(thread);
    decode(scheduler, result, now, ITERATIONS);
    long allocated = threads.getThreadAllocatedBytes(thread) - before;
    if (scheduler.stats().running() != RUNNING) {
      throw new IllegalStateException(policy + " runs " + scheduler.stats().running());
    }
    System.out.println("allocated " + allocated + " B by " + policy);
  }

  private static EngineScheduler start(String text, int waiting) {
    BatchingPolicy<?> policy =
        PolicyRegistry.of(new BatchingPolicies())
            .create(Decision.BATCHING, text, BatchingPolicy.class);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .limits(Limits.of(RUNNING, Integer.MAX_VALUE))
            // Blocks so large that no table grows meanwhile.
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(512, 1 << 12).withPrefixCaching(false)))
            .strict()
            .build();
    for (int i = 0; i < RUNNING + waiting; i++) {
      Request request =
          Request.builder("r" + i, 1, 6000)
              .tenant("t" + i % 7)
              .priority(i % 3)
              .predictedOutputTokens(6000)
              .build();
      if (!scheduler.submit(request, i).accepted()) {
        throw new IllegalStateException(request + " was not accepted");
      }
    }
    return scheduler;
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
