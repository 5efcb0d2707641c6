package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.model.DecoderShape;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StepClockTest {
  @Test
  void theCpuExecutorTimesStepsByTheClockOfItsOptions() {
    AtomicLong read = new AtomicLong();
    StepClock scripted = new StepClock("scripted", () -> read.addAndGet(1_000), false);
    List<Long> elapsed = new ArrayList<>();
    ServingLoop.Sink sink =
        new ServingLoop.Sink() {
          @Override
          public void executed(BatchPlan plan, StepResult result, long nanos, long nowNanos) {
            elapsed.add(nanos);
          }
        };
    PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 8));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("vllm-v1")
            .pool(pool)
            .limits(Limits.of(1, Integer.MAX_VALUE))
            .build();
    try (Executor executor =
        new CpuExecutorProvider()
            .open(
                new SeededWeights(DecoderShape.TINY, 1),
                ExecutorOptions.of(4, 8, 1).withClock(scripted))) {
      assertThat(executor.options().clock()).isSameAs(scripted);
      ServingLoop loop = new ServingLoop(scheduler, pool, executor, () -> 0, sink);
      loop.submit(
          Request.builder("r", 3, 2).tokenIds(new int[] {1, 2, 3}).build(),
          SamplingParameters.GREEDY);
      while (loop.step()) {
        assertThat(elapsed.size()).isLessThan(3);
      }
    }
    assertThat(elapsed).containsExactly(1_000L, 1_000L);
  }

  @Test
  void cpuTimeStandsStillWhileTheThreadWaits() {
    StepClock cpu = StepClock.cpu();
    assertThat(cpu.id()).isEqualTo(StepClock.CPU);
    assertThat(cpu.runsWhileWaiting()).isFalse();
    assertThat(StepClock.WALL.runsWhileWaiting()).isTrue();
    long before = cpu.nanos().getAsLong();
    assertThat(cpu.nanos().getAsLong()).isGreaterThanOrEqualTo(before);
  }
}
