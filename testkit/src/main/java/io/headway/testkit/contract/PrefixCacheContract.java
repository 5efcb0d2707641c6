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

/** The contract of a prefix cache: hits are of equal content, computed, contiguous and complete. */
public abstract class PrefixCacheContract extends ScenarioProperties<PoolFactory> {
  /** Makes a contract; called by subclasses. */
  protected PrefixCacheContract() {}

  @Override
  protected ScenarioContract<PoolFactory> contract() {
    return PoolRules.device();
  }

  @Override
  protected Features features() {
    return factory().features();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_10)
  void INV10_cachedBlocksAreNotAliased(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_10, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_14)
  void INV14_hitsAreOfEqualContentAndIsolation(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_14, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_15)
  void INV15_onlyPublishedBlocksAreHit(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_15, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_17)
  void INV17_hitsAreContiguousAndLeaveOneToken(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_17, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_18)
  void INV18_whatIsResidentIsHit(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_18, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalCallsGiveEqualHits(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_16)
  void INV16_keysAreForgottenWithTheirBlocks(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_16, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_27)
  void INV27_hitsAreLookedUpAnew(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_27, scenario);
  }
}
