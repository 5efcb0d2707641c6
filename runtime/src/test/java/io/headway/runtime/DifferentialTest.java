package io.headway.runtime;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * Whatever a legal policy does at whatever depth, with preemption of both kinds, prefix hits,
 * drafts, cancels, deadlines, failures, retries and transfers: every request gets the tokens it
 * would have got alone, every request ends once, and nothing is left behind.
 */
class DifferentialTest {
  @Property(seed = "4711", tries = 2_000, shrinking = ShrinkingMode.OFF)
  void outputsEqualThoseOfEachRequestAlone(@ForAll long seed) {
    ChaosPolicy policy = new ChaosPolicy(seed);
    World world = new World(WorldConfig.draw(seed), policy);
    for (int i = 0; i < 150; i++) {
      world.act();
    }
    policy.calm();
    world.rest();
  }
}
