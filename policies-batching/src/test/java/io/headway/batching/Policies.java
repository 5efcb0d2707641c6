package io.headway.batching;

import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.ServedSequences;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.admission.LaneAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.PullAdmission;
import io.headway.batching.admission.SliceAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.BackfillComposer;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ChunkSchedule;
import io.headway.batching.composition.ClearingComposer;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.DecodeMaximalComposer;
import io.headway.batching.composition.DeferredComposer;
import io.headway.batching.composition.EvictingComposer;
import io.headway.batching.composition.FairBatchingComposer;
import io.headway.batching.composition.FlexComposer;
import io.headway.batching.composition.HarvestComposer;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.LatencyProfile;
import io.headway.batching.composition.LinearBatchTime;
import io.headway.batching.composition.PaddedPrefillComposer;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.composition.SliceComposer;
import io.headway.batching.composition.SloTiersComposer;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.EquinoxLedger;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.ServiceCost;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.LaneExpiry;
import io.headway.batching.order.LaneOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.order.TokenDeadlineOrder;
import io.headway.batching.order.TokenTargets;
import io.headway.batching.planning.AnnealingPlanner;
import io.headway.batching.planning.BucketPlanner;
import io.headway.batching.planning.DensityPlanner;
import io.headway.batching.planning.LatencySurface;
import io.headway.batching.planning.LengthBuckets;
import io.headway.batching.planning.SliceBatches;
import io.headway.batching.planning.SlicePlanner;
import io.headway.batching.planning.SloAnnealing;
import io.headway.batching.planning.SloOdbs;
import io.headway.batching.planning.SloOdbsPlanner;
import io.headway.batching.planning.SortedF;
import io.headway.batching.planning.SortedFPlanner;
import io.headway.batching.planning.VirtualQueuePlanner;
import io.headway.batching.preemption.LaneFirst;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.preemption.LeastUrgent;
import io.headway.batching.systems.AlphaProtection;
import io.headway.batching.systems.BatchLane;
import io.headway.batching.systems.BatchLlm;
import io.headway.batching.systems.BlendServe;
import io.headway.batching.systems.BucketServe;
import io.headway.batching.systems.ConServe;
import io.headway.batching.systems.Equinox;
import io.headway.batching.systems.FairBatching;
import io.headway.batching.systems.FineInfer;
import io.headway.batching.systems.Isrtf;
import io.headway.batching.systems.McSf;
import io.headway.batching.systems.Orca;
import io.headway.batching.systems.Qlm;
import io.headway.batching.systems.Sarathi;
import io.headway.batching.systems.SarathiServe;
import io.headway.batching.systems.Scls;
import io.headway.batching.systems.Shepherd;
import io.headway.batching.systems.SloAware;
import io.headway.batching.systems.SlosServe;
import io.headway.batching.systems.SortedFServing;
import io.headway.batching.systems.StaticFcfs;
import io.headway.batching.systems.Uellm;
import io.headway.batching.systems.VllmV1;
import io.headway.batching.systems.Vtc;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;

/** Every preset, and every product of parts that makes sense. */
public final class Policies extends DomainContextBase {
  // The clock of a run counts iterations as nanoseconds.
  private static final FairBatchingComposer.Parameters FAIR =
      new FairBatchingComposer.Parameters(
          new TokenTargets(6, 2),
          new LinearBatchTime(0.2, 0.1, 0.01),
          1,
          3,
          FairBatchingComposer.NEXT_BATCH_OF_DECODES);
  private static final FairBatchingComposer.Parameters FAIR_WITHOUT_SLACK =
      new FairBatchingComposer.Parameters(
          new TokenTargets(0, 0), new LinearBatchTime(0, 0.3, 0.2), 1, 1, 2);
  private static final SloTiersComposer.Parameters TIERS =
      new SloTiersComposer.Parameters(new TokenTargets(8, 2), 0.2, 0.15, 3);
  private static final FlexComposer.Parameters FLEX =
      new FlexComposer.Parameters(1.5, new TokenTargets(6, 1), 3, 1);

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
        new Isrtf(5, 1e9, PreemptionMode.SWAP).policy(),
        scls(2, PreemptionMode.RECOMPUTE),
        scls(5, PreemptionMode.SWAP),
        new BucketServe(new LengthBuckets(16, 0.5), 0.9, BucketPlanner.Pick.OLDEST, 64).policy(),
        new BucketServe(new LengthBuckets(8, 0.2), 1, BucketPlanner.Pick.SHORTEST, 4).policy(),
        new SloAware(annealing(2), 9).policy(),
        new SloAware(annealing(16), 2048).policy(),
        new Qlm(queue(VirtualQueuePlanner.Replanning.EXACT, 1e-9), 3, 12).policy(),
        new Qlm(queue(VirtualQueuePlanner.Replanning.EDF, 1e-6), 10, 7).policy(),
        new FineInfer(3, 0).policy(),
        new FineInfer(20, 2).policy(),
        new Uellm(new SloOdbs(0.5, 0.1, 1, 1, 4, 3), 2).policy(),
        SortedFServing.DEFAULT.policy(),
        new SortedFServing(new SortedF(SortedF.Method.F, 2), 5, 0.1).policy(),
        McSf.DEFAULT.policy(),
        new McSf(McSf.Order.ARRIVAL, FutureFitAdmission.Length.DECLARED, 0).policy(),
        new McSf(McSf.Order.PREDICTED, FutureFitAdmission.Length.PREDICTED, 0.2).policy(),
        new AlphaProtection(0.1, 1).policy(),
        new AlphaProtection(0, 0.4).policy(),
        lane(9, 0, 2, 24, BackfillComposer.AtExpiry.FINISH),
        lane(16, 3, 0, 1_000_000, BackfillComposer.AtExpiry.FINISH),
        new FairBatching(FAIR, 0.01).policy(),
        new FairBatching(FAIR_WITHOUT_SLACK, 0.1).policy(),
        new SlosServe(TIERS).policy(),
        new SlosServe(new SloTiersComposer.Parameters(new TokenTargets(20, 4), 1, 0.2, 2)).policy(),
        Equinox.DEFAULT.policy(),
        new Equinox(
                new EquinoxLedger.Parameters(
                    1, 3, EquinoxLedger.DiscountedTokens.DEFAULT, (p, n) -> p, 0, false))
            .policy(),
        new BatchLlm(9, 0.05, 2).policy(),
        new BlendServe(12, 0, new DensityPlanner.Parameters(1, 0.1, 0)).policy(),
        new ConServe(LatencyProfile.parse("3:0.5,8:1"), 1_000_000_000, PreemptionMode.SWAP, 0.01)
            .policy(),
        new ConServe(LatencyProfile.parse("5:0.5"), 1, PreemptionMode.RECOMPUTE, 0).policy(),
        new Shepherd(FLEX).policy(),
        new Shepherd(new FlexComposer.Parameters(3.03, new TokenTargets(30, 2), 4, 2)).policy());
  }

  private static ComposedBatchingPolicy scls(int sliceTokens, PreemptionMode mode) {
    LatencySurface prefill = new LatencySurface(0.01, 0, 0, 2);
    LatencySurface decode = new LatencySurface(0.001, 0.1, 0, 4);
    return new Scls(new SliceBatches(sliceTokens, prefill, decode), 0.5, 0, mode).policy();
  }

  private static AnnealingPlanner annealing(int maxBatch) {
    return new AnnealingPlanner(
        new SloAnnealing(maxBatch, 500, 100, 0.8, 5),
        LatencySurface.DEFAULT_PREFILL,
        LatencySurface.DEFAULT_DECODE,
        new AnnealingPlanner.Objectives(0.05, 0.02),
        12);
  }

  private static VirtualQueuePlanner.Parameters queue(
      VirtualQueuePlanner.Replanning replanning, double sloSeconds) {
    return new VirtualQueuePlanner.Parameters(
        2, 1e8, sloSeconds, sloSeconds, 0, 2, replanning, 4, 3e-9);
  }

  private static ComposedBatchingPolicy lane(
      int budget, int laneTokens, int headroom, long expiry, BackfillComposer.AtExpiry atExpiry) {
    return new BatchLane(
            budget,
            laneTokens,
            LaneAdmission.ofBlocks(headroom),
            new LaneExpiry(expiry),
            atExpiry,
            BackfillComposer.Yielding.HELPFUL)
        .policy();
  }

  private static Arbitrary<ComposedBatchingPolicy> composed() {
    Arbitrary<QueueOrder<?>> orders =
        Arbitraries.of(
            new FirstComeOrder(),
            new PriorityOrder(),
            new LaneOrder(new LaneExpiry(1_000_000)),
            new PredictedRemainingOrder(4, 0),
            new AnyTime<>(new PriorityOrder()),
            new TokenDeadlineOrder(new TokenTargets(6, 2)),
            FairShareOrder.of(new EquinoxLedger(EquinoxLedger.Parameters.DEFAULT)),
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
            new FutureFitAdmission(FutureFitAdmission.Length.PREDICTED, 0),
            new SliceAdmission(3),
            new PullAdmission(3),
            new PaddedBatchAdmission());
    Arbitrary<BatchComposer<?>> compositions =
        Arbitraries.of(
            new RunToCompletionComposer(),
            new IterationLevelComposer(),
            new TokenBudgetComposer(8, 0, true),
            new TokenBudgetComposer(14, 3, false),
            new DecodeMaximalComposer(5),
            new StallFreeComposer(6),
            new SliceComposer(3),
            new PaddedPrefillComposer(),
            new EvictingComposer(7),
            new DeferredComposer(2, 2),
            new ClearingComposer(0.5),
            new WindowedComposer(3),
            new FairBatchingComposer(FAIR),
            new SloTiersComposer(TIERS),
            new FlexComposer(FLEX),
            new HarvestComposer(LatencyProfile.parse("6:0.5"), 1));
    Arbitrary<VictimSelector<?>> victims =
        Arbitraries.of(
            new LastCandidate(),
            new LastCandidate(PreemptionMode.SWAP, QueueEnd.TAIL),
            new LeastUrgent(),
            new LeastUrgent(PreemptionMode.SWAP),
            new LaneFirst(new LaneExpiry(1_000_000)),
            new VirtualQueuePlanner(queue(VirtualQueuePlanner.Replanning.EDF, 2e-9)));
    return Combinators.combine(orders, admissions, compositions, victims, planners())
        .as(Policies::compose)
        .filter(policy -> policy != null);
  }

  /** Nobody, half of the time. */
  private static Arbitrary<Optional<BatchPlanner<?>>> planners() {
    Arbitrary<Optional<BatchPlanner<?>>> some =
        Arbitraries.of(
                new SlicePlanner(
                    new SliceBatches(
                        2, LatencySurface.DEFAULT_PREFILL, LatencySurface.DEFAULT_DECODE),
                    0.5,
                    0),
                new BucketPlanner(new LengthBuckets(16, 0.5), 0.9, BucketPlanner.Pick.LONGEST, 64),
                annealing(3),
                new VirtualQueuePlanner(queue(VirtualQueuePlanner.Replanning.EXACT, 1e-9)),
                new SloOdbsPlanner(new SloOdbs(0.5, 0.1, 1, 1, 4, 3), 2),
                new SortedFPlanner(new SortedF(SortedF.Method.F, 4), 8))
            .map(Optional::of);
    return Arbitraries.oneOf(Arbitraries.just(Optional.empty()), some);
  }

  /** With or without preemption, whichever makes sense; null if neither does. */
  private static ComposedBatchingPolicy compose(
      QueueOrder<?> order,
      AdmissionTest<?> admission,
      BatchComposer<?> composition,
      VictimSelector<?> victims,
      Optional<BatchPlanner<?>> planner) {
    Batching.Builder builder = Batching.order(order).admission(admission).composition(composition);
    planner.ifPresent(builder::planning);
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
    public void onServed(S state, BatchView view, ServedSequences served) {
      order.onServed(state, view, served);
    }

    @Override
    public void onEnded(S state, BatchView view, int sequence, End end) {
      order.onEnded(state, view, sequence, end);
    }
  }
}
