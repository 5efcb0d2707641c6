package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.Violation;
import io.headway.testkit.scenario.Vocabulary;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.PoolFactory;
import java.util.Set;

/**
 * The contract of a KV block pool: conservation, reference truth, no aliasing, sound checks,
 * attempts that leave no trace, and a cache that hits equal content only, and all of it. Compared
 * after every event with a model of tables and contents; and, in turn over the scenarios, a second
 * run must give the same, a second run whose releases come late must give the same, a second run
 * without everything that was asked, refused or undone must give the same, and another process must
 * name contents the same. Immutable.
 */
public final class PoolRules implements ScenarioContract<PoolFactory> {
  private static final int ORACLES = 4;

  /** Weights of the events of a scenario without a host. */
  private static final int[] ON_DEVICE = {14, 14, 24, 14, 3, 4, 0, 0, 5, 2, 3, 0, 0, 0, 22, 8};

  /** Weights of the events of a scenario with a second cache group. */
  private static final int[] IN_GROUPS = {14, 26, 26, 12, 2, 3, 0, 0, 3, 1, 2, 0, 0, 0, 34, 3};

  /** Weights of the events of a scenario in which holders go to the host and come back. */
  private static final int[] SWAPPING = {10, 6, 26, 12, 2, 3, 14, 16, 4, 1, 2, 0, 0, 0, 20, 8};

  /** Weights of the events of a scenario in which cached content goes to the host. */
  private static final int[] COPYING = {20, 2, 6, 14, 1, 2, 1, 1, 3, 1, 2, 14, 24, 36, 20, 12};

  private enum Host {
    NEVER,
    ALWAYS,
    SOMETIMES
  }

  private final Host host;

  private PoolRules(Host host) {
    this.host = host;
  }

  /**
   * Makes the contract of a pool without a host tier.
   *
   * @return the contract
   */
  public static PoolRules device() {
    return new PoolRules(Host.NEVER);
  }

  /**
   * Makes the contract of a pool that swaps to a host tier.
   *
   * @return the contract
   */
  public static PoolRules withHostTier() {
    return new PoolRules(Host.ALWAYS);
  }

  /**
   * Makes the contract of a pool that may have a host tier: there is one in half of the scenarios.
   *
   * @return the contract
   */
  public static PoolRules standard() {
    return new PoolRules(Host.SOMETIMES);
  }

  @Override
  public Vocabulary vocabulary() {
    return Pool.VOCABULARY;
  }

  @Override
  public Scenario draw(PoolFactory factory, long seed) {
    Features features = factory.features();
    Draws world = Draws.of(seed, "world");
    Draws events = Draws.of(seed, "events");
    int blockTokens = world.between(1, 4);
    Scenario.Builder scenario = Pool.VOCABULARY.scenario(seed);
    scenario.set(Engine.BLOCK_TOKENS, blockTokens);
    scenario.set(Engine.HASH_VALUES, world.chance(20) ? world.between(1, 3) : 0);
    boolean tiers = host == Host.ALWAYS || (host == Host.SOMETIMES && world.chance(45));
    boolean window = !tiers && features.has(Feature.CACHE_GROUPS) && world.chance(50);
    boolean copies = tiers && features.has(Feature.TIERS) && world.chance(60);
    // What is copied to the host must be evicted here before it can come back.
    scenario.set(
        Engine.BLOCKS,
        copies
            ? world.between(3, 7)
            : world.chance(15) ? world.between(1, 3) : world.between(4, 12));
    if (tiers) {
      scenario.set(Engine.HOST_BLOCKS, world.chance(50) ? world.between(1, 8) : 8);
    } else if (window) {
      scenario.set(Pool.WINDOW, world.between(1, blockTokens + 2));
    }
    int count = copies ? world.between(20, 70) : world.between(10, 60);
    for (int i = 0; i < count; i++) {
      int[] weights = copies ? COPYING : tiers ? SWAPPING : window ? IN_GROUPS : ON_DEVICE;
      scenario.add(event(events, features, blockTokens, weights));
    }
    return scenario.build();
  }

  private static Event event(Draws draws, Features features, int blockTokens, int[] weights) {
    boolean copies = weights == COPYING;
    int which = draws.between(0, 7);
    int prompt =
        draws.chance(60)
            ? Math.max(1, blockTokens * draws.between(0, 4) + draws.between(-1, 1))
            : draws.between(1, 4 * blockTokens + 1);
    int words = draws.between(0, 3);
    if (copies) {
      prompt = blockTokens * draws.between(1, 3) + (draws.chance(80) ? 1 : 0);
      words &= 1;
    }
    switch (draws.weighted(weights)) {
      case 0 -> {
        return Pool.ALLOCATE.with(
            prompt,
            words,
            copies ? draws.between(0, 3) : draws.weighted(14, 1, 1, 1),
            draws.weighted(14, 1, 1, 1),
            draws.weighted(14, 1, 1, 1),
            features.has(Feature.MEDIA) ? draws.weighted(6, 2, 2, 2) : 0,
            draws.chance(10) ? 1 : 0,
            draws.chance(copies ? 80 : 25) ? 1 : 0);
      }
      case 1 -> {
        return Pool.GROW.with(which, draws.between(1, 2 * blockTokens));
      }
      case 2 -> {
        return Pool.PUBLISH.with(which, draws.chance(60) ? 16 : draws.between(0, 16));
      }
      case 3 -> {
        return Pool.RELEASE.with(which);
      }
      case 4 -> {
        return Pool.PIN.with(which);
      }
      case 5 -> {
        return Pool.UNPIN.with(which);
      }
      case 6 -> {
        return Pool.SWAP_OUT.with(which);
      }
      case 7 -> {
        return Pool.SWAP_IN.with(which, draws.chance(50) ? 1 : 0);
      }
      case 8 -> {
        return Pool.UNDONE.with(which, prompt, words, draws.between(0, 63));
      }
      case 9 -> {
        return Pool.CLEAR.with(draws.chance(50) ? 1 : 0);
      }
      case 10 -> {
        return Pool.RETRY.with(which);
      }
      case 11 -> {
        return Pool.STORE.with(which);
      }
      case 12 -> {
        return Pool.LOAD.with(which, draws.weighted(2, 1, 2, 1));
      }
      case 13 -> {
        return Pool.COPIED.with(which, draws.chance(35) ? 1 : 0);
      }
      case 14 -> {
        return Pool.AGAIN.with(
            which,
            draws.chance(60) ? draws.between(-2 * blockTokens, 2 * blockTokens) : 0,
            draws.chance(10) ? 1 : 0,
            draws.chance(25) ? 1 : 0);
      }
      default -> {
        return Pool.FLOOD.with();
      }
    }
  }

  @Override
  public Outcome run(PoolFactory factory, Scenario scenario, boolean detailed) {
    Observations seen = new Observations(detailed);
    PoolRun run = new PoolRun(factory, scenario, seen, PoolRun.Mode.PLAIN, Set.of());
    run.play();
    if (!seen.anyViolation()) {
      switch ((int) Long.remainderUnsigned(scenario.seed(), ORACLES)) {
        case 0 ->
            again(
                factory,
                scenario,
                seen,
                run,
                PoolRun.Mode.PLAIN,
                Invariant.INV_39,
                "in a second run the same calls give other blocks or hits");
        case 1 ->
            again(
                factory,
                scenario,
                seen,
                run,
                PoolRun.Mode.LATE_RELEASES,
                Invariant.INV_27,
                "where a pin delays every release to the same moment, the same calls give other"
                    + " blocks or hits");
        case 2 ->
            again(
                factory,
                scenario,
                seen,
                run,
                PoolRun.Mode.QUIET,
                Invariant.INV_04,
                "without what was only asked, refused or undone, the same calls give other blocks"
                    + " or hits");
        default -> run.compareKeys(factory);
      }
    }
    return seen.outcome();
  }

  private static void again(
      PoolFactory factory,
      Scenario scenario,
      Observations seen,
      PoolRun first,
      PoolRun.Mode mode,
      Invariant rule,
      String sentence) {
    Observations then = new Observations(false);
    PoolRun second = new PoolRun(factory, scenario, then, mode, first.refusals());
    second.play();
    for (Violation violation : then.outcome().violations()) {
      seen.violated(violation.invariant(), violation.entity(), violation.sentence(), "");
      return;
    }
    seen.check(first.journal().equals(second.journal()), rule, "run", sentence);
  }
}
