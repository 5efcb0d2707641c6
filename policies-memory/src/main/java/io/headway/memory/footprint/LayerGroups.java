package io.headway.memory.footprint;

import java.util.List;

/**
 * Cuts the layers of a hybrid model into cache groups of equal size, so that one physical block
 * size serves all of them (vLLM's hybrid KV-cache grouping).
 *
 * <p>Layers with the same specification form a bucket. Groups have as many layers as the smallest
 * bucket, except that where the largest bucket has fewer than 1.5 times as many the largest is
 * taken and the smaller ones are padded. Each bucket is cut into groups of that size, the last one
 * padded.
 *
 * @param groupLayers layers per group
 * @param groupsPerSpec groups of each bucket, in the order given
 * @param paddedLayerSlots layer slots that no layer uses; they take memory all the same
 */
public record LayerGroups(int groupLayers, List<Integer> groupsPerSpec, int paddedLayerSlots) {
  /** Largest over smallest bucket from which on the smallest decides the group size. */
  public static final double PADDING_RATIO = 1.5;

  /**
   * Copies the list.
   *
   * @param groupLayers layers per group
   * @param groupsPerSpec groups of each bucket
   * @param paddedLayerSlots layer slots that no layer uses
   */
  public LayerGroups {
    groupsPerSpec = List.copyOf(groupsPerSpec);
  }

  /**
   * Returns the groups of a model.
   *
   * @param layersPerSpec layers of each bucket, at least one bucket, each of at least 1 layer
   * @return the groups
   * @throws IllegalArgumentException if there is no bucket or an empty one
   */
  public static LayerGroups of(int... layersPerSpec) {
    if (layersPerSpec.length == 0) {
      throw new IllegalArgumentException(
          "layersPerSpec must have at least 1 bucket, but was empty");
    }
    int smallest = Integer.MAX_VALUE;
    int largest = 0;
    for (int layers : layersPerSpec) {
      Checks.atLeast("layersPerSpec", layers, 1, "layer");
      smallest = Math.min(smallest, layers);
      largest = Math.max(largest, layers);
    }
    int size = largest < PADDING_RATIO * smallest ? largest : smallest;
    Integer[] groups = new Integer[layersPerSpec.length];
    int padded = 0;
    for (int i = 0; i < groups.length; i++) {
      groups[i] = (layersPerSpec[i] - 1) / size + 1;
      padded = Math.addExact(padded, groups[i] * size - layersPerSpec[i]);
    }
    return new LayerGroups(size, List.of(groups), padded);
  }
}
