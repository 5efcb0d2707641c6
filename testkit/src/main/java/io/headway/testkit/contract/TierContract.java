package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.drive.PoolRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.PoolFactory;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * The contract of a pool with a host tier: what is moved there leaves the device, and comes back.
 */
public abstract class TierContract extends ScenarioProperties<PoolFactory> {
  /** Makes a contract; called by subclasses. */
  protected TierContract() {}

  @Override
  protected ScenarioContract<PoolFactory> contract() {
    return PoolRules.withHostTier();
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
  void INV04_refusedSwapsLeaveNoTrace(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_04, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_08)
  void INV08_bothTiersConserveBlocks(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_08, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_09)
  void INV09_referencesAreTrue(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_09, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_13)
  void INV13_nothingIsLeftBehind(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_13, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_32)
  void INV32_whatIsSwappedComesBack(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_32, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalCallsGiveEqualBlocks(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_15, needs = Feature.TIERS)
  void INV15_whatDidNotComeIsNotComputedOn(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_15, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(value = Invariant.INV_31, needs = Feature.TIERS)
  void INV31_blocksStayWhileTheyAreCopied(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_31, scenario);
  }
}
