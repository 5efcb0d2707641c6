package io.headway.examples.firstpolicy;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import org.junit.jupiter.api.Test;

/** The first lines of the README, run. */
class PublishedPolicyTest {
  @Test
  void aPublishedPolicySchedulesARequest() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("sarathi-serve:tokenBudget=512") // or any BatchingPolicy object
            .limits(Limits.of(64, 512)) // sequences, tokens in one iteration
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(16, 2_048))) // tokens a block, blocks
            .build();
    scheduler.submit(Request.of("hello", 700, 2), 0);
    BatchPlan plan = scheduler.next(0);
    assertThat(plan.tokens()).isEqualTo(512);
    scheduler.complete(new StepResult().begin(plan), 1_000);
    assertThat(scheduler.next(1_000).tokens()).isEqualTo(188);
  }
}
