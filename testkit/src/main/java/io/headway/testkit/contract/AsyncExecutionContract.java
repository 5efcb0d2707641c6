package io.headway.testkit.contract;

import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.SchedulerFactory;

/** The contract of a scheduler whose results come late: every scenario has several outstanding. */
public abstract class AsyncExecutionContract extends SchedulerContract {
  /** Makes a contract; called by subclasses. */
  protected AsyncExecutionContract() {}

  @Override
  protected ScenarioContract<SchedulerFactory> contract() {
    return EngineRules.asynchronous();
  }
}
