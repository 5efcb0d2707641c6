package io.headway.routing.placement;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.DeviceMap;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertPlacementPlanner;
import io.headway.api.moe.ExpertTopology;
import java.util.Arrays;

/**
 * Puts every expert on one device, without replicas: the baseline that replication is measured
 * against.
 *
 * <p>{@link Rule#CONTIGUOUS}: consecutive blocks; if the devices do not divide the experts the
 * first ones get one more. {@link Rule#ROUND_ROBIN}: expert {@code e} on device {@code e mod
 * devices}. {@link Rule#PACKED}: by load with {@link BalancedPacking}, equally many per device.
 * Spare slots of the topology are left out. Cost: O(experts) per layer, PACKED O(experts log
 * experts + experts x devices). A state belongs to one thread at a time.
 */
public final class StaticPlanner implements ExpertPlacementPlanner<StaticPlanner.Scratch> {
  /** Where an expert goes. */
  public enum Rule {
    /** Into consecutive blocks. */
    CONTIGUOUS,
    /** Round the devices in turn. */
    ROUND_ROBIN,
    /** Onto the device with the least load. */
    PACKED
  }

  /** Arrays that plans are made in; remembers nothing. Not thread-safe. */
  public static final class Scratch {
    private final BalancedPacking packing = new BalancedPacking();
    private double[] load = {};
    private int[] next = {};

    private Scratch() {}
  }

  private final Rule rule;

  /**
   * Creates the planner.
   *
   * @param rule where an expert goes
   */
  public StaticPlanner(Rule rule) {
    this.rule = requireNonNull(rule, "rule");
  }

  @Override
  public String id() {
    return switch (rule) {
      case CONTIGUOUS -> "contiguous";
      case ROUND_ROBIN -> "round-robin";
      case PACKED -> "packed";
    };
  }

  @Override
  public Scratch newState() {
    return new Scratch();
  }

  @Override
  public void plan(ExpertLoad load, ExpertTopology topology, Scratch state, ExpertPlacement out) {
    int experts = load.experts();
    int devices = topology.devices();
    if (rule == Rule.PACKED) {
      EplbPlanner.requireDivides("experts", experts, "devices", devices);
      if (state.load.length < experts) {
        state.load = new double[experts];
      }
    }
    DeviceMap map =
        rule == Rule.ROUND_ROBIN
            ? DeviceMap.roundRobin(experts, devices)
            : DeviceMap.contiguous(experts, devices);
    int[] perDevice = new int[devices];
    for (int e = 0; e < experts; e++) {
      perDevice[map.device(e)]++;
    }
    if (state.next.length < devices) {
      state.next = new int[devices];
    }
    out.begin(load.layers(), experts, perDevice);
    for (int layer = 0; layer < load.layers(); layer++) {
      if (rule == Rule.PACKED) {
        load.copyRow(layer, state.load);
        state.packing.pack(state.load, experts, devices);
      }
      Arrays.fill(state.next, 0, devices, 0);
      for (int e = 0; e < experts; e++) {
        int device = rule == Rule.PACKED ? state.packing.pack(e) : map.device(e);
        out.place(layer, out.deviceOffset(device) + state.next[device]++, e, 0);
      }
    }
    out.end();
  }
}
