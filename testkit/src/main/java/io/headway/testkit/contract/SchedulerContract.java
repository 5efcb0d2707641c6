package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.SchedulerFactory;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.trace.TraceSink;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * The contract of a scheduler of one engine, whoever wrote it.
 *
 * <pre>{@code
 * class MySchedulerTest extends SchedulerContract {
 *   protected SchedulerSubject create(EngineConfig config, TraceSink trace) {
 *     return new MyAdapter(new MyScheduler(config.tokenBudget(), config.slots()));
 *   }
 *   protected Features features() {
 *     return Features.of(Feature.CANCEL).order(ServiceOrder.ARRIVAL);
 *   }
 * }
 * }</pre>
 */
public abstract class SchedulerContract extends ScenarioProperties<SchedulerFactory> {
  /** Makes a contract; called by subclasses. */
  protected SchedulerContract() {}

  /**
   * Makes a scheduler without requests.
   *
   * @param config the world it is put into
   * @param trace where it may write its own records
   * @return the scheduler behind its adapter
   */
  protected abstract SchedulerSubject create(EngineConfig config, TraceSink trace);

  @Override
  protected ScenarioContract<SchedulerFactory> contract() {
    return EngineRules.standard();
  }

  @Override
  protected SchedulerFactory factory() {
    return SchedulerFactory.of(features(), this::create);
  }

  @Override
  Optional<String> unclaimed(Invariant rule) {
    Features features = features();
    if (rule == Invariant.INV_19 && features.order() == ServiceOrder.UNDECLARED) {
      return Optional.of("the subject declares no order");
    }
    if (rule == Invariant.INV_21 && features.decodeGap().isEmpty()) {
      return Optional.of("the subject claims no bound on the wait of a decoding request");
    }
    return Optional.empty();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_01)
  void INV01_everyRequestIsInOnePlace(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_01, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_02)
  void INV02_lifecyclesAreLegalAndEndsFinal(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_02, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_03)
  void INV03_decisionsAreClosed(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_03, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_04)
  void INV04_failedAttemptsLeaveNoTrace(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_04, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_05)
  void INV05_budgetsAreKept(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_05, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_06)
  void INV06_slotsAndCapsAreKept(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_06, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_07)
  void INV07_workIsPositiveContiguousAndComplete(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_07, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_08)
  void INV08_blocksAreConserved(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_08, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_09)
  void INV09_referencesAreTrue(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_09, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_10, needs = Feature.BLOCK_TABLES)
  void INV10_noBlockIsAliasedOrUsedAfterRelease(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_10, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_11, needs = Feature.BLOCK_TABLES)
  void INV11_blocksSuffice(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_11, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_12)
  void INV12_whatFitsIsAllocated(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_12, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_13)
  void INV13_nothingIsLeftBehind(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_13, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_14, needs = Feature.PREFIX_CACHE)
  void INV14_hitsAreOfEqualContentAndIsolation(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_14, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_15, needs = Feature.PREFIX_CACHE)
  void INV15_onlyComputedBlocksAreShared(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_15, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_16)
  void INV16_theIndexAgreesWithThePool(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_16, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_17)
  void INV17_hitsAreContiguousAndTailsDieFirst(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_17, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_18)
  void INV18_equalPrefixesHit(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_18, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_19, level = Checks.Level.CLAIMED)
  void INV19_startsFollowTheDeclaredOrder(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_19, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_20)
  void INV20_victimsRankBelowTheirBeneficiaries(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_20, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_21, level = Checks.Level.CLAIMED)
  void INV21_whoeverRunsIsServed(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_21, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_22)
  void INV22_preemptionsAreEffective(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_22, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_23)
  void INV23_workThatFitsIsDone(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_23, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_24)
  void INV24_everyAcceptedRequestEnds(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_24, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_25)
  void INV25_whatFitsNowhereIsRefused(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_25, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_26)
  void INV26_nobodyWaitsForSomebodyElsesEvent(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_26, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_27)
  void INV27_derivedStateIsFresh(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_27, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_28)
  void INV28_resultsOutstandingAreAccountedFor(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_28, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_29)
  void INV29_draftsAreAccountedFor(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_29, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_30)
  void INV30_outputComesExactlyOnce(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_30, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_31, needs = Feature.TRANSFERS)
  void INV31_transfersArePairedAndPinned(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_31, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_32)
  void INV32_tiersHoldWhatTheySay(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_32, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_39, needs = Feature.RENAMING)
  void INV39_namesChangeNothing(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_40)
  void INV40_gaugesAreTrue(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_40, scenario);
  }
}
