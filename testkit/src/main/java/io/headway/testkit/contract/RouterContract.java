package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.drive.RouterRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.RouterFactory;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * The contract of a router: targets that are up, and one charge for one request on every way out.
 */
public abstract class RouterContract extends ScenarioProperties<RouterFactory> {
  /** Makes a contract; called by subclasses. */
  protected RouterContract() {}

  @Override
  protected ScenarioContract<RouterFactory> contract() {
    return RouterRules.standard();
  }

  @Override
  protected Features features() {
    return Features.of();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_02)
  void INV02_everyLegalCallIsAnswered(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_02, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_06)
  void INV06_capsAreKept(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_06, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_13)
  void INV13_nothingIsLeftBehind(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_13, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_23)
  void INV23_nobodyWaitsWhileThereIsRoom(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_23, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_33)
  void INV33_targetsAreUp(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_33, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_34)
  void INV34_everyChargeIsTakenBackOnce(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_34, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_36)
  void INV36_equalRequestsSpreadAsClaimed(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_36, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalCallsGiveEqualTargets(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }
}
