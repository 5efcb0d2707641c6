package io.headway.api.memory;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Holds the counts of a pool at one moment; what metrics, gateways and schedulers of another
 * process see of it. Immutable and thread-safe.
 *
 * @param mode who owns the memory
 * @param blockTokens tokens per block of group 0; 1 where a block is not a number of tokens
 * @param deviceBlocks device blocks by state, every state present
 * @param hostBlocks host blocks by state, every state present
 * @param pinnedOwners owners that are pinned
 * @param blocksByOwnerKind table entries on the device by kind of owner, every kind present
 */
public record KvPoolSnapshot(
    KvMode mode,
    int blockTokens,
    Map<BlockState, Integer> deviceBlocks,
    Map<BlockState, Integer> hostBlocks,
    int pinnedOwners,
    Map<OwnerKind, Integer> blocksByOwnerKind) {

  /**
   * Copies the maps, in their order.
   *
   * @param mode who owns the memory
   * @param blockTokens tokens per block of group 0
   * @param deviceBlocks device blocks by state
   * @param hostBlocks host blocks by state
   * @param pinnedOwners owners that are pinned
   * @param blocksByOwnerKind table entries on the device by kind of owner
   */
  public KvPoolSnapshot {
    deviceBlocks = Collections.unmodifiableMap(new LinkedHashMap<>(deviceBlocks));
    hostBlocks = Collections.unmodifiableMap(new LinkedHashMap<>(hostBlocks));
    blocksByOwnerKind = Collections.unmodifiableMap(new LinkedHashMap<>(blocksByOwnerKind));
  }

  /**
   * Returns the share of the device's blocks that are in use, {@code 1 - available / total}, the
   * null block not counted.
   *
   * @return 0 to 1; 0 for a pool without blocks
   */
  public double usage() {
    long total = 0;
    for (BlockState state : BlockState.values()) {
      if (state != BlockState.NULL) {
        total += deviceBlocks.getOrDefault(state, 0);
      }
    }
    long available =
        (long) deviceBlocks.getOrDefault(BlockState.FREE, 0)
            + deviceBlocks.getOrDefault(BlockState.CACHED, 0);
    return total == 0 ? 0 : 1 - (double) available / total;
  }
}
