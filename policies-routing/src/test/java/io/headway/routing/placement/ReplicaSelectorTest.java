package io.headway.routing.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertTopology;
import io.headway.api.moe.RouterInput;
import io.headway.routing.moe.HashRouter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ReplicaSelectorTest {
  private static final int EXPERTS = 12;
  private static final int DEVICES = 4;
  private static final int[] NOWHERE = {};

  private static ExpertPlacement placement(long seed) {
    return EplbPlannerTest.plan(
        EplbPlannerTest.random(seed, 1, EXPERTS), new ExpertTopology(20, 1, 1, DEVICES));
  }

  private static ExpertAssignments pairs(long seed, int tokens) {
    ExpertAssignments out = new ExpertAssignments();
    out.begin(new RouterInput().tokens(tokens, EXPERTS), CapacityRule.UNLIMITED_SLOTS, 1);
    for (int t = 0; t < tokens; t++) {
      int first = (int) Long.remainderUnsigned(seed * 31 + t * 7L, EXPERTS);
      out.assign(t, 0, first, ExpertAssignments.NO_SLOT, 1);
      out.assign(t, 1, (first + 1 + t % 3) % EXPERTS, ExpertAssignments.NO_SLOT, 1);
    }
    out.end();
    return out;
  }

  private static int[] select(
      ReplicaSelector.Rule rule, ExpertAssignments pairs, ExpertPlacement placement, int[] home) {
    int[] slots = new int[pairs.pairCount()];
    new ReplicaSelector(rule, 5, 2).select(pairs, placement, 0, home, slots);
    for (int i = 0; i < slots.length; i++) {
      assertThat(placement.expert(0, slots[i])).isEqualTo(pairs.expert(i));
    }
    return slots;
  }

  @Property(tries = 200, seed = "20261122")
  void roundRobinSpreadsEveryExpertEvenly(
      @ForAll long seed, @ForAll @IntRange(max = 40) int tokens) {
    ExpertPlacement placement = placement(seed);
    int[] perSlot = new int[placement.slots()];
    for (int s :
        select(ReplicaSelector.Rule.ROUND_ROBIN, pairs(seed, tokens), placement, NOWHERE)) {
      perSlot[s]++;
    }
    for (int e = 0; e < EXPERTS; e++) {
      int most = 0;
      int least = Integer.MAX_VALUE;
      for (int r = 0; r < placement.replicaCount(0, e); r++) {
        most = Math.max(most, perSlot[placement.slot(0, e, r)]);
        least = Math.min(least, perSlot[placement.slot(0, e, r)]);
      }
      assertThat(most - least).isLessThanOrEqualTo(1);
    }
  }

  @Property(tries = 200, seed = "20261122")
  void leastLoadedTakesALightestDeviceEveryTime(
      @ForAll long seed, @ForAll @IntRange(max = 40) int tokens) {
    ExpertPlacement placement = placement(seed);
    ExpertAssignments pairs = pairs(seed, tokens);
    int[] slots = select(ReplicaSelector.Rule.LEAST_LOADED, pairs, placement, NOWHERE);
    int[] onDevice = new int[DEVICES];
    for (int i = 0; i < slots.length; i++) {
      for (int r = 0; r < placement.replicaCount(0, pairs.expert(i)); r++) {
        int other = placement.device(placement.slot(0, pairs.expert(i), r));
        assertThat(onDevice[placement.device(slots[i])]).isLessThanOrEqualTo(onDevice[other]);
      }
      onDevice[placement.device(slots[i])]++;
    }
  }

  @Property(tries = 200, seed = "20261122")
  void localStaysOnTheDeviceElseOnTheNode(
      @ForAll long seed, @ForAll @IntRange(max = 40) int tokens) {
    ExpertPlacement placement = placement(seed);
    ExpertAssignments pairs = pairs(seed, tokens);
    int[] home = new int[tokens];
    Arrays.setAll(home, t -> t % DEVICES);
    int[] slots = select(ReplicaSelector.Rule.LOCAL, pairs, placement, home);
    for (int i = 0; i < slots.length; i++) {
      int at = home[pairs.token(i)];
      boolean sameDevice = false;
      boolean sameNode = false;
      for (int r = 0; r < placement.replicaCount(0, pairs.expert(i)); r++) {
        int device = placement.device(placement.slot(0, pairs.expert(i), r));
        sameDevice |= device == at;
        sameNode |= device / 2 == at / 2;
      }
      int chosen = placement.device(slots[i]);
      if (sameDevice) {
        assertThat(chosen).isEqualTo(at);
      } else if (sameNode) {
        assertThat(chosen / 2).isEqualTo(at / 2);
      }
    }
  }

  /** Every rule against its sentence, written out over lists. */
  @Property(tries = 500, seed = "20261201")
  void everyRuleIsItsSentence(@ForAll long seed, @ForAll @IntRange(max = 40) int tokens) {
    ExpertPlacement placement = placement(seed);
    ExpertAssignments pairs = pairs(seed, tokens);
    int[] home = new int[tokens];
    Arrays.setAll(home, t -> (int) Long.remainderUnsigned(seed + 5L * t * t, DEVICES));
    for (ReplicaSelector.Rule rule : ReplicaSelector.Rule.values()) {
      Map<Integer, Integer> turns = new HashMap<>();
      Map<Integer, Integer> onDevice = new HashMap<>();
      int[] slots = select(rule, pairs, placement, home);
      for (int i = 0; i < slots.length; i++) {
        int at = home[pairs.token(i)];
        List<Integer> replicas = new ArrayList<>();
        for (int r = 0; r < placement.replicaCount(0, pairs.expert(i)); r++) {
          replicas.add(placement.slot(0, pairs.expert(i), r));
        }
        List<Integer> here =
            replicas.stream().filter(slot -> placement.device(slot) == at).toList();
        List<Integer> near =
            replicas.stream().filter(slot -> placement.device(slot) / 2 == at / 2).toList();
        List<Integer> nearest = !here.isEmpty() ? here : !near.isEmpty() ? near : replicas;
        int turn = turns.merge(pairs.expert(i), 1, Integer::sum) - 1;
        int expected =
            switch (rule) {
              case ROUND_ROBIN -> replicas.get(turn % replicas.size());
              case HASH ->
                  replicas.get(HashRouter.random(5).expert(pairs.token(i), replicas.size()));
              case LEAST_LOADED ->
                  replicas.stream()
                      .min(
                          Comparator.<Integer>comparingInt(
                                  slot -> onDevice.getOrDefault(placement.device(slot), 0))
                              .thenComparing(Comparator.naturalOrder()))
                      .orElseThrow();
              case LOCAL -> nearest.get(turn % nearest.size());
            };
        assertThat(slots[i]).as("%s, pair %s", rule, i).isEqualTo(expected);
        onDevice.merge(placement.device(expected), 1, Integer::sum);
      }
    }
  }

  @Test
  void hashKeepsATokenOnItsReplica() {
    ExpertPlacement placement = placement(9);
    int[] once = select(ReplicaSelector.Rule.HASH, pairs(9, 30), placement, NOWHERE);
    int[] again = select(ReplicaSelector.Rule.HASH, pairs(9, 30), placement, NOWHERE);
    assertThat(again).isEqualTo(once);
  }

  @Test
  void refusesWhatDoesNotFit() {
    ReplicaSelector selector = new ReplicaSelector(ReplicaSelector.Rule.LOCAL, 0, 1);
    assertThatThrownBy(() -> selector.select(pairs(1, 3), placement(1), 0, NOWHERE, new int[6]))
        .hasMessage("tokenDevice must have 3 entries, but had 0");
    assertThatThrownBy(() -> selector.select(pairs(1, 3), placement(1), 0, new int[3], new int[5]))
        .hasMessage("slotByPair must have room for 6 pairs, but had 5");
    assertThatThrownBy(
            () -> selector.select(pairs(1, 3), placement(1), 0, new int[] {0, 4, 0}, new int[6]))
        .hasMessage("tokenDevice[1] must lie in 0..3, but was 4");
    assertThatThrownBy(
            () -> selector.select(pairs(1, 3), placement(1), 0, new int[] {0, 1, -1}, new int[6]))
        .hasMessage("tokenDevice[2] must lie in 0..3, but was -1");
    assertThatThrownBy(() -> selector.select(pairs(1, 3), placement(1), 1, new int[3], new int[6]))
        .hasMessage("layer must lie in 0..0, but was 1");
    ReplicaSelector uneven = new ReplicaSelector(ReplicaSelector.Rule.LOCAL, 0, 3);
    assertThatThrownBy(() -> uneven.select(pairs(1, 3), placement(1), 0, new int[3], new int[6]))
        .hasMessage("nodes must divide the 4 devices of the placement, but was 3");
    assertThatThrownBy(() -> new ReplicaSelector(ReplicaSelector.Rule.HASH, 0, 0))
        .hasMessage("nodes must be at least 1 node, but was 0");
  }
}
