package io.headway.routing.placement;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertPlacement;
import java.util.Arrays;

/**
 * Decides which replica of its expert each (token, expert) pair is sent to.
 *
 * <p>{@link Rule#ROUND_ROBIN}: the {@code i}-th pair of an expert goes to replica {@code i mod n}:
 * replicas of one expert differ by at most one pair. Turns begin anew with every call, so the
 * choice depends on nothing but the call; with fewer pairs of an expert than replicas the later
 * ones idle. {@link Rule#HASH}: {@code splitmix64(token + seed) mod n}: stateless, and a token
 * keeps its replica over layers with equally many. {@link Rule#LEAST_LOADED}: the replica whose
 * device has the fewest pairs so far in this call (ties to the lower slot): evens out what the
 * placement leaves uneven. {@link Rule#LOCAL}: a replica on the token's own device, else on its own
 * node, round robin among several, else round robin over all: saves transfers.
 *
 * <p>Cost: O(pairs), LEAST_LOADED and LOCAL O(pairs x replicas). Not thread-safe.
 */
public final class ReplicaSelector {
  /** How a replica is chosen. */
  public enum Rule {
    /** In turn. */
    ROUND_ROBIN,
    /** By a hash of the token index. */
    HASH,
    /** On the device with the fewest pairs. */
    LEAST_LOADED,
    /** As near to the token as possible, in turn. */
    LOCAL
  }

  private final Rule rule;
  private final long seed;
  private final int nodes;
  private int[] turn = {};
  private int[] pairsOnDevice = {};

  /**
   * Creates a selector.
   *
   * @param rule how a replica is chosen
   * @param seed selects the hash function of HASH; else unused
   * @param nodes nodes that the devices lie on in equal consecutive blocks, at least 1; LOCAL needs
   *     a divisor of the devices, the others do not use it
   */
  public ReplicaSelector(Rule rule, long seed, int nodes) {
    this.rule = requireNonNull(rule, "rule");
    if (nodes < 1) {
      throw new IllegalArgumentException("nodes must be at least 1 node, but was " + nodes);
    }
    this.seed = seed;
    this.nodes = nodes;
  }

  /**
   * Chooses a slot for every pair.
   *
   * @param pairs the pairs of one layer
   * @param placement a placement with the same experts
   * @param layer the layer within the placement
   * @param tokenDevice device where each token's activations are; read by LOCAL only
   * @param slotByPair receives one slot per pair
   * @throws IllegalArgumentException if the experts differ, the placement has no such layer, an
   *     array is too short, or for LOCAL a device is none of the placement's or the nodes do not
   *     divide the devices
   */
  public void select(
      ExpertAssignments pairs,
      ExpertPlacement placement,
      int layer,
      int[] tokenDevice,
      int[] slotByPair) {
    int experts = pairs.experts();
    int devices = placement.devices();
    if (placement.experts() != experts) {
      throw new IllegalArgumentException(
          "placement must have " + experts + " experts, but had " + placement.experts());
    }
    if (slotByPair.length < pairs.pairCount()) {
      throw new IllegalArgumentException(
          "slotByPair must have room for "
              + pairs.pairCount()
              + " pairs, but had "
              + slotByPair.length);
    }
    if (layer < 0 || layer >= placement.layers()) {
      throw new IllegalArgumentException(
          "layer must lie in 0.." + (placement.layers() - 1) + ", but was " + layer);
    }
    if (rule == Rule.LOCAL) {
      checkHomes(pairs.tokens(), devices, tokenDevice);
    }
    if (turn.length < experts) {
      turn = new int[experts];
    }
    if (pairsOnDevice.length < devices) {
      pairsOnDevice = new int[devices];
    }
    Arrays.fill(turn, 0, experts, 0);
    Arrays.fill(pairsOnDevice, 0, devices, 0);
    for (int pair = 0; pair < pairs.pairCount(); pair++) {
      int e = pairs.expert(pair);
      int count = placement.replicaCount(layer, e);
      int replica =
          switch (rule) {
            case ROUND_ROBIN -> turn[e]++ % count;
            case HASH -> (int) Long.remainderUnsigned(mixed(pairs.token(pair) + seed), count);
            case LEAST_LOADED -> leastLoaded(placement, layer, e, count);
            case LOCAL -> nearest(placement, layer, e, count, tokenDevice[pairs.token(pair)]);
          };
      int slot = placement.slot(layer, e, replica);
      pairsOnDevice[placement.device(slot)]++;
      slotByPair[pair] = slot;
    }
  }

  private void checkHomes(int tokens, int devices, int[] tokenDevice) {
    if (devices % nodes != 0) {
      throw new IllegalArgumentException(
          "nodes must divide the " + devices + " devices of the placement, but was " + nodes);
    }
    if (tokenDevice.length < tokens) {
      throw new IllegalArgumentException(
          "tokenDevice must have " + tokens + " entries, but had " + tokenDevice.length);
    }
    for (int t = 0; t < tokens; t++) {
      if (tokenDevice[t] < 0 || tokenDevice[t] >= devices) {
        throw new IllegalArgumentException(
            "tokenDevice["
                + t
                + "] must lie in 0.."
                + (devices - 1)
                + ", but was "
                + tokenDevice[t]);
      }
    }
  }

  private int leastLoaded(ExpertPlacement placement, int layer, int e, int count) {
    int best = 0;
    int bestSlot = placement.slot(layer, e, 0);
    for (int r = 1; r < count; r++) {
      int slot = placement.slot(layer, e, r);
      int difference =
          pairsOnDevice[placement.device(slot)] - pairsOnDevice[placement.device(bestSlot)];
      if (difference < 0 || (difference == 0 && slot < bestSlot)) {
        best = r;
        bestSlot = slot;
      }
    }
    return best;
  }

  private int nearest(ExpertPlacement placement, int layer, int e, int count, int home) {
    int devicesPerNode = placement.devices() / nodes;
    int same = 0;
    int near = 0;
    for (int r = 0; r < count; r++) {
      int device = placement.device(placement.slot(layer, e, r));
      same += device == home ? 1 : 0;
      near += device / devicesPerNode == home / devicesPerNode ? 1 : 0;
    }
    int candidates = same > 0 ? same : near > 0 ? near : count;
    int skip = turn[e]++ % candidates;
    for (int r = 0; r < count; r++) {
      int device = placement.device(placement.slot(layer, e, r));
      boolean candidate =
          same > 0 ? device == home : near == 0 || device / devicesPerNode == home / devicesPerNode;
      if (candidate && skip-- == 0) {
        return r;
      }
    }
    throw new AssertionError("one of " + candidates + " candidates must have been met");
  }

  // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
  private static long mixed(long value) {
    long x = value + 0x9E3779B97F4A7C15L;
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }
}
