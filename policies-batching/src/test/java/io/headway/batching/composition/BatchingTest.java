package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.Claims;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
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
}
