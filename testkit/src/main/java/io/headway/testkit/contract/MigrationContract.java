package io.headway.testkit.contract;

import io.headway.testkit.drive.RouterRules;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.RouterFactory;

/**
 * The contract of retries and of instances that come back under the same name: what a router keeps,
 * and load moves once.
 */
public abstract class MigrationContract extends RouterContract {
  /** Makes a contract; called by subclasses. */
  protected MigrationContract() {}

  @Override
  protected ScenarioContract<RouterFactory> contract() {
    return RouterRules.migrating();
  }
}
