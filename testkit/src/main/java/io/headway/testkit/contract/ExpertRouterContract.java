package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.api.moe.ExpertRouter;
import io.headway.testkit.drive.ExpertRoutingRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Features;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * The contract of an expert router: whole assignments within capacity, and the traits it claims.
 */
public abstract class ExpertRouterContract extends ScenarioProperties<ExpertRouter<?>> {
  /** Makes a contract; called by subclasses. */
  protected ExpertRouterContract() {}

  /**
   * Returns the policy.
   *
   * @return one object, which serves all scenarios of the test
   */
  protected abstract ExpertRouter<?> policy();

  @Override
  protected ExpertRouter<?> factory() {
    return policy();
  }

  @Override
  protected ScenarioContract<ExpertRouter<?>> contract() {
    return ExpertRoutingRules.standard();
  }

  @Override
  protected Features features() {
    return Features.of();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_01)
  void INV01_droplessRoutersDropNothing(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_01, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_02)
  void INV02_everyLegalInputIsRouted(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_02, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_03)
  void INV03_noTokenGoesToAnExpertTwice(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_03, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_06)
  void INV06_capacityIsKept(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_06, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_33)
  void INV33_pairsNameTokensAndExperts(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_33, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_36)
  void INV36_balancedRoutersBalance(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_36, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalInputsGiveEqualAssignments(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_40)
  void INV40_loadsAreCountsAndGatesFinite(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_40, scenario);
  }
}
