package io.headway.testkit.contract;

import io.headway.api.Invariant;
import io.headway.testkit.drive.FairQueueRules;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.FairQueueFactory;
import io.headway.testkit.subject.Features;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** The contract of a queue that serves flows of different tenants. */
public abstract class FairQueueContract extends ScenarioProperties<FairQueueFactory> {
  /** Makes a contract; called by subclasses. */
  protected FairQueueContract() {}

  @Override
  protected ScenarioContract<FairQueueFactory> contract() {
    return FairQueueRules.standard();
  }

  @Override
  protected Features features() {
    return Features.of();
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_01)
  void INV01_everyItemComesOutOnce(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_01, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_02)
  void INV02_everyLegalCallIsAnswered(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_02, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_19)
  void INV19_itemsOfAFlowKeepTheirOrder(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_19, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_37)
  void INV37_backloggedFlowsGetEqualService(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_37, scenario);
  }

  @Property(shrinking = ShrinkingMode.OFF)
  @Checks(Invariant.INV_38)
  void INV38_noFlowIsForgotten(@ForAll("scenarios") Scenario scenario) {
    holds(Invariant.INV_38, scenario);
  }
}
