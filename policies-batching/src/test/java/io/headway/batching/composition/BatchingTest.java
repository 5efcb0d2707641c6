package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.systems.BatchingParts;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import org.junit.jupiter.api.Test;

class BatchingTest {
  private static Batching.Ordered builder() {
    return Batching.order(new FirstComeOrder());
  }

  @Test
  void refusesToRunOutOfMemoryWithoutPreemption() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(new FirstChunkAdmission())
                    .composition(new IterationLevelComposer())
                    .build())
        .withMessage(
            "batching policy makes no sense: admission 'first-chunk' does not reserve memory for"
                + " the whole output, so blocks can run out: add preemption, or reserve the whole"
                + " output");
  }

  @Test
  void refusesPreemptionThatNobodyAsksFor() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(WholeOutputAdmission.declared())
                    .composition(new IterationLevelComposer())
                    .preemption(new LastCandidate())
                    .build())
        .withMessage(
            "batching policy makes no sense: preemption 'youngest' would never be asked, since"
                + " admission 'whole-output' reserves memory for the whole output: leave one of"
                + " them out");
  }

  @Test
  void refusesOrderByPreemptionWithoutPreemption() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(WholeOutputAdmission.declared())
                    .composition(new WindowedComposer(50))
                    .build())
        .withMessage(
            "batching policy makes no sense: composition 'isrtf' preempts whom the order puts"
                + " behind others: add preemption");
  }

  @Test
  void refusesToJoinAPaddedBatch() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(new PaddedBatchAdmission())
                    .composition(new IterationLevelComposer())
                    .build())
        .withMessage(
            "batching policy makes no sense: admission 'padded-batch' sizes one batch that nobody"
                + " joins later, but composition 'orca' admits while others run: use"
                + " composition 'run-to-completion'");
  }

  @Test
  void refusesPromisesThatNobodyKeeps() {
    SloTiersComposer tiers = new SloTiersComposer(SloTiersComposer.Parameters.DEFAULT);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(tiers)
                    .composition(new IterationLevelComposer())
                    .preemption(new LastCandidate())
                    .build())
        .withMessage(
            "batching policy makes no sense: admission 'slos-serve' promises targets that only its"
                + " own composition keeps, but composition is 'orca': give the same object to both"
                + " steps, or the same text to both parts");
    assertThat(
            builder().admission(tiers).composition(tiers).preemption(new LastCandidate()).build())
        .hasToString("compose[fcfs, slos-serve, slos-serve, youngest]");
  }

  @Test
  void refusesToBackfillUnderAnOrderThatMayPutBatchWorkFirst() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(new FirstChunkAdmission())
                    .composition(BatchingParts.batchLane())
                    .preemption(new LastCandidate())
                    .build())
        .withMessage(
            "batching policy makes no sense: composition 'batch-lane' preempts batch work for"
                + " interactive requests, but order 'fcfs' may put batch work before them, so both"
                + " would yield for ever: use order 'lane' and no planning");
  }

  @Test
  void refusesToPlanForACompositionThatChooses() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                builder()
                    .admission(new FirstChunkAdmission())
                    .composition(BatchingParts.conServe())
                    .preemption(new LastCandidate())
                    .planning(BatchingParts.batchLlm())
                    .build())
        .withMessage(
            "batching policy makes no sense: composition 'conserve' decides itself who must start"
                + " before others, but planning 'batchllm' may hold those back: leave planning"
                + " out");
  }

  @Test
  void handsOutTheStateOfItsOwnPartsOnly() {
    PredictedRemainingOrder order = new PredictedRemainingOrder(50, 0);
    ComposedBatchingPolicy policy =
        Batching.order(order)
            .admission(new FirstChunkAdmission())
            .composition(new WindowedComposer(50))
            .preemption(new LastCandidate())
            .build();
    assertThat(policy.newState().of(order)).isInstanceOf(PredictedRemainingOrder.State.class);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> policy.newState().of(new PriorityOrder()))
        .withMessage("part must be one this policy is made of, but 'priority' is not");
  }

  @Test
  void promisesNoFewerPreemptionsThanItsCompositionKeeps() {
    Claims.Bound bound = Claims.Bound.PREEMPTIONS_PER_REQUEST;
    ComposedBatchingPolicy never =
        builder()
            .admission(WholeOutputAdmission.declared())
            .composition(new IterationLevelComposer())
            .build();
    ComposedBatchingPolicy byOrder =
        builder()
            .admission(WholeOutputAdmission.declared())
            .composition(new WindowedComposer(50))
            .preemption(new LastCandidate())
            .build();
    assertThat(never.claims().bound(bound)).hasValue(0);
    assertThat(byOrder.claims().bound(bound)).isEmpty();
  }

  @Test
  void r31EachPartExplainsItself() {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(
                Batching.order(new PriorityOrder())
                    .admission(new FirstChunkAdmission())
                    .composition(new TokenBudgetComposer(8, 0, true))
                    .preemption(new LastCandidate())
                    .build())
            .limits(Limits.of(1, 64))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 16)))
            .strict()
            .build();
    for (int i = 0; i < 3; i++) {
      assertThat(
              scheduler.submit(Request.builder("r" + i, 4, 4).priority(-i).build(), 0).accepted())
          .isTrue();
    }
    scheduler.next(1);
    assertThat(scheduler.explain(scheduler.handleOf("r2")).policyReason())
        .isEqualTo("runs by composition 'vllm-v1'");
    assertThat(scheduler.explain(scheduler.handleOf("r0")).policyReason())
        .startsWith("1 ahead by order 'priority'; admission 'first-chunk': ");
  }
}
