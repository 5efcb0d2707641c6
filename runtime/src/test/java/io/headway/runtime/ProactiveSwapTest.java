package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A policy may move sequences to the host and back ahead of need, as FastServe does. */
class ProactiveSwapTest {
  private final Scripted policy = Scripted.greedy();
  private final PagedKvBlockPool pool =
      PagedKvBlockPool.of(PagedKvConfig.of(4, 8).withHostBlocks(8));
  private final List<String> log = new ArrayList<>();
  private final EngineScheduler scheduler =
      EngineScheduler.builder()
          .policy(policy)
          .pool(pool)
          .limits(Limits.of(4, 64))
          .log(line -> log.add(line.toString()))
          .strict()
          .build();
  private long nowNanos;
  private int a;
  private int b;

  @BeforeEach
  void runTwo() {
    assertThat(scheduler.submit(Request.of("a", 8, 8), nowNanos).accepted()).isTrue();
    assertThat(scheduler.submit(Request.of("b", 8, 8), nowNanos).accepted()).isTrue();
    a = scheduler.view().firstWaiting();
    b = scheduler.view().nextWaiting(a);
    step();
    assertThat(scheduler.view().runningCount()).isEqualTo(2);
  }

  private BatchPlan step() {
    BatchPlan plan = scheduler.next(++nowNanos);
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 1);
      }
    }
    scheduler.complete(result.elapsed(70), ++nowNanos);
    return plan;
  }

  private static void swapOut(BatchDraft draft, int sequence) {
    assertThat(draft.preempt(sequence, sequence, PreemptionMode.SWAP, QueueEnd.TAIL))
        .isEqualTo(DraftOutcome.DONE);
  }

  /** Else what comes from another instance would be there before the old content has left. */
  @Test
  void nothingFromElsewhereTakesBlocksThatAreStillToBeRead() {
    policy.then(
        (view, draft) -> {
          swapOut(draft, a);
          swapOut(draft, b);
        });
    policy.always((view, draft) -> {});
    policy.wakeAtNanos = 1_000;
    assertThat(scheduler.next(++nowNanos).isEmpty()).isTrue();
    assertThat(reserve()).isEqualTo(Reservation.Kind.LATER);
    policy.then((view, draft) -> assertThat(draft.admit(a, 1, 0, 0)).isEqualTo(DraftOutcome.DONE));
    BatchPlan plan = scheduler.next(++nowNanos);
    assertThat(plan.moves()).isGreaterThan(2);
    assertThat(reserve()).isEqualTo(Reservation.Kind.LATER);
    StepResult result = new StepResult().begin(plan);
    result.token(0, 1);
    scheduler.complete(result, ++nowNanos);
    assertThat(reserve()).isEqualTo(Reservation.Kind.GRANTED);
  }

  private Reservation.Kind reserve() {
    return scheduler.reserveIncoming(Request.of("in", 4, 2), ++nowNanos).kind();
  }

  @Test
  void movesOutAheadOfNeedWhileTheOthersRun() {
    assertThat(scheduler.view().totalHostBlocks()).isEqualTo(8);
    assertThat(scheduler.view().freeHostBlocks()).isEqualTo(8);
    policy.then(
        (view, draft) -> {
          swapOut(draft, b);
          assertThat(draft.schedule(a, 1)).isEqualTo(DraftOutcome.DONE);
        });
    BatchPlan plan = step();
    assertThat(plan.rows()).isEqualTo(1);
    assertThat(plan.moves()).isEqualTo(2);
    assertThat(scheduler.view().state(b)).isEqualTo(SequenceState.SWAPPED);
    assertThat(scheduler.view().freeHostBlocks()).isEqualTo(6);
    assertThat(scheduler.view().iterationNanos()).isEqualTo(70);
  }

  @Test
  void bringsBackAheadOfItsTurnWithoutComputing() {
    policy.then(
        (view, draft) -> {
          swapOut(draft, b);
          draft.schedule(a, 1);
        });
    step();
    policy.then(
        (view, draft) -> {
          assertThat(draft.resume(b, 0)).isEqualTo(DraftOutcome.DONE);
          assertThat(draft.scheduledTokens(b)).isZero();
          assertThat(view.state(b)).isEqualTo(SequenceState.RUNNING);
          assertThat(view.runningCount()).as("frozen while the batch is drafted").isEqualTo(1);
          draft.schedule(a, 1);
        });
    BatchPlan plan = step();
    assertThat(plan.rows()).isEqualTo(1);
    assertThat(plan.moves()).as("the blocks come in beside the batch").isEqualTo(2);
    assertThat(scheduler.view().runningCount()).isEqualTo(2);
    assertThat(scheduler.view().decoding(b)).isTrue();
    assertThat(step().rows()).isEqualTo(2);
    assertThat(log)
        .anyMatch(line -> line.contains("\"type\":\"RESUME\"") && line.contains("\"b\""));
    while (!scheduler.isIdle()) {
      step();
    }
    Audit.quiet(scheduler, pool);
  }

  @Test
  void headroomIsKept() {
    policy.then(
        (view, draft) -> {
          swapOut(draft, b);
          draft.schedule(a, 1);
        });
    step();
    policy.then(
        (view, draft) -> {
          int free = view.freeBlocks();
          assertThat(draft.resume(b, free - 1)).isEqualTo(DraftOutcome.NO_BLOCKS);
          assertThat(draft.resume(b, free - 2)).isEqualTo(DraftOutcome.DONE);
          draft.schedule(a, 1);
        });
    step();
  }

  @Test
  void movingInAndOutForEverComesToAnEnd() {
    policy.always(
        (view, draft) -> {
          if (view.state(b) == SequenceState.SWAPPED) {
            draft.resume(b, 0);
          } else {
            swapOut(draft, b);
          }
        });
    // Out; in and out again.
    for (int call = 0; call < 2; call++) {
      assertThat(scheduler.next(++nowNanos).wakeAtNanos()).isEqualTo(nowNanos);
    }
    PolicyViolationException thrown =
        catchThrowableOfType(PolicyViolationException.class, () -> scheduler.next(++nowNanos));
    assertThat(thrown.rule()).isEqualTo(Invariant.INV_23);
    policy.always((view, draft) -> new GuardPolicy().plan(Stateless.STATE, view, draft));
    while (!scheduler.isIdle()) {
      step();
    }
    Audit.quiet(scheduler, pool);
  }

  @Test
  void whoeverWasResumedInADraftIsNotPreemptedInIt() {
    policy.then(
        (view, draft) -> {
          swapOut(draft, b);
          draft.schedule(a, 1);
        });
    step();
    policy.then(
        (view, draft) -> {
          draft.resume(b, 0);
          draft.preempt(b, b, PreemptionMode.SWAP, QueueEnd.HEAD);
        });
    assertThat(
            catchThrowableOfType(PolicyViolationException.class, () -> scheduler.next(++nowNanos)))
        .hasMessageContaining("admitted in this very draft");
    assertThat(scheduler.view().state(b)).as("rolled back").isEqualTo(SequenceState.SWAPPED);
    policy.then(
        (view, draft) -> {
          assertThat(draft.resume(b, 0))
              .as("a rolled back one does not count")
              .isEqualTo(DraftOutcome.DONE);
          draft.schedule(a, 1);
        });
    step();
    assertThat(scheduler.view().runningCount()).isEqualTo(2);
  }
}
