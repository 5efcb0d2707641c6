package io.headway.api.moe;

/**
 * The hardware that experts are placed on: equal devices in equal nodes, each device holding
 * equally many expert slots per layer.
 *
 * @param slots expert slots per layer over all devices, at least 1; a multiple of {@code devices}
 *     for planners that give every device equally many
 * @param expertGroups groups of consecutive experts that belong on one node each, at least 1; 1 if
 *     routing knows no groups
 * @param nodes nodes, at least 1
 * @param devices devices over all nodes, at least 1
 */
public record ExpertTopology(int slots, int expertGroups, int nodes, int devices) {
  /** Checks that every count is positive; divisibility is the planner's business. */
  public ExpertTopology {
    requirePositive("slots", slots);
    requirePositive("expertGroups", expertGroups);
    requirePositive("nodes", nodes);
    requirePositive("devices", devices);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, but was " + value);
    }
  }
}
