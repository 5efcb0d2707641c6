package io.headway.routing.placement;

import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertPlacementPlanner;
import io.headway.api.moe.ExpertTopology;
import io.headway.api.moe.MoeInputException;

/**
 * Replicates heavily loaded experts and packs the replicas onto devices, so that all devices carry
 * about the same load.
 *
 * <p>{@link Policy#HIERARCHICAL}, if the nodes divide the expert groups: groups are packed onto
 * nodes by their summed load, so that all replicas of a group stay on one node; inside each node
 * experts are replicated, then the replicas, each with its share of the expert's load, are packed
 * onto the node's devices. {@link Policy#GLOBAL} otherwise: the same with one group and one node,
 * whatever was asked for. See {@link BalancedPacking} and {@link ExpertReplication} for the two
 * steps and their ties. Two replicas of one expert may land on one device.
 *
 * <p>Layers are planned one by one. A load of zero everywhere still gives a valid plan. Recommended
 * by the authors: hierarchical for prefill with few nodes, global for decode with many.
 *
 * <p>Cost per layer: O(E log E + (R - E) E + R P) for E experts, R slots, P devices. A warmed-up
 * state allocates nothing; it belongs to one thread at a time.
 *
 * <p>DeepSeek-AI: EPLB (github.com/deepseek-ai/EPLB) and DeepSeek-V3, 2024 (arXiv 2412.19437),
 * Section 3.4. Departures: double precision and stable ties, where the reference computes in single
 * precision with an unstable sort.
 */
public final class EplbPlanner implements ExpertPlacementPlanner<EplbPlanner.Scratch> {
  /** Which of its two procedures the planner follows. */
  public enum Policy {
    /** Groups stay on nodes. */
    HIERARCHICAL,
    /** Groups and nodes are ignored. */
    GLOBAL
  }

  /** Arrays that plans are made in; remembers nothing. Not thread-safe. */
  public static final class Scratch {
    private final BalancedPacking groupPacking = new BalancedPacking();
    private final BalancedPacking replicaPacking = new BalancedPacking();
    private final ExpertReplication replication = new ExpertReplication();
    private double[] load = {};
    private double[] groupLoad = {};
    private double[] nodeLoad = {};
    private double[] replicaLoad = {};
    private int[] middle = {};

    private Scratch() {}
  }

  /** Creates the planner. */
  public EplbPlanner() {}

  /**
   * Returns which procedure a topology leads to.
   *
   * @param topology groups and nodes
   * @return HIERARCHICAL if the nodes divide the groups
   */
  public static Policy policy(ExpertTopology topology) {
    return topology.expertGroups() % topology.nodes() == 0 ? Policy.HIERARCHICAL : Policy.GLOBAL;
  }

  @Override
  public String id() {
    return "eplb";
  }

  @Override
  public Scratch newState() {
    return new Scratch();
  }

  @Override
  public void plan(ExpertLoad load, ExpertTopology topology, Scratch state, ExpertPlacement out) {
    int experts = load.experts();
    int slots = topology.slots();
    int devices = topology.devices();
    if (slots < experts) {
      throw new IllegalArgumentException(
          "slots must be at least one per expert, " + experts + ", but was " + slots);
    }
    requireDivides("slots", slots, "devices", devices);
    int groups = 1;
    int nodes = 1;
    if (policy(topology) == Policy.HIERARCHICAL) {
      groups = topology.expertGroups();
      nodes = topology.nodes();
      requireDivides("devices", devices, "nodes", nodes);
      requireDivides("experts", experts, "expertGroups", groups);
    }
    state.load = room(state.load, experts);
    state.groupLoad = room(state.groupLoad, groups);
    state.nodeLoad = room(state.nodeLoad, experts);
    state.replicaLoad = room(state.replicaLoad, slots / nodes);
    if (state.middle.length < experts) {
      state.middle = new int[experts];
    }
    out.begin(load.layers(), experts, slots, devices);
    for (int layer = 0; layer < load.layers(); layer++) {
      load.copyRow(layer, state.load);
      planLayer(layer, experts, slots, groups, nodes, devices, state, out);
    }
    out.end();
  }

  private static void planLayer(
      int layer,
      int experts,
      int slots,
      int groups,
      int nodes,
      int devices,
      Scratch state,
      ExpertPlacement out) {
    int groupSize = experts / groups;
    int groupsPerNode = groups / nodes;
    for (int g = 0; g < groups; g++) {
      double sum = 0;
      for (int e = g * groupSize; e < (g + 1) * groupSize; e++) {
        sum += state.load[e];
      }
      state.groupLoad[g] = sum;
    }
    state.groupPacking.pack(state.groupLoad, groups, nodes);
    // The middle order lists experts by node, then by group in the order it came to the node.
    for (int g = 0; g < groups; g++) {
      int at =
          (state.groupPacking.pack(g) * groupsPerNode + state.groupPacking.rank(g)) * groupSize;
      for (int i = 0; i < groupSize; i++) {
        state.middle[at + i] = g * groupSize + i;
      }
    }
    int expertsPerNode = experts / nodes;
    int slotsPerNode = slots / nodes;
    int devicesPerNode = devices / nodes;
    int slotsPerDevice = slots / devices;
    for (int node = 0; node < nodes; node++) {
      int first = node * expertsPerNode;
      for (int i = 0; i < expertsPerNode; i++) {
        state.nodeLoad[i] = state.load[state.middle[first + i]];
      }
      ExpertReplication replication = state.replication;
      replication.replicate(state.nodeLoad, expertsPerNode, slotsPerNode);
      for (int r = 0; r < slotsPerNode; r++) {
        int i = replication.expert(r);
        state.replicaLoad[r] = state.nodeLoad[i] / replication.count(i);
      }
      state.replicaPacking.pack(state.replicaLoad, slotsPerNode, devicesPerNode);
      for (int r = 0; r < slotsPerNode; r++) {
        int slot =
            node * slotsPerNode
                + state.replicaPacking.pack(r) * slotsPerDevice
                + state.replicaPacking.rank(r);
        out.place(layer, slot, state.middle[first + replication.expert(r)], replication.rank(r));
      }
    }
  }

  static void requireDivides(String name, int value, String divisorName, int divisor) {
    if (value % divisor != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          name + " must be a multiple of " + divisorName + " = " + divisor + ", but was " + value);
    }
  }

  private static double[] room(double[] array, int length) {
    return array.length < length ? new double[length] : array;
  }
}
