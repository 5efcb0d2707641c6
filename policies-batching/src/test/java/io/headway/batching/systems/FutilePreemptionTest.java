package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Lane;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.batching.composition.FlexComposer;
import io.headway.batching.order.TokenTargets;
import io.headway.batching.planning.VirtualQueuePlanner;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.Reservation;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Nobody yields in vain: while a transfer holds memory that nobody can take back, whoever could not
 * start even in the place of others leaves them running; once it could, they yield in the iteration
 * in which it starts.
 */
class FutilePreemptionTest {
  private static final long SECOND = 1_000_000_000;

  /** A policy, who is there (the first of them runs), and who comes. */
  private record Rivals(BatchingPolicy<?> policy, List<Request> present, Request comes) {
    @Override
    public String toString() {
      return policy.id();
    }
  }

  static Stream<Rivals> rivals() {
    Request offline = Request.builder("low", 10, 40).lane(Lane.BATCH).build();
    Request online = Request.builder("high", 30, 2).arrivalNanos(2).build();
    VirtualQueuePlanner.Parameters queue =
        new VirtualQueuePlanner.Parameters(
            100, 100, 20, 1, 0, 40, VirtualQueuePlanner.Replanning.EXACT, 6, 1);
    FlexComposer.Parameters flex =
        new FlexComposer.Parameters(
            1, new TokenTargets(1000 * SECOND, SECOND), SECOND, SECOND / 10.0);
    return Stream.of(
        new Rivals(BatchLane.DEFAULT.policy(), List.of(offline), online),
        new Rivals(ConServe.DEFAULT.policy(), List.of(offline), online),
        new Rivals(
            new Qlm(queue, 1, 64).policy(),
            // The second one waits and would come first: the order is made anew, and "high" leads.
            List.of(
                Request.builder("low", 10, 40).ttftTargetNanos(1000 * SECOND).build(),
                Request.builder("low2", 10, 40).ttftTargetNanos(1000 * SECOND).build()),
            Request.builder("high", 30, 2).arrivalNanos(2).ttftTargetNanos(3 * SECOND / 2).build()),
        new Rivals(
            new Shepherd(flex).policy(),
            List.of(Request.of("low", 10, 10)),
            Request.builder("high", 29, 2).arrivalNanos(2).build()));
  }

  private static EngineScheduler scheduler(BatchingPolicy<?> policy) {
    return EngineScheduler.builder()
        .policy(policy)
        .limits(Limits.of(4, 100))
        .pool(
            PagedKvBlockPool.of(
                PagedKvConfig.of(1, 100).withHostBlocks(100).withPrefixCaching(false)))
        .strict()
        .build();
  }

  private static List<String> step(EngineScheduler scheduler, long nowNanos) {
    BatchPlan plan = scheduler.next(nowNanos);
    List<String> ids = new ArrayList<>();
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      ids.add(scheduler.request(plan.handle(row)).id());
      if (plan.emits(row)) {
        result.token(row, 1);
      }
    }
    if (!plan.isEmpty()) {
      scheduler.complete(result, nowNanos);
    }
    scheduler.events(new EngineEvents() {});
    return ids;
  }

  @ParameterizedTest
  @MethodSource("rivals")
  void nobodyYieldsToOneThatCannotStart(Rivals rivals) {
    EngineScheduler scheduler = scheduler(rivals.policy());
    rivals.present().forEach(request -> scheduler.submit(request, 0));
    assertThat(step(scheduler, 1)).containsExactly("low");
    Reservation transfer = scheduler.reserveIncoming(Request.of("in", 75, 2), 2);
    assertThat(transfer.granted()).isTrue();
    assertThat(scheduler.submit(rivals.comes(), 2).accepted()).isTrue();
    // 25 blocks beside the transfer's are too few for it, whoever yields.
    for (int iteration = 0; iteration < 3; iteration++) {
      assertThat(step(scheduler, 3 + iteration)).containsExactly("low");
    }
    assertThat(scheduler.stats().preemptions()).isZero();
    // Now there is room for it: at once, or for one of both.
    assertThat(scheduler.incomingFailed(transfer, 0, 10)).isTrue();
    assertThat(scheduler.submit(Request.of("hog", 1, 1), 10).accepted()).isTrue();
    assertThat(step(scheduler, 11)).contains("high");
  }

  @Test
  void asFewYieldAsLetItStart() {
    EngineScheduler scheduler = scheduler(BatchLane.DEFAULT.policy());
    for (String id : List.of("a", "b", "c")) {
      scheduler.submit(Request.builder(id, 30, 9).lane(Lane.BATCH).build(), 0);
    }
    assertThat(step(scheduler, 1)).containsExactly("a", "b", "c");
    scheduler.submit(Request.builder("high", 35, 2).arrivalNanos(2).build(), 2);
    assertThat(step(scheduler, 3)).contains("a", "b", "high").doesNotContain("c");
    assertThat(scheduler.stats().preemptions()).isEqualTo(1);
  }
}
