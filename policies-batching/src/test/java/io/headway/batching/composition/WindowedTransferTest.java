package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.headway.runtime.Reservation;
import org.junit.jupiter.api.Test;

/** Windows and those that come by a transfer, whom nobody could choose as members. */
class WindowedTransferTest {
  @Test
  void whoHoldsTheOnlyAdapterRunsInPlaceOfMembersThatLackTheirs() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(
                PolicyRegistry.of(new BatchingPolicies())
                    .create(Decision.BATCHING, "isrtf", BatchingPolicy.class))
            .strict()
            .limits(Limits.of(2, 2).maxAdapters(1))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(1, 2)))
            .build();
    assertThat(scheduler.submit(request("a", "x", 1), 0).accepted()).isTrue();
    assertThat(scheduler.submit(request("b", "x", 1), 0).accepted()).isTrue();
    Reservation in = scheduler.reserveIncoming(request("c", "y", 2), 0);
    assertThat(in.granted()).isTrue();
    assertThat(scheduler.incomingDone(in, 1, 1)).isTrue();
    BatchPlan plan = scheduler.next(2);
    assertThat(plan.rows()).isEqualTo(1);
    assertThat(plan.handle(0)).isEqualTo(in.handle());
  }

  private static Request request(String id, String adapter, int maxNewTokens) {
    return Request.builder(id, 1, maxNewTokens).adapter(adapter).build();
  }
}
