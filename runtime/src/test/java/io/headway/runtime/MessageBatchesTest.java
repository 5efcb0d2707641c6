package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.Lane;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.MessageBatches.Counts;
import io.headway.runtime.MessageBatches.Status;
import org.junit.jupiter.api.Test;

class MessageBatchesTest {
  private final MessageBatches batches = new MessageBatches();

  @Test
  void everyEndHasItsCount() {
    End[] ends = End.values();
    for (int i = 0; i < ends.length; i++) {
      batches.accepted("b", i);
    }
    batches.refused("b");
    assertThat(batches.status("b")).isEqualTo(Status.IN_PROGRESS);
    assertThat(batches.counts("b")).isEqualTo(new Counts(ends.length, 0, 1, 0, 0));
    for (int i = 0; i < ends.length; i++) {
      batches.ended(i, ends[i], "");
      batches.ended(i, ends[i], "");
    }
    // Stopped, length and handed over; failed, never fits, drained and the one refused.
    assertThat(batches.counts("b")).isEqualTo(new Counts(0, 3, 4, 1, 1));
    assertThat(batches.counts("b").requests()).isEqualTo(ends.length + 1);
    assertThat(batches.status("b")).isEqualTo(Status.ENDED);
  }

  @Test
  void aCanceledBatchEndsWhenItsLastRequestDoes() {
    batches.accepted("a", 1);
    batches.accepted("b", 2);
    batches.accepted("b", 3);
    assertThat(batches.cancel("b")).containsExactly(2, 3);
    assertThat(batches.status("b")).isEqualTo(Status.CANCELING);
    assertThat(batches.forget("b")).isFalse();
    batches.ended(2, End.STOPPED, "");
    batches.ended(3, End.CANCELLED, "");
    assertThat(batches.status("b")).isEqualTo(Status.ENDED);
    assertThat(batches.counts("b")).isEqualTo(new Counts(0, 1, 0, 1, 0));
    assertThat(batches.status("a")).isEqualTo(Status.IN_PROGRESS);
    assertThat(batches.forget("b")).isTrue();
    assertThat(batches.forget("b")).isFalse();
  }

  @Test
  void mistakesAreNamed() {
    batches.accepted("b", 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> batches.accepted("c", 1))
        .withMessage("handle 1 is processing in a message batch already");
    batches.cancel("b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> batches.refused("b"))
        .withMessage("message batch 'b' must not be canceled to take requests, but it is");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> batches.status("x"))
        .withMessage("message batch 'x' is unknown");
  }

  /** Fed by a scheduler: two are served, one expires in the queue, one is canceled. */
  @Test
  void aSchedulersEventsMakeTheCounts() {
    Scripted policy = Scripted.greedy();
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 16)))
            .limits(Limits.of(2, 64))
            .strict()
            .build();
    long[] handles = new long[4];
    for (int i = 0; i < 4; i++) {
      Request request = Request.builder("r" + i, 4, 2).lane(Lane.BATCH).build();
      handles[i] = scheduler.submit(request, 0).handle();
      batches.accepted("b", handles[i]);
    }
    GuardPolicy greedy = new GuardPolicy();
    policy.then(
        (view, draft) -> {
          greedy.plan(greedy.newState(), view, draft);
          draft.expire(view.firstWaiting());
          assertThat(view.firstWaiting()).isNotEqualTo(BatchView.NONE);
        });
    StepResult result = new StepResult();
    for (int now = 1; now < 9; now++) {
      BatchPlan plan = scheduler.next(now);
      if (now == 1) {
        assertThat(scheduler.cancel(handles[3], now)).isTrue();
      }
      if (!plan.isEmpty()) {
        result.begin(plan);
        for (int i = 0; i < plan.rows(); i++) {
          result.token(i, 1);
        }
        scheduler.complete(result, now);
      }
      scheduler.events(batches);
    }
    assertThat(batches.counts("b")).isEqualTo(new Counts(0, 2, 0, 1, 1));
    assertThat(batches.status("b")).isEqualTo(Status.ENDED);
  }
}
