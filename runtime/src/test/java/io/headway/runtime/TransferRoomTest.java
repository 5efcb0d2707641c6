package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import org.junit.jupiter.api.Test;

/** Room for those who come by a transfer, and for those who wait for one to end. */
class TransferRoomTest {
  private static final int BLOCK_TOKENS = 4;

  private final Scripted policy = Scripted.greedy();

  private EngineScheduler scheduler(int slots, int tokens, int blocks) {
    return EngineScheduler.builder()
        .policy(policy)
        .strict()
        .limits(Limits.of(slots, tokens))
        .pool(PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, blocks)))
        .build();
  }

  private static void complete(EngineScheduler scheduler, BatchPlan plan) {
    StepResult result = new StepResult().begin(plan);
    for (int row = 0; row < plan.rows(); row++) {
      if (plan.emits(row)) {
        result.token(row, 1);
      }
    }
    scheduler.complete(result, 1);
  }

  @Test
  void byDefaultAllThatARequestMayEverHoldIsSetAside() {
    BatchingPolicy<Stateless> silent =
        new BatchingPolicy<>() {
          @Override
          public String id() {
            return "silent";
          }

          @Override
          public Stateless newState() {
            return Stateless.STATE;
          }

          @Override
          public void plan(Stateless state, BatchView view, BatchDraft draft) {}
        };
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(silent)
            .limits(Limits.of(2, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, 4)))
            .build();
    // 8 + 7 - 1 entries in blocks of 4.
    assertThat(scheduler.reserveIncoming(Request.of("a", 8, 7), 0).blocks()).isEqualTo(4);
    assertThat(scheduler.reserveIncoming(Request.of("b", 1, 1), 0).kind())
        .isEqualTo(Reservation.Kind.LATER);
  }

  @Test
  void aPolicyMaySetAsideLessButNotLessThanThePromptNorMoreThanThePeak() {
    EngineScheduler scheduler = scheduler(4, 64, 16);
    policy.incomingTokens = 10;
    assertThat(scheduler.reserveIncoming(Request.of("a", 8, 7), 0).blocks()).isEqualTo(3);
    policy.incomingTokens = 0;
    assertThat(scheduler.reserveIncoming(Request.of("b", 8, 7), 0).blocks()).isEqualTo(2);
    policy.incomingTokens = Integer.MAX_VALUE;
    assertThat(scheduler.reserveIncoming(Request.of("c", 8, 7), 0).blocks()).isEqualTo(4);
  }

  @Test
  void noMoreHoldASlotThanAnIterationHasTokens() {
    EngineScheduler scheduler = scheduler(4, 2, 16);
    policy.incomingTokens = 1;
    assertThat(scheduler.reserveIncoming(Request.of("a", 4, 2), 0).granted()).isTrue();
    assertThat(scheduler.submit(Request.of("b", 4, 2), 0).accepted()).isTrue();
    int b = scheduler.view().firstWaiting();
    policy.then((view, draft) -> assertThat(draft.admit(b, 1, 0, 0)).isEqualTo(DraftOutcome.DONE));
    complete(scheduler, scheduler.next(1));
    assertThat(scheduler.reserveIncoming(Request.of("c", 4, 2), 2).kind())
        .isEqualTo(Reservation.Kind.LATER);
    assertThat(scheduler.submit(Request.of("d", 1, 1), 2).accepted()).isTrue();
    int d = scheduler.view().firstWaiting();
    policy.then(
        (view, draft) -> {
          assertThat(draft.slotsLeft()).isZero();
          assertThat(draft.admit(d, 1, 0, 0)).isEqualTo(DraftOutcome.NO_SLOT);
          draft.schedule(b, 1);
        });
    complete(scheduler, scheduler.next(3));
  }

  /** Computing a part of it again would end at the same shortage, over and over. */
  @Test
  void whileATransferIsPendingWhoYieldedWaitsForRoomForAllItKnows() {
    EngineScheduler scheduler = scheduler(2, 64, 4);
    policy.incomingTokens = 1;
    assertThat(scheduler.submit(Request.of("a", 8, 6), 0).accepted()).isTrue();
    int a = scheduler.view().firstWaiting();
    policy.then((view, draft) -> draft.admit(a, 8, 0, 0));
    complete(scheduler, scheduler.next(1));
    Reservation in = scheduler.reserveIncoming(Request.of("in", 8, 2), 2);
    assertThat(in.granted()).isTrue();
    policy.then(
        (view, draft) -> {
          assertThat(draft.schedule(a, 1)).isEqualTo(DraftOutcome.NO_BLOCKS);
          draft.preempt(a, a, PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
        });
    policy.always((view, draft) -> {});
    assertThat(scheduler.next(3).wakeAtNanos()).isEqualTo(3);
    // Two of the three blocks for its 9 tokens are free, enough for a first chunk.
    policy.then(
        (view, draft) -> assertThat(draft.admit(a, 4, 0, 0)).isEqualTo(DraftOutcome.NO_BLOCKS));
    assertThat(scheduler.next(4).wakeAtNanos()).isEqualTo(in.leaseUntilNanos());
    assertThat(scheduler.incomingFailed(in, 0, 5)).isTrue();
    policy.then((view, draft) -> assertThat(draft.admit(a, 4, 0, 0)).isEqualTo(DraftOutcome.DONE));
    assertThat(scheduler.next(6).rows()).isEqualTo(1);
    assertThat(scheduler.view().firstWaiting()).isEqualTo(BatchView.NONE);
  }
}
