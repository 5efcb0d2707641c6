package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.api.prediction.LengthPredictor;
import io.headway.testkit.drive.PredictionRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.Features;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** The contract of a length predictor: numbers or an explicit none, and no effect of asking. */
public abstract class PredictorContract extends ScenarioProperties<LengthPredictor<?>> {
  /** Makes a contract; called by subclasses. */
  protected PredictorContract() {}

  /**
   * Returns the policy.
   *
   * @return one object, which serves all scenarios of the test
   */
  protected abstract LengthPredictor<?> policy();

  @Override
  protected LengthPredictor<?> factory() {
    return policy();
  }

  @Override
  protected ScenarioContract<LengthPredictor<?>> contract() {
    return PredictionRules.standard();
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
  @Checks(Invariant.INV_27)
  void INV27_askingChangesNothing(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_27, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_39)
  void INV39_equalHistoriesGiveEqualEstimates(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_39, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_40)
  void INV40_estimatesAreFinite(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_40, scenario);
  }
}
