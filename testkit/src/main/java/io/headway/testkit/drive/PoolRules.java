package io.headway.testkit.drive;

import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.PoolFactory;

/**
 * The contract of a KV block pool: conservation, reference truth, no aliasing, sound checks,
 * attempts that leave no trace, and a cache that hits equal content only, and all of it. Compared
 * after every event with a model of tables and contents. Immutable.
 */
public final class PoolRules implements ScenarioContract<PoolFactory> {
  private final boolean tiers;

  private PoolRules(boolean tiers) {
    this.tiers = tiers;
  }

  /**
   * Makes the contract of a pool without a host tier.
   *
   * @return the contract
   */
  public static PoolRules device() {
    return new PoolRules(false);
  }

  /**
   * Makes the contract of a pool that swaps to a host tier.
   *
   * @return the contract
   */
  public static PoolRules withHostTier() {
    return new PoolRules(true);
  }

  @Override
  public Vocabulary vocabulary() {
    return Pool.VOCABULARY;
  }

  @Override
  public Scenario draw(PoolFactory factory, long seed) {
    Draws world = Draws.of(seed, "world");
    Draws events = Draws.of(seed, "events");
    int blockTokens = world.between(1, 4);
    Scenario.Builder scenario = Pool.VOCABULARY.scenario(seed);
    scenario.set(Engine.BLOCK_TOKENS, blockTokens);
    scenario.set(Engine.BLOCKS, world.between(1, 16));
    scenario.set(Engine.HASH_VALUES, world.chance(20) ? world.between(1, 3) : 0);
    if (tiers) {
      scenario.set(Engine.HOST_BLOCKS, world.between(1, 8));
    }
    int count = world.between(10, 50);
    for (int i = 0; i < count; i++) {
      add(scenario, events, blockTokens);
    }
    return scenario.build();
  }

  private void add(Scenario.Builder scenario, Draws draws, int blockTokens) {
    int which = draws.between(0, 7);
    int prompt =
        draws.chance(60)
            ? Math.max(1, blockTokens * draws.between(0, 4) + draws.between(-1, 1))
            : draws.between(1, 4 * blockTokens + 1);
    int words = draws.between(0, 3);
    int tier = tiers ? 5 : 0;
    switch (draws.weighted(24, 14, 20, 18, 3, 4, tier, tier, 5, 1)) {
      case 0 ->
          scenario.add(
              Pool.ALLOCATE.with(
                  prompt,
                  words,
                  draws.weighted(14, 1, 1, 1),
                  draws.weighted(14, 1, 1, 1),
                  draws.weighted(14, 1, 1, 1)));
      case 1 -> scenario.add(Pool.GROW.with(which, draws.between(1, 2 * blockTokens)));
      case 2 ->
          scenario.add(Pool.PUBLISH.with(which, draws.chance(60) ? 16 : draws.between(0, 16)));
      case 3 -> scenario.add(Pool.RELEASE.with(which));
      case 4 -> scenario.add(Pool.PIN.with(which));
      case 5 -> scenario.add(Pool.UNPIN.with(which));
      case 6 -> scenario.add(Pool.SWAP_OUT.with(which));
      case 7 -> scenario.add(Pool.SWAP_IN.with(which));
      case 8 -> scenario.add(Pool.UNDONE.with(which, prompt, words));
      default -> scenario.add(Pool.CLEAR.with());
    }
  }

  @Override
  public Outcome run(PoolFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    PoolRun run = new PoolRun(factory, scenario, seen);
    run.play();
    if (!seen.anyViolation() && Long.remainderUnsigned(scenario.seed(), 4) == 0) {
      PoolRun again = new PoolRun(factory, scenario, new Observations(false));
      again.play();
      seen.check(
          run.journal().equals(again.journal()),
          io.headway.api.Invariant.INV_39,
          "run",
          "the same calls gave other blocks or hits in a second run");
    }
    return seen.outcome();
  }
}
