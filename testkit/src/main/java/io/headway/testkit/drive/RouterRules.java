package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.RouterFactory;

/**
 * The contract of a router: targets that are up, one charge for one request on every way out, load
 * that returns to zero, and the claimed balance. Immutable.
 */
public final class RouterRules implements ScenarioContract<RouterFactory> {
  private final boolean migrating;

  private RouterRules(boolean migrating) {
    this.migrating = migrating;
  }

  /**
   * Makes the contract with everything now and then.
   *
   * @return the contract
   */
  public static RouterRules standard() {
    return new RouterRules(false);
  }

  /**
   * Makes the contract with many retries and instances that come and go under the same name.
   *
   * @return the contract
   */
  public static RouterRules migrating() {
    return new RouterRules(true);
  }

  @Override
  public Vocabulary vocabulary() {
    return Router.VOCABULARY;
  }

  @Override
  public Scenario draw(RouterFactory factory, long seed) {
    Draws world = Draws.of(seed, "world");
    Draws draws = Draws.of(seed, "events");
    Scenario.Builder scenario = Router.VOCABULARY.scenario(seed);
    scenario.set(Router.INSTANCES, world.between(1, 5));
    scenario.set(Router.MAX_IN_FLIGHT, world.chance(30) ? world.between(1, 3) : 0);
    boolean calm = world.chance(30);
    int count = world.between(10, 60);
    int retry = factory.retries() ? (migrating ? 18 : 6) : 0;
    int flap = calm ? 0 : migrating ? 12 : 4;
    for (int i = 0; i < count; i++) {
      int which = draws.between(0, 9);
      switch (draws.weighted(40, 4, calm ? 0 : 20, retry, flap, flap, calm ? 0 : 10, 4)) {
        case 0 ->
            scenario.add(
                calm
                    ? Router.ROUTE.with(16, 4)
                    : Router.ROUTE.with(
                        draws.between(1, 80),
                        draws.between(1, 40),
                        draws.between(0, 3),
                        draws.between(0, 3)));
        case 1 -> scenario.add(Router.FIRST_TOKEN.with(which));
        case 2 ->
            scenario.add(Router.END.with(which, draws.between(0, 3), draws.chance(20) ? 1 : 0));
        case 3 -> scenario.add(Router.RETRY.with(which));
        case 4 -> scenario.add(Router.DOWN.with(which));
        case 5 -> scenario.add(Router.UP.with(which));
        case 6 ->
            scenario.add(
                Router.OBSERVE.with(
                    which,
                    draws.between(0, 3),
                    draws.between(0, 4),
                    draws.chance(30) ? draws.between(1, 40) : 0));
        default -> scenario.add(Engine.ADVANCE.with(draws.between(1, 20)));
      }
    }
    return scenario.build();
  }

  @Override
  public Outcome run(RouterFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    RouterRun run = new RouterRun(factory, scenario, seen);
    run.play();
    if (!seen.anyViolation() && Long.remainderUnsigned(scenario.seed(), 3) == 0) {
      RouterRun again = new RouterRun(factory, scenario, new Observations(false));
      again.play();
      seen.check(
          run.journal().equals(again.journal()),
          Invariant.INV_39,
          "run",
          "the same calls and seed gave other targets in a second run: "
              + run.journal().strip()
              + " became "
              + again.journal().strip());
    }
    return seen.outcome();
  }
}
