package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All checkers, by number. */
final class Checkers {
  private Checkers() {}

  /**
   * Makes fresh checkers.
   *
   * @param options bounds of the liveness rules
   * @param second records of a second run in order, or null
   */
  static List<Checker> all(CheckOptions options, @Nullable Iterator<TraceEvent> second) {
    return List.of(
        new RequestConservation(),
        new LegalLifecycle(),
        new DecisionClosure(),
        new AtomicAttempt(),
        new TokenBudgets(),
        new Caps(),
        new ContiguousWork(),
        new BlockConservation(),
        new ReferenceTruth(),
        new NoAliasing(),
        new Sufficiency(),
        new SoundCapacityCheck(),
        new Quiescence(),
        new KeySoundness(),
        new ComputedBeforeShared(),
        new IndexAgreement(),
        new PrefixContiguity(),
        new HitCompleteness(),
        new AdmissionOrder(),
        new LegalVictims(options),
        new RunningService(options),
        new EffectivePreemption(options),
        new WorkConservation(options),
        new BoundedWaiting(options),
        new UnservableRefused(options),
        new NoHeadOfLineWait(options),
        new FreshState(),
        new InFlightEpochs(),
        new SpeculationAccounting(),
        new ExactlyOnceOutput(),
        new TransferPairing(options),
        new TierTruth(),
        new RoutableTarget(),
        new LoadLedger(),
        new RouterIndexTruth(),
        new Balance(options),
        new FairShare(),
        new FlowContainment(),
        new Determinism(second),
        new TruthfulMetrics());
  }
}
