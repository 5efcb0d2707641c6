package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.api.speculation.SpeculationPolicy;
import io.headway.testkit.drive.SpeculationRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Features;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * The contract of a speculation policy: drafts within what a request may take, and nothing more
 * when trimmed.
 */
public abstract class SpeculationContract extends ScenarioProperties<SpeculationPolicy<?>> {
  /** Makes a contract; called by subclasses. */
  protected SpeculationContract() {}

  /**
   * Returns the policy.
   *
   * @return one object, which serves all scenarios of the test
   */
  protected abstract SpeculationPolicy<?> policy();

  @Override
  protected SpeculationPolicy<?> factory() {
    return policy();
  }

  @Override
  protected ScenarioContract<SpeculationPolicy<?>> contract() {
    return SpeculationRules.standard();
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
  @Checks(Invariant.INV_29)
  void INV29_draftsAreWithinTheirCaps(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_29, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalHistoriesGiveEqualPlans(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }
}
