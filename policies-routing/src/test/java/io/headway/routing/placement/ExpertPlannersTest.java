package io.headway.routing.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertPlacementPlanner;
import io.headway.api.moe.ExpertTopology;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ExpertPlannersTest {
  private static ExpertPlacementPlanner<?> planner(String spec) {
    PolicySpec parsed = PolicySpec.parse(spec);
    for (PolicyProvider provider : new ExpertPlanners().providers()) {
      if (provider.id().equals(parsed.name())) {
        return (ExpertPlacementPlanner<?>) provider.create(parsed);
      }
    }
    throw new AssertionError("no planner for " + spec);
  }

  private static <S> ExpertPlacement plan(ExpertPlacementPlanner<S> planner, ExpertLoad load) {
    ExpertPlacement out = new ExpertPlacement();
    planner.plan(load, new ExpertTopology(16, 2, 2, 4), planner.newState(), out);
    return out;
  }

  @Property(tries = 50, seed = "20261122")
  void everyPlannerPlacesEveryExpertAndKeepsItsName(@ForAll long seed) {
    ExpertLoad load = EplbPlannerTest.random(seed, 2, 12);
    for (PolicyProvider provider : new ExpertPlanners().providers()) {
      ExpertPlacementPlanner<?> planner = planner(provider.id());
      assertThat(planner.id()).isEqualTo(provider.id());
      ExpertPlacement placement = plan(planner, load);
      for (int e = 0; e < 12; e++) {
        assertThat(placement.replicaCount(1, e)).isPositive();
      }
    }
  }

  @Test
  void hysteresisTakesOnlyPlannersOfThisPackage() {
    assertThat(planner("hysteresis:planner=packed,minGain=0.2").id()).isEqualTo("hysteresis");
    assertThatThrownBy(() -> planner("hysteresis:planner=hysteresis"))
        .hasMessage(
            "planner must be one of eplb, contiguous, round-robin, packed, but was 'hysteresis'");
  }
}
