package io.headway.runtime;

import static io.headway.runtime.RoutingFixtures.MIXED;
import static io.headway.runtime.RoutingFixtures.leastRequests;
import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The runtime is silent while all is well, and short and discreet when it is not. */
class LoggingTest {
  private static final long MINUTE = 60_000_000_000L;
  private static final int SECRET_TOKEN = 86_753_091;

  @BeforeEach
  void forget() {
    RecordedLogs.EVENTS.clear();
  }

  private static StepResult executed(BatchPlan plan) {
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, SECRET_TOKEN);
      }
    }
    return result;
  }

  private static Request secret(String id) {
    return Request.builder(id, 4, 2)
        .tokenIds(new int[] {SECRET_TOKEN, SECRET_TOKEN, SECRET_TOKEN, SECRET_TOKEN})
        .cacheSalt("hush")
        .tenant("who-pays")
        .build();
  }

  @Test
  void r30AHundredThousandRequestsLogNothing() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(Scripted.greedy())
            .limits(Limits.of(64, 512))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 512)))
            .build();
    long now = 0;
    for (int i = 0; i < 100_000; i++) {
      assertThat(scheduler.submit(Request.of("r" + i, 4, 2), now).accepted()).isTrue();
      if (i % 64 == 63) {
        now += 1_000;
        scheduler.complete(executed(scheduler.next(now)), now);
        scheduler.complete(executed(scheduler.next(now)), now);
        scheduler.events(new EngineEvents() {});
      }
    }
    while (!scheduler.isIdle()) {
      scheduler.complete(executed(scheduler.next(++now)), now);
    }
    assertThat(scheduler.stats().ended()).isEqualTo(100_000);

    ClusterScheduler cluster = ClusterScheduler.builder().policy(leastRequests()).build();
    cluster.up("a", 0, MIXED, 0);
    for (int i = 0; i < 1_000; i++) {
      cluster.route(secret("c" + i), i).ticket().close();
    }
    assertThat(RecordedLogs.EVENTS).isEmpty();
  }

  @Test
  void r30OneLinePerCauseAndMinuteAndNothingSecret() {
    Scripted policy = Scripted.greedy();
    policy.always(
        (view, draft) -> {
          throw new IllegalStateException("broken");
        });
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .maxFaults(1_000)
            .maxRetries(1_000)
            .limits(Limits.of(4, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 64)))
            .build();
    for (int minute = 0; minute < 3; minute++) {
      for (int i = 0; i < 10; i++) {
        long now = minute * MINUTE + i;
        String id = "r" + minute + "-" + i;
        assertThat(scheduler.submit(secret(id), now).accepted()).isTrue();
        BatchPlan plan = scheduler.next(now);
        scheduler.fail(plan.stepId(), new IllegalStateException("device " + SECRET_TOKEN), now);
        scheduler.cancel(scheduler.handleOf(id), now);
        scheduler.events(new EngineEvents() {});
      }
    }
    assertThat(RecordedLogs.EVENTS)
        .as("one of the policy, one of the step, each minute")
        .hasSize(6)
        .allMatch(line -> line.startsWith("WARN "))
        .noneMatch(line -> line.contains("" + SECRET_TOKEN))
        .noneMatch(line -> line.contains("hush") || line.contains("who-pays"));
    assertThat(RecordedLogs.EVENTS.get(2)).contains("9 times since the last line");
  }
}
