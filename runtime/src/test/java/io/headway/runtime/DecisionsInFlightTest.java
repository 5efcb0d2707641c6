package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * While a plan is in flight, one call of {@code next} decides once. With nothing in flight it
 * decides until there is a plan, but a decision that only preempts is not followed by another that
 * could admit the victim at the same moment: its empty plan asks to be called again now. While a
 * transfer is pending it decides again without the victim.
 */
class DecisionsInFlightTest {
  private final Scripted policy = Scripted.greedy();
  private final EngineScheduler scheduler =
      EngineScheduler.builder()
          .policy(policy)
          .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 16)))
          .limits(Limits.of(4, 64))
          .depth(2)
          .strict()
          .build();
  private int a;
  private int b;
  private int decisions;

  @BeforeEach
  void admitTwo() {
    scheduler.submit(Request.of("a", 4, 8), 0);
    scheduler.submit(Request.of("b", 4, 8), 0);
    a = scheduler.view().firstWaiting();
    b = scheduler.view().nextWaiting(a);
    complete(scheduler.next(0));
    assertThat(scheduler.view().runningCount()).isEqualTo(2);
  }

  private void complete(BatchPlan plan) {
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 1);
      }
    }
    scheduler.complete(result, 1);
  }

  /** Preempts b, and admits it again as soon as it is asked once more. */
  private void preemptThenAdmit() {
    policy.always(
        (view, draft) -> {
          decisions++;
          if (view.state(b) == SequenceState.RUNNING) {
            assertThat(draft.preempt(b, b, PreemptionMode.RECOMPUTE, QueueEnd.HEAD))
                .isEqualTo(DraftOutcome.DONE);
          } else {
            assertThat(draft.admit(b, 8, 0, 0)).isEqualTo(DraftOutcome.DONE);
          }
        });
  }

  @Test
  void oneCallDecidesOnceWhileAPlanIsInFlight() {
    policy.then((view, draft) -> assertThat(draft.schedule(a, 1).done()).isTrue());
    BatchPlan flying = scheduler.next(2);
    assertThat(flying.rows()).isEqualTo(1);
    preemptThenAdmit();
    assertThat(scheduler.next(3).isEmpty()).isTrue();
    assertThat(decisions).isEqualTo(1);
    assertThat(scheduler.view().state(b)).isEqualTo(SequenceState.WAITING);
    assertThat(scheduler.view().preemptions(b)).isEqualTo(1);
    // The next call is another moment.
    assertThat(scheduler.next(4).rows()).isEqualTo(1);
    assertThat(decisions).isEqualTo(2);
    assertThat(scheduler.view().state(b)).isEqualTo(SequenceState.RUNNING);
  }

  @Test
  void withNothingInFlightADecisionThatOnlyPreemptsIsACallOfItsOwn() {
    preemptThenAdmit();
    BatchPlan plan = scheduler.next(2);
    assertThat(plan.isEmpty()).isTrue();
    assertThat(plan.wakeAtNanos()).isEqualTo(2);
    assertThat(decisions).isEqualTo(1);
    assertThat(scheduler.next(2).rows()).isEqualTo(1);
    assertThat(decisions).isEqualTo(2);
    assertThat(scheduler.view().firstWaiting()).isEqualTo(BatchView.NONE);
  }

  @Test
  void withNothingInFlightADecisionThatOnlyRefusesIsFollowedByAnother() {
    assertThat(scheduler.submit(Request.of("c", 4, 8), 1).accepted()).isTrue();
    policy.then((view, draft) -> draft.refuse(view.firstWaiting()));
    policy.then((view, draft) -> assertThat(draft.schedule(a, 1).done()).isTrue());
    assertThat(scheduler.next(2).rows()).isEqualTo(1);
    assertThat(scheduler.view().firstWaiting()).isEqualTo(BatchView.NONE);
  }

  @Test
  void whileATransferIsPendingWhoYieldedIsLetInByTheNextCallOnly() {
    assertThat(scheduler.reserveIncoming(Request.of("c", 4, 8), 1).granted()).isTrue();
    policy.then((view, draft) -> preemptB(draft));
    policy.then(
        (view, draft) -> assertThat(draft.admit(b, 8, 0, 0)).isEqualTo(DraftOutcome.NO_BLOCKS));
    BatchPlan plan = scheduler.next(2);
    assertThat(plan.isEmpty()).isTrue();
    assertThat(plan.wakeAtNanos()).isEqualTo(2);
    policy.then((view, draft) -> assertThat(draft.admit(b, 8, 0, 0)).isEqualTo(DraftOutcome.DONE));
    assertThat(scheduler.next(2).rows()).isEqualTo(1);
    assertThat(scheduler.view().firstWaiting()).isEqualTo(BatchView.NONE);
  }

  @Test
  void whoYieldedInADraftThatWasRolledBackHasNotYielded() {
    EngineScheduler guarded =
        EngineScheduler.builder()
            .policy(policy)
            .limits(Limits.of(2, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 16)))
            .build();
    guarded.submit(Request.of("a", 4, 8), 0);
    int first = guarded.view().firstWaiting();
    policy.then((view, draft) -> assertThat(draft.admit(first, 4, 0, 0).done()).isTrue());
    BatchPlan plan = guarded.next(0);
    StepResult result = new StepResult().begin(plan);
    result.token(0, 1);
    guarded.complete(result, 1);
    policy.then(
        (view, draft) -> {
          draft.preempt(first, first, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
          throw new IllegalStateException("a fault after a preemption");
        });
    // The built-in policy decides in its place, as if nobody had yielded.
    assertThat(guarded.next(2).rows()).isEqualTo(1);
    assertThat(guarded.view().preemptions(first)).isZero();
  }

  private void preemptB(BatchDraft draft) {
    assertThat(draft.preempt(b, b, PreemptionMode.RECOMPUTE, QueueEnd.HEAD))
        .isEqualTo(DraftOutcome.DONE);
  }
}
