package io.headway.examples.firstpolicy;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.batching.End;
import io.headway.memory.footprint.TokenFootprint;
import io.headway.memory.pool.AccountedKvPool;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OwnPoliciesTest {
  private static final long SECOND = 1_000_000_000L;

  private final Map<Long, String> ids = new HashMap<>();
  private final Deque<BatchPlan> flying = new ArrayDeque<>();

  /** An engine with memory of its own, which plans one step ahead. */
  @Test
  void waitingMakesUrgent() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new AgingPriority())
            .strict()
            .depth(2)
            .limits(Limits.of(1, 64))
            .pool(AccountedKvPool.of(new TokenFootprint(), 256))
            .build();
    List<String> ends = new ArrayList<>();
    submit(scheduler, "running", 0, 0);
    long now = step(scheduler, SECOND);
    submit(scheduler, "patient", 5, now);
    submit(scheduler, "urgent", 1, now + SECOND);
    submit(scheduler, "late", 3, now + 6 * SECOND);
    now += 7 * SECOND;
    while (!scheduler.isIdle()) {
      now = step(scheduler, now + 1);
      scheduler.events(
          new EngineEvents() {
            @Override
            public void ended(long handle, End end, String detail) {
              ends.add(ids.get(handle));
            }
          });
    }
    assertThat(ends).containsExactly("running", "urgent", "patient", "late");
  }

  private void submit(EngineScheduler scheduler, String id, int priority, long now) {
    Request request = Request.builder(id, 8, 4).priority(priority).arrivalNanos(now).build();
    SubmitResult result = scheduler.submit(request, now);
    assertThat(result.accepted()).isTrue();
    ids.put(result.handle(), id);
  }

  private long step(EngineScheduler scheduler, long now) {
    while (scheduler.canPlan()) {
      BatchPlan plan = scheduler.next(now);
      if (plan.isEmpty()) {
        break;
      }
      flying.add(plan);
    }
    BatchPlan plan = flying.poll();
    if (plan != null) {
      StepResult result = new StepResult().begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, 1);
        }
      }
      scheduler.complete(result, now);
    }
    return now;
  }

  /** Three blocks of four: room for two short outputs, or for one long one. */
  @Test
  void predictionsOrderTheQueueAndKeepRoom() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("shortest-output-first:tokenBudget=32")
            .strict()
            .limits(Limits.of(4, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 3)))
            .build();
    submit(scheduler, "long", 9);
    submit(scheduler, "short", 2);
    submit(scheduler, "unknown", -1);
    submit(scheduler, "shorter", 1);
    List<String> running = new ArrayList<>();
    for (long now = 1; !scheduler.isIdle(); now++) {
      BatchPlan plan = scheduler.next(now);
      StepResult result = new StepResult().begin(plan);
      List<String> batch = new ArrayList<>();
      for (int row = 0; row < plan.rows(); row++) {
        String id = ids.get(plan.handle(row));
        batch.add(id);
        result.token(row, 1);
        // All stop where they were predicted to, and the unknown one at once.
        if (!id.equals("long") && (!id.equals("short") || plan.start(row) > 0)) {
          result.stop(row);
        }
      }
      batch.sort(null);
      String text = String.join(" ", batch);
      if (running.isEmpty() || !running.get(running.size() - 1).equals(text)) {
        running.add(text);
      }
      scheduler.complete(result, now);
    }
    assertThat(running).containsExactly("short shorter", "short", "long", "unknown");
  }

  private void submit(EngineScheduler scheduler, String id, int predictedTokens) {
    Request.Builder request = Request.builder(id, 3, 10);
    if (predictedTokens > 0) {
      request.predictedOutputTokens(predictedTokens);
    }
    SubmitResult result = scheduler.submit(request.build(), 0);
    assertThat(result.accepted()).isTrue();
    ids.put(result.handle(), id);
  }

  @Test
  void sessionsStayWhereTheyAre() {
    ClusterScheduler cluster =
        ClusterScheduler.builder().policy(new StickyRouting()).strict().build();
    for (String id : List.of("a", "b")) {
      cluster.up(id, 0, InstanceProfile.of(Role.MIXED, 64, 1_000, 16), 0);
    }
    Request first = Request.builder("r1", 8, 4).session("s").build();
    assertThat(cluster.route(first, 1).ticket().primary()).isEqualTo("a");
    assertThat(cluster.route(Request.of("r2", 8, 4), 2).ticket().primary()).isEqualTo("b");
    Request again = Request.builder("r3", 8, 4).session("s").build();
    assertThat(cluster.explainRoute(again, 3).instance()).isEqualTo("a");
    assertThat(cluster.route(again, 3).ticket().primary()).isEqualTo("a");
    cluster.down("a", 0, 4);
    Request moved = Request.builder("r4", 8, 4).session("s").build();
    assertThat(cluster.route(moved, 5).ticket().primary()).isEqualTo("b");
  }
}
