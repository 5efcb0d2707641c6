package io.headway.batching;

import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ChunkSchedule;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.DecodeMaximalComposer;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.ServiceCost;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.preemption.LeastUrgent;
import io.headway.batching.systems.Isrtf;
import io.headway.batching.systems.Orca;
import io.headway.batching.systems.Sarathi;
import io.headway.batching.systems.SarathiServe;
import io.headway.batching.systems.StaticFcfs;
import io.headway.batching.systems.VllmV1;
import io.headway.batching.systems.Vtc;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;

/** Every preset, and every product of parts that makes sense. */
public final class Policies extends DomainContextBase {
  @Provide
  public Arbitrary<ComposedBatchingPolicy> policies() {
    return Arbitraries.oneOf(presets(), composed());
  }

  private static Arbitrary<ComposedBatchingPolicy> presets() {
    return Arbitraries.of(
        new StaticFcfs().policy(),
        Orca.DEFAULT.policy(),
        new Orca(WholeOutputAdmission.Length.PREDICTED, 2048, 0).policy(),
        new Orca(WholeOutputAdmission.Length.MAXIMUM, 26, 2).policy(),
        new VllmV1(7, VllmV1.Order.FCFS, 0, true).policy(),
        new VllmV1(16, VllmV1.Order.FCFS, 5, true).policy(),
        new VllmV1(16, VllmV1.Order.FCFS, 0, false).policy(),
        new VllmV1(9, VllmV1.Order.PRIORITY, 0, true).policy(),
        new Sarathi(6).policy(),
        new Sarathi(2).policy(),
        new SarathiServe(8, 0.01).policy(),
        new SarathiServe(3, 0.2).policy(),
        new SarathiServe(ChunkSchedule.falling(16, 4, 3, 12), 0).policy(),
        Vtc.DEFAULT.policy(),
        new Vtc(VtcLedger.Parameters.DEFAULT.withPrediction(VtcLedger.Prediction.REQUEST)).policy(),
        new Isrtf(3, 0, PreemptionMode.RECOMPUTE).policy(),
        new Isrtf(5, 1e9, PreemptionMode.SWAP).policy());
  }

  private static Arbitrary<ComposedBatchingPolicy> composed() {
    Arbitrary<QueueOrder<?>> orders =
        Arbitraries.of(
            new FirstComeOrder(),
            new PriorityOrder(),
            new PredictedRemainingOrder(4, 0),
            new AnyTime<>(new PriorityOrder()),
            FairShareOrder.of(new VtcLedger(VtcLedger.Parameters.DEFAULT)),
            FairShareOrder.of(
                new VtcLedger(
                    VtcLedger.Parameters.DEFAULT
                        .withCost(ServiceCost.PROFILED)
                        .withPrediction(VtcLedger.Prediction.TENANT_AVERAGE))));
    Arbitrary<AdmissionTest<?>> admissions =
        Arbitraries.of(
            new FirstChunkAdmission(),
            new FirstChunkAdmission(0.1),
            new WholePromptAdmission(0.05),
            WholeOutputAdmission.declared(),
            WholeOutputAdmission.predicted(),
            new PaddedBatchAdmission());
    Arbitrary<BatchComposer<?>> compositions =
        Arbitraries.of(
            new RunToCompletionComposer(),
            new IterationLevelComposer(),
            new TokenBudgetComposer(8, 0, true),
            new TokenBudgetComposer(14, 3, false),
            new DecodeMaximalComposer(5),
            new StallFreeComposer(6),
            new WindowedComposer(3));
    Arbitrary<VictimSelector<?>> victims =
        Arbitraries.of(
            new LastCandidate(),
            new LastCandidate(PreemptionMode.SWAP, QueueEnd.TAIL),
            new LeastUrgent(),
            new LeastUrgent(PreemptionMode.SWAP));
    return Combinators.combine(orders, admissions, compositions, victims)
        .as(Policies::compose)
        .filter(policy -> policy != null);
  }

  /** With or without preemption, whichever makes sense; null if neither does. */
  private static ComposedBatchingPolicy compose(
      QueueOrder<?> order,
      AdmissionTest<?> admission,
      BatchComposer<?> composition,
      VictimSelector<?> victims) {
    Batching.Builder builder = Batching.order(order).admission(admission).composition(composition);
    try {
      return builder.build();
    } catch (IllegalArgumentException needsPreemption) {
      try {
        return builder.preemption(victims).build();
      } catch (IllegalArgumentException refused) {
        return null;
      }
    }
  }

  /** An order that does not say that its keys are fixed. */
  public record AnyTime<S>(QueueOrder<S> order) implements QueueOrder<S> {
    @Override
    public String id() {
      return "any-time-" + order.id();
    }

    @Override
    public S newState() {
      return order.newState();
    }

    @Override
    public KeyChange keyChange() {
      return KeyChange.ANY_TIME;
    }

    @Override
    public int compare(S state, BatchView view, int a, int b) {
      return order.compare(state, view, a, b);
    }

    @Override
    public void onQueued(S state, BatchView view, int sequence) {
      order.onQueued(state, view, sequence);
    }

    @Override
    public void onServed(
        S state, BatchView view, int sequence, int prefillTokens, int outputTokens) {
      order.onServed(state, view, sequence, prefillTokens, outputTokens);
    }

    @Override
    public void onEnded(S state, BatchView view, int sequence, End end) {
      order.onEnded(state, view, sequence, end);
    }
  }
}
