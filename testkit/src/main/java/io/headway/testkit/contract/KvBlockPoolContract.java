package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.drive.PoolRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.PoolFactory;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** The contract of a KV block pool: blocks are conserved, counted, never shared by mistake. */
public abstract class KvBlockPoolContract extends ScenarioProperties<PoolFactory> {
  /** Makes a contract; called by subclasses. */
  protected KvBlockPoolContract() {}

  @Override
  protected ScenarioContract<PoolFactory> contract() {
    return PoolRules.device();
  }

  @Override
  protected Features features() {
    return factory().features();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_02)
  void INV02_everyLegalCallIsAnswered(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_02, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_04)
  void INV04_refusedAndUndoneAttemptsLeaveNoTrace(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_04, scenario);
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
  @Checks(Invariant.INV_10)
  void INV10_noBlockIsAliasedOrUsedAfterRelease(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_10, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_11)
  void INV11_tablesSuffice(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_11, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_12)
  void INV12_theCheckAgreesWithTheAllocation(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_12, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_13)
  void INV13_nothingIsLeftBehind(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_13, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalCallsGiveEqualBlocks(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_27)
  void INV27_releasesThatComeLateEndTheSame(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_27, scenario);
  }
}
