package io.headway.examples.firstpolicy;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The order is kept by a real scheduler, found by name, in strict mode: any broken rule fails. */
class ShortestPromptFirstTest {
  @Test
  void theShortestPromptRunsFirst() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("shortest-prompt-first:tokenBudget=32")
            .strict()
            .limits(Limits.of(1, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(16, 64)))
            .build();
    for (int prompt : new int[] {40, 10, 25, 10}) {
      String id = "p" + prompt + "-" + scheduler.view().waitingCount();
      scheduler.submit(Request.of(id, prompt, 2), 0);
    }
    List<String> order = new ArrayList<>();
    for (long now = 0; !scheduler.isIdle(); now += 1_000) {
      BatchPlan plan = scheduler.next(now);
      StepResult result = new StepResult().begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.start(row) == 0) {
          order.add(scheduler.request(plan.handle(row)).id());
        }
        if (plan.emits(row)) {
          result.token(row, 1);
        }
      }
      scheduler.complete(result, now + 500);
    }
    assertThat(order).containsExactly("p10-1", "p10-3", "p25-2", "p40-0");
  }
}
