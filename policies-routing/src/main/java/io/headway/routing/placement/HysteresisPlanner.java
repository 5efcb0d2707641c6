package io.headway.routing.placement;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertPlacementPlanner;
import io.headway.api.moe.ExpertTopology;
import io.headway.routing.internal.Selection;
import java.util.Arrays;

/**
 * Keeps a layer's current placement unless another planner's new one is enough of an improvement,
 * and moves as few weights as the new one allows.
 *
 * <p>The gain of a layer is the relative fall of its largest device load under the new estimate,
 * {@code (now - new) / now}, which is the fall of the time its experts take. Layers with a gain of
 * at least {@code minGain} are replaced, those with the largest gain per moved slot first (ties to
 * the lower layer), until {@code maxMovedSlots} is reached; a layer that does not fit is skipped.
 * The new placement of a layer is permuted within each device, so that an expert that stays on its
 * device stays in its slot; only other slots count as moved. The first plan, and one whose shape
 * differs, is taken over as it is.
 *
 * <p>Cost: that of the inner planner, plus O(layers x slots x slots per device). A state belongs to
 * one thread at a time and remembers the placement in force.
 *
 * @param <S> state of the inner planner
 */
public final class HysteresisPlanner<S>
    implements ExpertPlacementPlanner<HysteresisPlanner.Current<S>> {
  /** Least relative gain unless configured otherwise. */
  public static final double DEFAULT_MIN_GAIN = 0.05;

  /** The placement in force. Not thread-safe. */
  public static final class Current<S> {
    private final S inner;
    private final ExpertPlacement placement = new ExpertPlacement();
    private final ExpertPlacement candidate = new ExpertPlacement();
    private int[] aligned = {};
    private int movedSlots;
    private int replacedLayers;

    private Current(S inner) {
      this.inner = inner;
    }

    /**
     * Returns how many slots the last plan gave another expert.
     *
     * @return slots over all layers; all of them for a first plan
     */
    public int movedSlots() {
      return movedSlots;
    }

    /**
     * Returns how many layers the last plan replaced.
     *
     * @return layers; all of them for a first plan
     */
    public int replacedLayers() {
      return replacedLayers;
    }
  }

  private final ExpertPlacementPlanner<S> planner;
  private final double minGain;
  private final int maxMovedSlots;

  /**
   * Wraps a planner.
   *
   * @param planner makes new placements; equally many slots per device in every plan
   * @param minGain least relative gain that is worth moving weights, from 0 to 1; 0.05 by default
   * @param maxMovedSlots most slots over all layers that one plan may change, at least 1; {@link
   *     Integer#MAX_VALUE} for no limit
   */
  public HysteresisPlanner(ExpertPlacementPlanner<S> planner, double minGain, int maxMovedSlots) {
    this.planner = requireNonNull(planner, "planner");
    if (!(minGain >= 0 && minGain <= 1)) {
      throw new IllegalArgumentException("minGain must lie in 0..1, but was " + minGain);
    }
    if (maxMovedSlots < 1) {
      throw new IllegalArgumentException(
          "maxMovedSlots must be at least 1 slot, but was " + maxMovedSlots);
    }
    this.minGain = minGain;
    this.maxMovedSlots = maxMovedSlots;
  }

  @Override
  public String id() {
    return "hysteresis";
  }

  @Override
  public Current<S> newState() {
    return new Current<>(planner.newState());
  }

  @Override
  public void plan(
      ExpertLoad load, ExpertTopology topology, Current<S> state, ExpertPlacement out) {
    ExpertPlacement next = state.candidate;
    planner.plan(load, topology, state.inner, next);
    ExpertPlacement now = state.placement;
    int layers = next.layers();
    int slots = next.slots();
    if (!sameShape(now, next)) {
      now.copyFrom(next);
      out.copyFrom(next);
      state.movedSlots = layers * slots;
      state.replacedLayers = layers;
      return;
    }
    if (state.aligned.length < layers * slots) {
      state.aligned = new int[layers * slots];
    }
    double[] gain = new double[layers];
    double[] gainPerSlot = new double[layers];
    int[] moved = new int[layers];
    double[] deviceLoad = new double[next.devices()];
    int[] order = new int[layers];
    for (int layer = 0; layer < layers; layer++) {
      double before = largest(now, load, layer, deviceLoad);
      double after = largest(next, load, layer, deviceLoad);
      gain[layer] = before > 0 ? (before - after) / before : 0;
      moved[layer] = align(now, next, layer, state.aligned);
      gainPerSlot[layer] = gain[layer] / Math.max(1, moved[layer]);
      order[layer] = layer;
    }
    Selection.sortDescending(order, 0, layers, gainPerSlot, new int[layers]);
    boolean[] replaced = new boolean[layers];
    state.movedSlots = 0;
    state.replacedLayers = 0;
    for (int layer : order) {
      if (moved[layer] > 0
          && gain[layer] > 0
          && gain[layer] >= minGain
          && moved[layer] <= maxMovedSlots - state.movedSlots) {
        replaced[layer] = true;
        state.movedSlots += moved[layer];
        state.replacedLayers++;
      }
    }
    write(now, next, replaced, state.aligned, out);
    now.copyFrom(out);
  }

  private static boolean sameShape(ExpertPlacement a, ExpertPlacement b) {
    if (a.layers() != b.layers()
        || a.experts() != b.experts()
        || a.slots() != b.slots()
        || a.devices() != b.devices()) {
      return false;
    }
    for (int d = 0; d <= a.devices(); d++) {
      if (a.deviceOffset(d) != b.deviceOffset(d)) {
        return false;
      }
    }
    return true;
  }

  private static double largest(
      ExpertPlacement placement, ExpertLoad load, int layer, double[] deviceLoad) {
    placement.deviceLoad(load, layer, deviceLoad);
    double largest = 0;
    for (double l : deviceLoad) {
      largest = Math.max(largest, l);
    }
    return largest;
  }

  /** Writes which slot of the new placement goes where and returns how many slots change. */
  private static int align(ExpertPlacement now, ExpertPlacement next, int layer, int[] aligned) {
    int base = layer * next.slots();
    int moved = 0;
    for (int d = 0; d < next.devices(); d++) {
      int from = next.deviceOffset(d);
      int to = next.deviceOffset(d + 1);
      Arrays.fill(aligned, base + from, base + to, -1);
      for (int s = from; s < to; s++) {
        for (int target = from; target < to; target++) {
          if (aligned[base + target] < 0 && now.expert(layer, target) == next.expert(layer, s)) {
            aligned[base + target] = s;
            break;
          }
        }
      }
      int unplaced = from;
      for (int target = from; target < to; target++) {
        if (aligned[base + target] < 0) {
          while (isPlaced(aligned, base + from, base + to, unplaced)) {
            unplaced++;
          }
          aligned[base + target] = unplaced;
          moved++;
        }
      }
    }
    return moved;
  }

  private static boolean isPlaced(int[] aligned, int from, int to, int slot) {
    for (int i = from; i < to; i++) {
      if (aligned[i] == slot) {
        return true;
      }
    }
    return false;
  }

  private static void write(
      ExpertPlacement now,
      ExpertPlacement next,
      boolean[] replaced,
      int[] aligned,
      ExpertPlacement out) {
    int[] perDevice = new int[next.devices()];
    for (int d = 0; d < perDevice.length; d++) {
      perDevice[d] = next.deviceOffset(d + 1) - next.deviceOffset(d);
    }
    out.begin(next.layers(), next.experts(), perDevice);
    for (int layer = 0; layer < next.layers(); layer++) {
      for (int s = 0; s < next.slots(); s++) {
        if (replaced[layer]) {
          int source = aligned[layer * next.slots() + s];
          out.place(layer, s, next.expert(layer, source), next.replica(layer, source));
        } else {
          out.place(layer, s, now.expert(layer, s), now.replica(layer, s));
        }
      }
    }
    out.end();
  }
}
