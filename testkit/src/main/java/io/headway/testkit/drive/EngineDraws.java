package io.headway.testkit.drive;

import io.headway.testkit.scenario.Draws;
import io.headway.testkit.scenario.Event;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import java.util.Set;

/** Draws scenarios of small worlds: small worlds find the bugs. Respects what is claimed. */
final class EngineDraws {
  /** What scenarios are mostly about. */
  enum Focus {
    EVERYTHING,
    LATE_RESULTS,
    TRANSFERS
  }

  private static final int MOST_REQUESTS = 8;

  private final Features features;
  private final Set<Bias> biases;
  private final Focus focus;
  private final Draws world;
  private final Draws arrivals;
  private final Draws lengths;
  private final Draws names;
  private final Draws faults;
  private final Scenario.Builder scenario;
  private final int blockTokens;
  private int requests;
  private int encoderUnits;
  private boolean calm;

  EngineDraws(Features features, Set<Bias> biases, Focus focus, long seed) {
    this.features = features;
    this.biases = biases;
    this.focus = focus;
    world = Draws.of(seed, "world");
    arrivals = Draws.of(seed, "arrivals");
    lengths = Draws.of(seed, "lengths");
    names = Draws.of(seed, "names");
    faults = Draws.of(seed, "faults");
    scenario = Engine.VOCABULARY.scenario(seed);
    blockTokens = world.between(1, 4);
  }

  Scenario draw() {
    int maxNew = world.between(2, 9);
    int largest = blocksFor(3 * blockTokens + 1 + maxNew);
    calm = world.chance(33);
    scenario.set(Engine.BLOCK_TOKENS, blockTokens);
    scenario.set(Engine.BLOCKS, Math.max(1, blocks(largest)));
    scenario.set(Engine.SLOTS, one() ? 1 : world.between(1, 5));
    scenario.set(Engine.TOKENS, tokens());
    int deepest = Math.min(3, features.asyncDepth());
    int least = focus == Focus.EVERYTHING ? 1 : Math.min(2, deepest);
    scenario.set(Engine.DEPTH, world.between(least, deepest));
    if (features.has(Feature.SWAP) && world.chance(50)) {
      scenario.set(Engine.HOST_BLOCKS, world.between(0, 2 * largest));
    }
    if (features.has(Feature.ADAPTERS)) {
      scenario.set(Engine.ADAPTERS, world.chance(33) ? 1 : 4);
    }
    if (features.has(Feature.PREFIX_CACHE)) {
      scenario.set(Engine.KEYS, world.weighted(1, 4, 1));
      if (on(Bias.COLLIDING_HASH, world, 20)) {
        scenario.set(Engine.HASH_VALUES, world.between(1, 3));
      }
    }
    scenario.set(Engine.LEASE, 50);
    if (features.has(Feature.ENCODER)) {
      encoderUnits = world.between(1, 4);
      scenario.set(Engine.ENCODER_UNITS, encoderUnits);
      scenario.set(Engine.ALIGNMENT, world.weighted(2, 1, 1) + 1);
    }
    int events = world.between(10, 60);
    boolean stream = on(Bias.BETTER_STREAM, world, 10);
    submit(maxNew);
    for (int i = 0; i < events; i++) {
      if (stream && requests < 3 * MOST_REQUESTS && arrivals.chance(60)) {
        submit(maxNew);
      } else {
        event(maxNew);
      }
    }
    return scenario.build();
  }

  private boolean on(Bias bias, Draws draws, int percent) {
    return draws.chance(percent) && biases.contains(bias);
  }

  private boolean one() {
    return on(Bias.CAPS_OF_ONE, world, 15);
  }

  private int blocks(int largest) {
    int near = world.between(-1, 1);
    int wide = world.between(0, 3 * largest);
    return on(Bias.EXACT_POOL, world, 60) ? largest + near : largest + wide;
  }

  private int tokens() {
    if (!features.has(Feature.CHUNKED_PREFILL)) {
      int tight = world.between(1, 3 * blockTokens);
      return world.chance(25) ? tight : 3 * blockTokens + world.between(1, 8);
    }
    return one() ? 1 : world.chance(25) ? 1_000 : world.between(1, 4 * blockTokens + 4);
  }

  private int blocksFor(int tokens) {
    return (tokens + blockTokens - 1) / blockTokens;
  }

  private void event(int maxNew) {
    int dice = arrivals.between(0, 99);
    if (dice < 14 && requests < MOST_REQUESTS) {
      submit(maxNew);
    } else if (dice < 52) {
      scenario.add(Engine.DECIDE.with());
    } else if (dice < (focus == Focus.EVERYTHING ? 84 : 76)) {
      result();
    } else if (dice < (focus == Focus.EVERYTHING ? 90 : 80)) {
      cancel();
    } else if (dice < 94) {
      outside(maxNew);
    } else if (dice < 96 && features.has(Feature.CLEAR_CACHE)) {
      scenario.add(Engine.CLEAR.with());
    } else {
      boolean gap = on(Bias.IDLE_GAPS, faults, 20);
      scenario.add(Engine.ADVANCE.with(gap ? 1_000 : faults.between(1, 20)));
    }
  }

  private void result() {
    if (features.has(Feature.RETRIES) && !calm && on(Bias.LATE_RESULTS, faults, 4)) {
      scenario.add(Engine.FAIL.with());
      return;
    }
    int failRow =
        features.has(Feature.RETRIES) && !calm && on(Bias.LATE_RESULTS, faults, 4)
            ? faults.between(1, 4)
            : 0;
    boolean empty = on(Bias.LATE_RESULTS, faults, 8) && features.has(Feature.SPECULATION);
    int accept = faults.chance(50) ? 255 : faults.between(0, 255);
    scenario.add(
        Engine.DELIVER.with(
            faults.between(0, 3),
            features.has(Feature.SPECULATION) ? accept : 0,
            empty ? 1 : 0,
            failRow));
  }

  private void cancel() {
    if (features.has(Feature.CANCEL) && biases.contains(Bias.CANCELS)) {
      scenario.add(Engine.CANCEL.with(faults.between(0, 7), faults.chance(30) ? 1 : 0));
    } else {
      scenario.add(Engine.DECIDE.with());
    }
  }

  private void outside(int maxNew) {
    if (features.has(Feature.TRANSFERS) && biases.contains(Bias.TRANSFERS) && faults.chance(70)) {
      int share = focus == Focus.TRANSFERS ? 50 : 35;
      if (faults.chance(share) && requests < MOST_REQUESTS) {
        incoming(maxNew);
      } else {
        scenario.add(
            Engine.TRANSFER.with(
                faults.between(0, 3), faults.weighted(6, 3, 1), faults.between(0, 15)));
      }
    } else if (features.has(Feature.DEFERRAL)) {
      scenario.add(Engine.READY.with(faults.between(0, 3)));
    } else if (features.has(Feature.PRESSURE) && biases.contains(Bias.PRESSURE)) {
      scenario.add(Engine.RESERVE.with(faults.between(0, 6)));
    } else {
      scenario.add(Engine.DECIDE.with());
    }
  }

  private int prompt() {
    if (on(Bias.BLOCK_BOUNDARIES, lengths, 60)) {
      return Math.max(1, blockTokens * lengths.between(0, 3) + lengths.between(-1, 1));
    }
    return lengths.between(1, 3 * blockTokens + 1);
  }

  private int maxNew(int most) {
    return lengths.chance(40) ? most : lengths.between(1, most);
  }

  private long words() {
    return biases.contains(Bias.SHARED_WORDS) ? lengths.between(0, 3) : lengths.between(0, 1 << 19);
  }

  private long name(Feature feature) {
    int drawn = names.weighted(6, 2, 1, 1);
    boolean equal = biases.contains(Bias.EQUAL_NAMES);
    if (!features.has(feature) || drawn == 0) {
      return 0;
    }
    return equal ? drawn : feature == Feature.TENANTS ? 1 : 2;
  }

  private long deadline() {
    return features.has(Feature.DEADLINES) && !calm && on(Bias.CANCELS, faults, 15)
        ? faults.between(1, 60)
        : 0;
  }

  private void submit(int most) {
    requests++;
    int newTokens = maxNew(most);
    int promptTokens = prompt();
    boolean handsOver =
        features.has(Feature.TRANSFERS)
            && !calm
            && on(Bias.TRANSFERS, faults, focus == Focus.TRANSFERS ? 50 : 12);
    scenario.add(
        Engine.SUBMIT.with(
            newTokens,
            promptTokens,
            features.has(Feature.PRIORITY) ? names.between(0, 2) : 0,
            words(),
            name(Feature.TENANTS),
            name(Feature.ADAPTERS),
            features.has(Feature.PREFIX_CACHE) && names.chance(15) ? names.between(1, 3) : 0,
            deadline(),
            names.chance(30) ? names.between(1, most) : 0,
            handsOver ? 1 : 0,
            features.has(Feature.DEFERRAL) && names.chance(20) ? 1 : 0,
            features.has(Feature.ENCODER) ? names.weighted(2, 1, 3) : 0,
            features.has(Feature.ENCODER) ? mediaUnits() : 1));
  }

  /** Mostly so much that two items do not fit at once, now and then too much for one. */
  private int mediaUnits() {
    return names.chance(5) ? encoderUnits + 1 : names.between((encoderUnits + 1) / 2, encoderUnits);
  }

  private void incoming(int most) {
    requests++;
    Event event =
        Engine.INCOMING.with(
            maxNew(most),
            prompt(),
            0,
            words(),
            name(Feature.TENANTS),
            name(Feature.ADAPTERS),
            0,
            deadline());
    scenario.add(event);
  }
}
