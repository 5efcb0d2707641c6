package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.check.CheckOptions;
import io.headway.testkit.check.TraceChecks;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.RouterFactory;
import io.headway.testkit.subject.RouterFeature;
import io.headway.testkit.trace.TraceEvent;
import java.util.EnumSet;
import java.util.Set;

/**
 * The contract of a router: targets that are up, one charge for one request on every way out, load
 * that returns to zero, an index that credits what is there, and the claimed balance. What a router
 * writes to its log is judged, too. Immutable.
 */
public final class RouterRules implements ScenarioContract<RouterFactory> {
  /** Rules that the log of a router alone decides. */
  private static final Set<Invariant> IN_LOG =
      EnumSet.of(
          Invariant.INV_13, Invariant.INV_33, Invariant.INV_34, Invariant.INV_35, Invariant.INV_36);

  private static final int LONG_PAUSE = 1_000;

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
    Set<RouterFeature> features = factory.features();
    Draws world = Draws.of(seed, "world");
    Scenario.Builder scenario = Router.VOCABULARY.scenario(seed);
    scenario.set(Router.INSTANCES, world.between(1, 5));
    scenario.set(Router.MAX_IN_FLIGHT, world.chance(30) ? world.between(1, 3) : 0);
    boolean calm = world.chance(30);
    boolean told = world.chance(50) && features.contains(RouterFeature.CORRECTS_REPORTS);
    boolean reports = world.chance(60) && features.contains(RouterFeature.CACHE_EVENTS);
    scenario.set(Router.REPORTS_CACHE, reports ? 1 : 0);
    if (features.contains(RouterFeature.RETRY_LIMIT) && world.chance(50)) {
      scenario.set(Router.RETRY_LIMIT, world.between(0, 2));
    }
    boolean pauses = calm && features.contains(RouterFeature.BALANCED_OVER_PAUSES);
    if (pauses && world.chance(50)) {
      drawOneByOne(scenario, Draws.of(seed, "events"));
    } else {
      drawEvents(scenario, features, calm, told, reports, Draws.of(seed, "events"));
    }
    return scenario.build();
  }

  /** Equal requests, each of which ends before the next comes. */
  private static void drawOneByOne(Scenario.Builder scenario, Draws draws) {
    int count = draws.between(5, 20);
    for (int i = 0; i < count; i++) {
      scenario.add(Router.ROUTE.with(RouterRun.WORD_TOKENS, 4));
      scenario.add(Router.END.with(0, 0, 0));
    }
  }

  private void drawEvents(
      Scenario.Builder scenario,
      Set<RouterFeature> features,
      boolean calm,
      boolean told,
      boolean reports,
      Draws draws) {
    int count = draws.between(10, 60);
    int retry = features.contains(RouterFeature.RETRIES) && !calm ? (migrating ? 18 : 6) : 0;
    int flap = calm ? 0 : migrating ? 12 : 4;
    int steps = features.contains(RouterFeature.TWO_STEPS) && !calm ? 10 : 0;
    int drain = features.contains(RouterFeature.DRAINS) && !calm ? 2 : 0;
    int cache = reports ? 12 : 0;
    for (int i = 0; i < count; i++) {
      int which = draws.between(0, 9);
      switch (draws.weighted(
          40,
          4,
          calm ? 0 : 20,
          retry,
          flap,
          flap,
          calm || told ? 0 : 10,
          4,
          steps,
          steps,
          drain,
          told ? 10 : 0,
          told ? 10 : 0,
          cache,
          cache / 2,
          cache / 6)) {
        case 0 -> scenario.add(calm ? Router.ROUTE.with(16, 4) : Router.ROUTE.with(asked(draws)));
        case 1 -> scenario.add(Router.FIRST_TOKEN.with(which));
        case 2 ->
            scenario.add(Router.END.with(which, draws.between(0, 3), draws.chance(20) ? 1 : 0));
        case 3 -> scenario.add(Router.RETRY.with(which, draws.between(0, 12)));
        case 4 -> scenario.add(Router.DOWN.with(which, draws.chance(15) ? 1 : 0));
        case 5 -> scenario.add(Router.UP.with(which));
        case 6 ->
            scenario.add(
                Router.OBSERVE.with(
                    which,
                    draws.between(0, 3),
                    draws.between(0, 4),
                    draws.chance(30) ? draws.between(1, 40) : 0));
        case 7 ->
            scenario.add(Engine.ADVANCE.with(draws.between(1, draws.chance(25) ? LONG_PAUSE : 20)));
        case 8 -> scenario.add(Router.CHOOSE.with(asked(draws)));
        case 9 -> scenario.add((draws.chance(70) ? Router.SEND : Router.ABANDON).with(which));
        case 10 -> scenario.add(Router.DRAIN.with(which));
        case 11 -> scenario.add(Router.REPORT.with(which));
        case 12 -> scenario.add(Router.REPORTED.with(which));
        case 13 ->
            scenario.add(
                Router.STORE.with(
                    which, draws.between(1, 5), draws.between(0, 7), draws.chance(15) ? 1 : 0));
        case 14 -> scenario.add(Router.EVICT.with(which, draws.between(0, 9)));
        default -> scenario.add(Router.CLEAR.with(which, draws.chance(30) ? 1 : 0));
      }
    }
  }

  private static long[] asked(Draws draws) {
    int maxNew = draws.between(1, 40);
    return new long[] {
      draws.between(1, 80),
      maxNew,
      draws.between(0, 3),
      draws.between(0, 7),
      draws.chance(50) ? 0 : draws.between(0, maxNew)
    };
  }

  @Override
  public Outcome run(RouterFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    Records records = new Records(TraceChecks.of(CheckOptions.DEFAULT, IN_LOG::contains), seen);
    RouterRun run = new RouterRun(factory, scenario, seen, records);
    if (run.play()) {
      records.accept(new TraceEvent.Drained(null, ""));
    }
    records.finish();
    if (!seen.anyViolation() && Long.remainderUnsigned(scenario.seed(), 3) == 0) {
      RouterRun again = new RouterRun(factory, scenario, new Observations(false), event -> {});
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
