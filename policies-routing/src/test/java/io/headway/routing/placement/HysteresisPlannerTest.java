package io.headway.routing.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertTopology;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class HysteresisPlannerTest {
  private static final ExpertTopology TOPOLOGY = new ExpertTopology(16, 1, 1, 4);

  private static HysteresisPlanner<EplbPlanner.Scratch> planner(double minGain, int maxMoved) {
    return new HysteresisPlanner<>(new EplbPlanner(), minGain, maxMoved);
  }

  private static double largest(ExpertPlacement placement, ExpertLoad load, int layer) {
    double[] deviceLoad = new double[placement.devices()];
    placement.deviceLoad(load, layer, deviceLoad);
    return Arrays.stream(deviceLoad).max().orElseThrow();
  }

  @Test
  void theSameLoadMovesNothing() {
    HysteresisPlanner<EplbPlanner.Scratch> planner = planner(0.05, Integer.MAX_VALUE);
    HysteresisPlanner.Current<EplbPlanner.Scratch> state = planner.newState();
    ExpertPlacement out = new ExpertPlacement();
    ExpertLoad load = EplbPlannerTest.random(3, 3, 12);
    planner.plan(load, TOPOLOGY, state, out);
    assertThat(state.movedSlots()).isEqualTo(48);
    assertThat(state.replacedLayers()).isEqualTo(3);
    planner.plan(load, TOPOLOGY, state, out);
    assertThat(state.movedSlots()).isZero();
    assertThat(state.replacedLayers()).isZero();
  }

  @Property(tries = 300, seed = "20261122")
  void movesOnlyWhatGainsEnoughAndCountsItTruly(
      @ForAll long seed,
      @ForAll @IntRange(max = 50) int percent,
      @ForAll @IntRange(min = 1, max = 40) int maxMoved) {
    double minGain = percent / 100.0;
    HysteresisPlanner<EplbPlanner.Scratch> planner = planner(minGain, maxMoved);
    HysteresisPlanner.Current<EplbPlanner.Scratch> state = planner.newState();
    ExpertPlacement before = new ExpertPlacement();
    planner.plan(EplbPlannerTest.random(seed, 3, 12), TOPOLOGY, state, before);
    ExpertLoad load = EplbPlannerTest.random(~seed, 3, 12);
    ExpertPlacement after = new ExpertPlacement();
    planner.plan(load, TOPOLOGY, state, after);
    ExpertPlacement fresh = EplbPlannerTest.plan(load, TOPOLOGY);
    int moved = 0;
    int replaced = 0;
    for (int layer = 0; layer < 3; layer++) {
      int changed = 0;
      for (int s = 0; s < 16; s++) {
        changed += before.expert(layer, s) != after.expert(layer, s) ? 1 : 0;
      }
      moved += changed;
      double old = largest(before, load, layer);
      double now = largest(after, load, layer);
      double best = largest(fresh, load, layer);
      if (changed > 0) {
        replaced++;
        assertThat((old - now) / old).isGreaterThanOrEqualTo(minGain);
        assertThat(now).isEqualTo(best, within(1e-9));
      } else if (old > 0 && (old - best) / old >= minGain && old > best) {
        // A layer that would have gained enough stayed only because its moves did not fit.
        assertThat(maxMoved).isLessThan(48);
      }
      // No other arrangement of the new plan's devices moves fewer slots.
      if (changed > 0) {
        assertThat(changed).isEqualTo(16 - shared(before, after, layer));
      }
    }
    assertThat(state.movedSlots()).isEqualTo(moved).isLessThanOrEqualTo(maxMoved);
    assertThat(state.replacedLayers()).isEqualTo(replaced);
  }

  /** How many experts a device keeps at most, counting repeats. */
  private static int shared(ExpertPlacement a, ExpertPlacement b, int layer) {
    int shared = 0;
    for (int d = 0; d < a.devices(); d++) {
      int[] count = new int[a.experts()];
      for (int s = a.deviceOffset(d); s < a.deviceOffset(d + 1); s++) {
        count[a.expert(layer, s)]++;
      }
      for (int s = b.deviceOffset(d); s < b.deviceOffset(d + 1); s++) {
        shared += count[b.expert(layer, s)]-- > 0 ? 1 : 0;
      }
    }
    return shared;
  }

  @Test
  void aDifferentShapeIsTakenOver() {
    HysteresisPlanner<EplbPlanner.Scratch> planner = planner(0.5, 1);
    HysteresisPlanner.Current<EplbPlanner.Scratch> state = planner.newState();
    ExpertPlacement out = new ExpertPlacement();
    planner.plan(EplbPlannerTest.random(1, 2, 12), TOPOLOGY, state, out);
    planner.plan(EplbPlannerTest.random(1, 2, 12), new ExpertTopology(24, 1, 1, 4), state, out);
    assertThat(out.slots()).isEqualTo(24);
    assertThat(state.movedSlots()).isEqualTo(48);
  }

  @Test
  void settingsAreChecked() {
    assertThatThrownBy(() -> planner(1.5, 1)).hasMessage("minGain must lie in 0..1, but was 1.5");
    assertThatThrownBy(() -> planner(0.1, 0))
        .hasMessage("maxMovedSlots must be at least 1 slot, but was 0");
  }
}
