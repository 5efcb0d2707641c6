package io.headway.testkit.contract;

import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.SchedulerFactory;

/** The contract of a scheduler that hands requests over: most scenarios have transfers pending. */
public abstract class TransferContract extends SchedulerContract {
  /** Makes a contract; called by subclasses. */
  protected TransferContract() {}

  @Override
  protected ScenarioContract<SchedulerFactory> contract() {
    return EngineRules.transferring();
  }
}
