package io.headway.batching;

import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.VictimSelector;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.HostHeadroomAdmission;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.admission.PeriodicAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.DeficitPrefixOrder;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.AttainedServiceOrder;
import io.headway.batching.order.ClientBufferOrder;
import io.headway.batching.order.ExperienceOrder;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.LearnedRankOrder;
import io.headway.batching.order.MemoryTimeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.order.Quanta;
import io.headway.batching.order.SkipJoinMlfqOrder;
import io.headway.batching.order.TokenTimes;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.systems.Alise;
import io.headway.batching.systems.Andes;
import io.headway.batching.systems.Autellix;
import io.headway.batching.systems.Dlpm;
import io.headway.batching.systems.FastServe;
import io.headway.batching.systems.Lamps;
import io.headway.batching.systems.LearnedRank;
import io.headway.batching.systems.PastFuture;
import io.headway.batching.systems.Ssjf;
import io.headway.batching.systems.TokenFlow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;

/**
 * The systems that reorder by service, prediction, prefixes or readers, and products of their
 * parts. Times are those of {@link Run}, whose iterations last one nanosecond.
 */
public final class PreemptivePolicies extends DomainContextBase {
  /** An iteration lasts 1 ns; a prompt token adds a quarter. */
  public static final TokenTimes TIMES = new TokenTimes(1e-9, 2.5e-10, 1e-9);

  /** Quanta of 1, 2, 4 and 8 iterations. */
  public static final Quanta QUANTA = Quanta.of(1, 2, 4, 8);

  @Provide
  public Arbitrary<ComposedBatchingPolicy> policies() {
    return Arbitraries.oneOf(Arbitraries.of(presets()), products());
  }

  /** Presets small enough that tests meet their limits. */
  public static List<ComposedBatchingPolicy> presets() {
    List<ComposedBatchingPolicy> all = new ArrayList<>();
    all.add(new FastServe(mlfq(6, PreemptionMode.SWAP), 0, 0.1, 2).policy());
    all.add(new FastServe(mlfq(0, PreemptionMode.SWAP), 2, 0, -1).policy());
    all.add(new FastServe(mlfq(9, PreemptionMode.RECOMPUTE), 0, 0, -1).policy());
    all.add(
        new FastServe(
                new SkipJoinMlfqOrder.Parameters(
                    QUANTA,
                    TIMES,
                    false,
                    5,
                    QueueEnd.HEAD,
                    3,
                    SkipJoinMlfqOrder.Demotion.STRICT,
                    SkipJoinMlfqOrder.Target.NEXT,
                    PreemptionMode.SWAP),
                0,
                0.5,
                0)
            .policy());
    all.add(new Dlpm(deficits(7, Map.of("a", 2.0))).policy());
    all.add(new Dlpm(deficits(1e6, Map.of())).policy());
    all.add(Ssjf.DEFAULT.policy());
    all.add(new Ssjf(Ssjf.Batches.STATIC, 1e9).policy());
    all.add(new LearnedRank(4, 2, 8, PreemptionMode.RECOMPUTE).policy());
    all.add(new LearnedRank(2, 1, 3, PreemptionMode.SWAP).policy());
    all.add(new LearnedRank(0, 1, 16, PreemptionMode.RECOMPUTE).policy());
    all.add(new Alise(levels(4), 0, -1, PreemptionMode.SWAP).policy());
    all.add(new Alise(levels(0), 2, 3, PreemptionMode.SWAP).policy());
    all.add(PastFuture.DEFAULT.policy());
    for (PeakForecastAdmission.Forecast forecast : PeakForecastAdmission.Forecast.values()) {
      all.add(new PastFuture(forecast(forecast, 0.1, 3), 1).policy());
    }
    all.add(new PastFuture(forecast(PeakForecastAdmission.Forecast.HISTORY, 1, 1), 3).policy());
    all.add(
        new Autellix(service(AttainedServiceOrder.Scope.PLAS), 0, PreemptionMode.SWAP).policy());
    all.add(
        new Autellix(service(AttainedServiceOrder.Scope.ATLAS), 2, PreemptionMode.RECOMPUTE)
            .policy());
    all.add(new Lamps(areas(), 5, PreemptionMode.RECOMPUTE).policy());
    all.add(new Lamps(areas(), 16, PreemptionMode.SWAP).policy());
    all.add(new Andes(experience(PreemptionMode.SWAP), 0).policy());
    all.add(new Andes(experience(PreemptionMode.RECOMPUTE), 2).policy());
    all.add(new TokenFlow(buffers(PreemptionMode.SWAP), 0, 2).policy());
    all.add(new TokenFlow(buffers(PreemptionMode.RECOMPUTE), 0, -1).policy());
    return all;
  }

  private static SkipJoinMlfqOrder.Parameters mlfq(long promotionNanos, PreemptionMode mode) {
    return new SkipJoinMlfqOrder.Parameters(
        QUANTA,
        TIMES,
        true,
        promotionNanos,
        QueueEnd.TAIL,
        1,
        SkipJoinMlfqOrder.Demotion.INCLUSIVE,
        SkipJoinMlfqOrder.Target.FITTING,
        mode);
  }

  private static DeficitPrefixOrder.Parameters deficits(
      double quantum, Map<String, Double> weights) {
    return new DeficitPrefixOrder.Parameters(quantum, 1, 2, weights);
  }

  private static PredictedTimeOrder.Parameters levels(long agingNanos) {
    return new PredictedTimeOrder.Parameters(TIMES, 2e-9, 2, 3, agingNanos);
  }

  private static PeakForecastAdmission.Parameters forecast(
      PeakForecastAdmission.Forecast forecast, double reserve, int draws) {
    return new PeakForecastAdmission.Parameters(forecast, reserve, 5, draws, 0.5, false);
  }

  private static AttainedServiceOrder.Parameters service(AttainedServiceOrder.Scope scope) {
    return new AttainedServiceOrder.Parameters(scope, QUANTA, 2, 2, 3);
  }

  private static MemoryTimeOrder.Parameters areas() {
    return new MemoryTimeOrder.Parameters(TIMES, 1e-10, 6, 3);
  }

  private static ExperienceOrder.Parameters experience(PreemptionMode mode) {
    return new ExperienceOrder.Parameters(4e-9, 5e8, 6e-9, 3, 1, 1e-9, mode);
  }

  private static ClientBufferOrder.Parameters buffers(PreemptionMode mode) {
    return new ClientBufferOrder.Parameters(4e8, 1e-10, mode);
  }

  private static Arbitrary<ComposedBatchingPolicy> products() {
    Arbitrary<QueueOrder<?>> orders =
        Arbitraries.of(
            new SkipJoinMlfqOrder(mlfq(6, PreemptionMode.SWAP)),
            new LearnedRankOrder(3, 2),
            new PredictedTimeOrder(levels(4)),
            new DeficitPrefixOrder(deficits(9, Map.of())),
            new AttainedServiceOrder(service(AttainedServiceOrder.Scope.PLAS)),
            new AttainedServiceOrder(service(AttainedServiceOrder.Scope.ATLAS)),
            new MemoryTimeOrder(areas()),
            new ExperienceOrder(experience(PreemptionMode.SWAP)),
            new ClientBufferOrder(buffers(PreemptionMode.SWAP)),
            new PredictedRemainingOrder(4, 0, PredictedRemainingOrder.Missing.MEDIAN),
            new FirstComeOrder(),
            new Policies.AnyTime<>(new PriorityOrder()),
            FairShareOrder.of(new VtcLedger(VtcLedger.Parameters.DEFAULT)));
    Arbitrary<AdmissionTest<?>> admissions =
        Arbitraries.of(
            new FirstChunkAdmission(),
            new FirstChunkAdmission(0.1),
            new WholePromptAdmission(0.05),
            WholeOutputAdmission.declared(),
            new HostHeadroomAdmission(0.3),
            new PeakForecastAdmission(forecast(PeakForecastAdmission.Forecast.HISTORY, 0.05, 2)),
            new PeakForecastAdmission(forecast(PeakForecastAdmission.Forecast.PREDICTED, 0, 1)),
            PeriodicAdmission.of(new WholePromptAdmission(0), 3));
    Arbitrary<Composition> compositions =
        Arbitraries.of(
            new Composition(new PreemptiveComposer()),
            new Composition(new PreemptiveComposer(0, 5, PreemptiveComposer.Refused.SKIP, -1)),
            new Composition(new PreemptiveComposer(2, 0, PreemptiveComposer.Refused.SKIP, 3)),
            new Composition(new PreemptiveComposer(3, 9, PreemptiveComposer.Refused.STOP, 0)),
            new Composition(new WindowedComposer(3)),
            new Composition(new IterationLevelComposer()),
            new Composition(new TokenBudgetComposer(8, 0, true)),
            new Composition(new StallFreeComposer(6)));
    Arbitrary<VictimSelector<?>> victims =
        Arbitraries.of(
            new LastCandidate(),
            new LastCandidate(PreemptionMode.SWAP, QueueEnd.TAIL),
            new SkipJoinMlfqOrder(mlfq(4, PreemptionMode.SWAP)),
            new ExperienceOrder(experience(PreemptionMode.RECOMPUTE)),
            new ClientBufferOrder(buffers(PreemptionMode.SWAP)));
    return Combinators.combine(orders, admissions, compositions, victims)
        .as(PreemptivePolicies::compose);
  }

  /** A composition, which has no common type of its own that an arbitrary could infer. */
  private record Composition(io.headway.api.batching.BatchComposer<?> composer) {}

  private static ComposedBatchingPolicy compose(
      QueueOrder<?> order,
      AdmissionTest<?> admission,
      Composition composition,
      VictimSelector<?> victims) {
    Batching.Builder builder =
        Batching.order(order).admission(admission).composition(composition.composer());
    try {
      return builder.preemption(victims).build();
    } catch (IllegalArgumentException neverAsked) {
      return Batching.order(order).admission(admission).composition(composition.composer()).build();
    }
  }
}
