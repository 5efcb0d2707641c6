package io.headway.routing.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertTopology;
import io.headway.api.moe.LoadBalance;
import io.headway.api.moe.MoeInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class EplbPlannerTest {
  private static final String SEED = "20261122";

  static ExpertLoad random(long seed, int layers, int experts) {
    RandomSource random = RandomSource.seeded(seed);
    double[] load = new double[layers * experts];
    for (int i = 0; i < load.length; i++) {
      load[i] = random.nextInt(20) * random.nextInt(20);
    }
    return new ExpertLoad(load, layers, experts);
  }

  static ExpertPlacement plan(ExpertLoad load, ExpertTopology topology) {
    EplbPlanner planner = new EplbPlanner();
    ExpertPlacement out = new ExpertPlacement();
    planner.plan(load, topology, planner.newState(), out);
    return out;
  }

  /** The example of the authors' read-me: 2 layers, 12 experts in 4 groups, 16 slots, 2 nodes. */
  @Test
  void plansTheExampleOfTheAuthors() {
    double[] load = {
      90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86, //
      20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27
    };
    ExpertPlacement placement = plan(new ExpertLoad(load, 2, 12), new ExpertTopology(16, 4, 2, 8));
    assertThat(slots(placement, 0))
        .containsExactly(5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1);
    assertThat(slots(placement, 1))
        .containsExactly(7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1);
    assertThat(placement.replicaCount(0, 5)).isEqualTo(2);
    assertThat(placement.slot(0, 1, 0)).isEqualTo(15);
    assertThat(placement.slot(0, 1, 1)).isEqualTo(13);
    assertThat(placement.device(15)).isEqualTo(7);
  }

  private static int[] slots(ExpertPlacement placement, int layer) {
    return IntStream.range(0, placement.slots()).map(s -> placement.expert(layer, s)).toArray();
  }

  @Property(tries = 500, seed = SEED)
  void everyExpertIsSomewhereAndEveryDeviceIsFull(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3) int nodes,
      @ForAll @IntRange(min = 1, max = 3) int groupsPerNode,
      @ForAll @IntRange(min = 1, max = 4) int groupSize,
      @ForAll @IntRange(min = 1, max = 4) int devicesPerNode,
      @ForAll @IntRange(max = 3) int spare) {
    int experts = nodes * groupsPerNode * groupSize;
    int devices = nodes * devicesPerNode;
    int perDevice = (experts + devices - 1) / devices + spare;
    int slots = devices * perDevice;
    ExpertTopology topology = new ExpertTopology(slots, nodes * groupsPerNode, nodes, devices);
    assertThat(EplbPlanner.policy(topology)).isEqualTo(EplbPlanner.Policy.HIERARCHICAL);
    ExpertLoad load = random(seed, 2, experts);
    ExpertPlacement placement = plan(load, topology);
    double[] deviceLoad = new double[devices];
    for (int layer = 0; layer < 2; layer++) {
      int replicas = 0;
      for (int e = 0; e < experts; e++) {
        int count = placement.replicaCount(layer, e);
        assertThat(count).isPositive();
        replicas += count;
        int node = placement.device(placement.slot(layer, e, 0)) / devicesPerNode;
        for (int r = 0; r < count; r++) {
          int slot = placement.slot(layer, e, r);
          assertThat(placement.expert(layer, slot)).isEqualTo(e);
          assertThat(placement.replica(layer, slot)).isEqualTo(r);
          assertThat(placement.device(slot) / devicesPerNode)
              .as("all replicas of a group on one node")
              .isEqualTo(node);
        }
        int first = e / groupSize * groupSize;
        assertThat(placement.device(placement.slot(layer, first, 0)) / devicesPerNode)
            .isEqualTo(node);
      }
      assertThat(replicas).isEqualTo(slots);
      placement.deviceLoad(load, layer, deviceLoad);
      double total = 0;
      double heaviest = 0;
      for (int e = 0; e < experts; e++) {
        total += load.of(layer, e);
        heaviest = Math.max(heaviest, load.of(layer, e) / placement.replicaCount(layer, e));
      }
      assertThat(Arrays.stream(deviceLoad).sum()).isCloseTo(total, within(1e-6));
      assertThat(Arrays.stream(deviceLoad).max().orElseThrow())
          .isGreaterThanOrEqualTo(Math.max(total / devices, heaviest) - 1e-6);
    }
  }

  @Property(tries = 400, seed = SEED)
  void agreesWithAStraightforwardModel(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 30) int experts,
      @ForAll @IntRange(min = 1, max = 6) int devices,
      @ForAll @IntRange(max = 3) int spare) {
    int perDevice = (experts + devices - 1) / devices + spare;
    ExpertTopology topology = new ExpertTopology(devices * perDevice, 1, 1, devices);
    ExpertLoad load = random(seed, 1, experts);
    assertThat(slots(plan(load, topology), 0))
        .isEqualTo(model(load, experts, devices * perDevice, devices));
  }

  /** Global policy with lists: replicate the heaviest, pack by weight onto the lightest device. */
  private static int[] model(ExpertLoad load, int experts, int slots, int devices) {
    List<Integer> replicas = new ArrayList<>();
    int[] count = new int[experts];
    for (int e = 0; e < experts; e++) {
      replicas.add(e);
      count[e] = 1;
    }
    while (replicas.size() < slots) {
      int most =
          IntStream.range(0, experts)
              .boxed()
              .max(
                  Comparator.<Integer>comparingDouble(e -> load.of(0, e) / count[e])
                      .thenComparing(Comparator.reverseOrder()))
              .orElseThrow();
      replicas.add(most);
      count[most]++;
    }
    int perDevice = slots / devices;
    List<List<Integer>> packed = new ArrayList<>();
    double[] weight = new double[devices];
    for (int d = 0; d < devices; d++) {
      packed.add(new ArrayList<>());
    }
    if (perDevice == 1) {
      return replicas.stream().mapToInt(e -> e).toArray();
    }
    IntStream.range(0, slots)
        .boxed()
        .sorted(
            Comparator.comparingDouble(r -> -load.of(0, replicas.get(r)) / count[replicas.get(r)]))
        .forEach(
            r -> {
              int lightest =
                  IntStream.range(0, devices)
                      .filter(d -> packed.get(d).size() < perDevice)
                      .boxed()
                      .min(
                          Comparator.<Integer>comparingDouble(d -> weight[d]).thenComparing(d -> d))
                      .orElseThrow();
              packed.get(lightest).add(replicas.get(r));
              weight[lightest] += load.of(0, replicas.get(r)) / count[replicas.get(r)];
            });
    return packed.stream().flatMap(List::stream).mapToInt(e -> e).toArray();
  }

  @Property(tries = 300, seed = SEED)
  void replicationMinimisesTheLargestShare(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int experts,
      @ForAll @IntRange(max = 4) int extra) {
    double[] weight = new double[experts];
    random(seed, 1, experts).copyRow(0, weight);
    ExpertReplication replication = new ExpertReplication();
    replication.replicate(weight, experts, experts + extra);
    double largest = 0;
    for (int e = 0; e < experts; e++) {
      largest = Math.max(largest, weight[e] / replication.count(e));
    }
    assertThat(largest).isEqualTo(leastLargest(weight, 0, extra));
  }

  private static double leastLargest(double[] weight, int e, int extra) {
    if (e == weight.length - 1) {
      return weight[e] / (1 + extra);
    }
    double least = Double.POSITIVE_INFINITY;
    for (int here = 0; here <= extra; here++) {
      least =
          Math.min(
              least, Math.max(weight[e] / (1 + here), leastLargest(weight, e + 1, extra - here)));
    }
    return least;
  }

  @Property(tries = 200, seed = SEED)
  void scalingAllLoadsByAPowerOfTwoChangesNothing(@ForAll long seed) {
    int experts = 24;
    double[] load = new double[experts];
    random(seed, 1, experts).copyRow(0, load);
    double[] scaled = Arrays.stream(load).map(l -> l * 1024).toArray();
    ExpertTopology topology = new ExpertTopology(32, 4, 2, 8);
    assertThat(slots(plan(new ExpertLoad(scaled, 1, experts), topology), 0))
        .isEqualTo(slots(plan(new ExpertLoad(load, 1, experts), topology), 0));
  }

  @Test
  void noLoadStillGivesAValidPlan() {
    ExpertPlacement placement =
        plan(new ExpertLoad(new double[8], 1, 8), new ExpertTopology(12, 4, 2, 4));
    assertThat(slots(placement, 0)).contains(0, 1, 2, 3, 4, 5, 6, 7);
    assertThat(placement.slots()).isEqualTo(12);
  }

  @Test
  void redundancyBalancesSkewedLoadAsPublished() {
    // The direction of DeepSeek's figures: with 32 spare slots a skewed layer becomes nearly even.
    int experts = 256;
    RandomSource random = RandomSource.seeded(11);
    double[] load =
        IntStream.range(1, experts + 1).mapToDouble(i -> 1e6 / Math.pow(i, 0.6)).toArray();
    for (int i = experts - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      double swapped = load[i];
      load[i] = load[j];
      load[j] = swapped;
    }
    ExpertLoad loads = new ExpertLoad(load, 1, experts);
    double contiguous = maxOverMean(new StaticPlanner(StaticPlanner.Rule.CONTIGUOUS), loads, 256);
    double packed = maxOverMean(new StaticPlanner(StaticPlanner.Rule.PACKED), loads, 256);
    double[] deviceLoad = new double[32];
    plan(loads, new ExpertTopology(288, 8, 4, 32)).deviceLoad(loads, 0, deviceLoad);
    double hierarchical = LoadBalance.of(deviceLoad, 32).maxOverMean();
    plan(loads, new ExpertTopology(288, 1, 1, 32)).deviceLoad(loads, 0, deviceLoad);
    double global = LoadBalance.of(deviceLoad, 32).maxOverMean();
    assertThat(contiguous).isGreaterThan(1.5);
    assertThat(packed).isLessThan(contiguous).isGreaterThan(1.5);
    assertThat(hierarchical).isLessThan(1.1);
    assertThat(global).isLessThan(1.01);
  }

  private static double maxOverMean(StaticPlanner planner, ExpertLoad load, int slots) {
    ExpertPlacement out = new ExpertPlacement();
    planner.plan(load, new ExpertTopology(slots, 1, 1, 32), planner.newState(), out);
    double[] deviceLoad = new double[32];
    out.deviceLoad(load, 0, deviceLoad);
    return LoadBalance.of(deviceLoad, 32).maxOverMean();
  }

  @Test
  void refusesWhatCannotBePlaced() {
    ExpertLoad load = new ExpertLoad(new double[12], 1, 12);
    assertThatThrownBy(() -> plan(load, new ExpertTopology(8, 4, 2, 4)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("slots must be at least one per expert, 12, but was 8");
    assertThatThrownBy(() -> plan(load, new ExpertTopology(13, 4, 2, 4)))
        .isInstanceOf(MoeInputException.class)
        .hasMessage("slots must be a multiple of devices = 4, but was 13");
    assertThatThrownBy(() -> plan(load, new ExpertTopology(15, 4, 2, 5)))
        .hasMessage("devices must be a multiple of nodes = 2, but was 5");
    assertThatThrownBy(() -> new ExpertLoad(new double[] {1, -2}, 1, 2))
        .hasMessage("load[0][1] must be finite and at least 0 pairs, but was -2.0");
    assertThatThrownBy(() -> new ExpertTopology(4, 1, 0, 2))
        .hasMessage("nodes must be at least 1, but was 0");
  }

  @Test
  void aPlacementThatLeavesSomethingOutIsRefused() {
    ExpertPlacement out = new ExpertPlacement();
    out.begin(1, 2, 2, 2);
    out.place(0, 0, 1, 0);
    assertThatThrownBy(out::end)
        .hasMessage("slot 1 of layer 0 must hold an expert, but was left empty");
    assertThatThrownBy(() -> out.place(0, 0, 0, 0))
        .hasMessage("slot must be free, but slot 0 of layer 0 holds expert 1");
    out.place(0, 1, 1, 1);
    assertThatThrownBy(out::end)
        .hasMessage("expert 0 of layer 0 must have a replica, but has none");
    assertThatThrownBy(() -> out.expert(0, 0))
        .hasMessage("end() must come before the placement is read");
  }
}
