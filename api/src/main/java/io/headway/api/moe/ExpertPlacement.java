package io.headway.api.moe;

import java.util.Arrays;

/**
 * Which expert sits in which slot of which device, per layer, with all its replicas.
 *
 * <p>Slots are numbered device by device: device {@code d} owns slots {@code deviceOffset(d) ..
 * deviceOffset(d + 1) - 1} of every layer. The replicas of an expert are numbered from 0.
 *
 * <p>Planners write in this order: {@link #begin}, one {@link #place} per layer and slot, {@link
 * #end}. Reused between calls without allocation once it has grown; not thread-safe.
 */
public final class ExpertPlacement {
  private int layers;
  private int experts;
  private int slots;
  private int devices;
  private boolean complete = true;
  private int[] deviceOffsets = new int[1];
  private int[] deviceBySlot = {};
  private int[] expertBySlot = {};
  private int[] replicaBySlot = {};
  private int[] replicaOffsets = {};
  private int[] slotByReplica = {};

  /** Creates a placement without layers. */
  public ExpertPlacement() {}

  /**
   * Starts a placement with equally many slots on every device.
   *
   * @param layers layers, at least 1
   * @param experts experts per layer, at least 1
   * @param slots slots per layer, at least {@code experts}
   * @param devices devices, a divisor of {@code slots}
   */
  public void begin(int layers, int experts, int slots, int devices) {
    if (devices < 1 || slots % devices != 0) {
      throw new MoeInputException(
          MoeInputException.Rule.NOT_DIVISIBLE,
          "slots must be a multiple of devices = " + devices + ", but was " + slots);
    }
    start(layers, experts, slots, devices);
    for (int d = 0; d <= devices; d++) {
      deviceOffsets[d] = slots / devices * d;
    }
    fillDevices();
  }

  /**
   * Starts a placement whose devices own different numbers of slots.
   *
   * @param layers layers, at least 1
   * @param experts experts per layer, at least 1
   * @param slotsPerDevice slots of every device, each at least 0, summing to at least {@code
   *     experts}
   */
  public void begin(int layers, int experts, int[] slotsPerDevice) {
    long sum = 0;
    for (int count : slotsPerDevice) {
      if (count < 0) {
        throw new IllegalArgumentException(
            "slotsPerDevice must each be at least 0 slots, but one was " + count);
      }
      sum += count;
    }
    start(layers, experts, Math.toIntExact(sum), slotsPerDevice.length);
    deviceOffsets[0] = 0;
    for (int d = 0; d < devices; d++) {
      deviceOffsets[d + 1] = deviceOffsets[d] + slotsPerDevice[d];
    }
    fillDevices();
  }

  private void start(int layers, int experts, int slots, int devices) {
    if (layers < 1 || experts < 1 || slots < experts) {
      throw new IllegalArgumentException(
          "a placement must have at least 1 layer, 1 expert and as many slots as experts, but had "
              + layers
              + " layers, "
              + experts
              + " experts and "
              + slots
              + " slots");
    }
    this.layers = layers;
    this.experts = experts;
    this.slots = slots;
    this.devices = devices;
    int total = Math.multiplyExact(layers, slots);
    if (deviceOffsets.length <= devices) {
      deviceOffsets = new int[devices + 1];
    }
    if (deviceBySlot.length < slots) {
      deviceBySlot = new int[slots];
    }
    if (expertBySlot.length < total) {
      expertBySlot = new int[total];
      replicaBySlot = new int[total];
      slotByReplica = new int[total];
    }
    int offsets = Math.multiplyExact(layers, experts + 1);
    if (replicaOffsets.length < offsets) {
      replicaOffsets = new int[offsets];
    }
    Arrays.fill(expertBySlot, 0, total, -1);
    complete = false;
  }

  private void fillDevices() {
    for (int d = 0; d < devices; d++) {
      Arrays.fill(deviceBySlot, deviceOffsets[d], deviceOffsets[d + 1], d);
    }
  }

  /**
   * Puts one replica of an expert into a slot.
   *
   * @param layer layer index
   * @param slot slot index, not yet used in this layer
   * @param expert expert index
   * @param replica number of the replica among those of the expert
   */
  public void place(int layer, int slot, int expert, int replica) {
    if (layer < 0 || layer >= layers || slot < 0 || slot >= slots) {
      throw new IllegalArgumentException(
          "slot must lie in 0.."
              + (slots - 1)
              + " of a layer in 0.."
              + (layers - 1)
              + ", but was slot "
              + slot
              + " of layer "
              + layer);
    }
    if (expert < 0 || expert >= experts || replica < 0 || replica >= slots) {
      throw new IllegalArgumentException(
          "expert must lie in 0.."
              + (experts - 1)
              + " and replica in 0.."
              + (slots - 1)
              + ", but were "
              + expert
              + " and "
              + replica);
    }
    int i = layer * slots + slot;
    if (expertBySlot[i] >= 0) {
      throw new IllegalArgumentException(
          "slot must be free, but slot "
              + slot
              + " of layer "
              + layer
              + " holds expert "
              + expertBySlot[i]);
    }
    expertBySlot[i] = expert;
    replicaBySlot[i] = replica;
  }

  /**
   * Ends the placement and builds the index from replicas to slots.
   *
   * @throws IllegalStateException if a slot is empty, an expert has no replica, or the replicas of
   *     an expert are not numbered 0, 1, 2, ...
   */
  public void end() {
    for (int layer = 0; layer < layers; layer++) {
      int base = layer * slots;
      int offsets = layer * (experts + 1);
      Arrays.fill(replicaOffsets, offsets, offsets + experts + 1, 0);
      for (int s = 0; s < slots; s++) {
        int expert = expertBySlot[base + s];
        if (expert < 0) {
          throw new IllegalStateException(
              "slot " + s + " of layer " + layer + " must hold an expert, but was left empty");
        }
        replicaOffsets[offsets + expert + 1]++;
        slotByReplica[base + s] = -1;
      }
      for (int e = 0; e < experts; e++) {
        if (replicaOffsets[offsets + e + 1] == 0) {
          throw new IllegalStateException(
              "expert " + e + " of layer " + layer + " must have a replica, but has none");
        }
        replicaOffsets[offsets + e + 1] += replicaOffsets[offsets + e];
      }
      for (int s = 0; s < slots; s++) {
        int expert = expertBySlot[base + s];
        int position = replicaOffsets[offsets + expert] + replicaBySlot[base + s];
        if (position >= replicaOffsets[offsets + expert + 1]
            || slotByReplica[base + position] >= 0) {
          throw new IllegalStateException(
              "replicas of expert "
                  + expert
                  + " of layer "
                  + layer
                  + " must be numbered from 0 without gap or repeat");
        }
        slotByReplica[base + position] = s;
      }
    }
    complete = true;
  }

  /**
   * Copies another placement into this one.
   *
   * @param other a complete placement
   */
  public void copyFrom(ExpertPlacement other) {
    other.requireComplete();
    layers = other.layers;
    experts = other.experts;
    slots = other.slots;
    devices = other.devices;
    deviceOffsets = Arrays.copyOf(other.deviceOffsets, other.deviceOffsets.length);
    deviceBySlot = Arrays.copyOf(other.deviceBySlot, other.deviceBySlot.length);
    expertBySlot = Arrays.copyOf(other.expertBySlot, other.expertBySlot.length);
    replicaBySlot = Arrays.copyOf(other.replicaBySlot, other.replicaBySlot.length);
    replicaOffsets = Arrays.copyOf(other.replicaOffsets, other.replicaOffsets.length);
    slotByReplica = Arrays.copyOf(other.slotByReplica, other.slotByReplica.length);
    complete = true;
  }

  private void requireComplete() {
    if (!complete) {
      throw new IllegalStateException("end() must come before the placement is read");
    }
  }

  /**
   * Returns the number of layers.
   *
   * @return at least 1 once planned, 0 before
   */
  public int layers() {
    return layers;
  }

  /**
   * Returns the number of experts per layer.
   *
   * @return at least 1 once planned
   */
  public int experts() {
    return experts;
  }

  /**
   * Returns the number of slots per layer.
   *
   * @return at least {@code experts()}
   */
  public int slots() {
    return slots;
  }

  /**
   * Returns the number of devices.
   *
   * @return at least 1 once planned
   */
  public int devices() {
    return devices;
  }

  /**
   * Returns the first slot of a device.
   *
   * @param device from 0 to {@code devices()}
   * @return slot index
   */
  public int deviceOffset(int device) {
    return deviceOffsets[device];
  }

  /**
   * Returns the device that owns a slot.
   *
   * @param slot slot index
   * @return device index
   */
  public int device(int slot) {
    return deviceBySlot[slot];
  }

  /**
   * Returns the expert in a slot.
   *
   * @param layer layer index
   * @param slot slot index
   * @return expert index
   */
  public int expert(int layer, int slot) {
    requireComplete();
    return expertBySlot[layer * slots + slot];
  }

  /**
   * Returns which replica of its expert a slot holds.
   *
   * @param layer layer index
   * @param slot slot index
   * @return 0 for the first replica
   */
  public int replica(int layer, int slot) {
    requireComplete();
    return replicaBySlot[layer * slots + slot];
  }

  /**
   * Returns the number of replicas of an expert.
   *
   * @param layer layer index
   * @param expert expert index
   * @return at least 1
   */
  public int replicaCount(int layer, int expert) {
    requireComplete();
    int i = layer * (experts + 1) + expert;
    return replicaOffsets[i + 1] - replicaOffsets[i];
  }

  /**
   * Returns the slot of a replica.
   *
   * @param layer layer index
   * @param expert expert index
   * @param replica from 0 to {@code replicaCount(layer, expert) - 1}
   * @return slot index
   */
  public int slot(int layer, int expert, int replica) {
    requireComplete();
    return slotByReplica[layer * slots + replicaOffsets[layer * (experts + 1) + expert] + replica];
  }

  /**
   * Computes the expected load per device when every expert's load is spread evenly over its
   * replicas.
   *
   * @param load loads with the same experts
   * @param layer layer index
   * @param deviceLoad receives {@code devices()} numbers
   */
  public void deviceLoad(ExpertLoad load, int layer, double[] deviceLoad) {
    requireComplete();
    for (int d = 0; d < devices; d++) {
      double sum = 0;
      for (int s = deviceOffsets[d]; s < deviceOffsets[d + 1]; s++) {
        int expert = expertBySlot[layer * slots + s];
        sum += load.of(layer, expert) / replicaCount(layer, expert);
      }
      deviceLoad[d] = sum;
    }
  }
}
