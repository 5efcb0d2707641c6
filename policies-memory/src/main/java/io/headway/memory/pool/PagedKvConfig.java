package io.headway.memory.pool;

import static java.util.Objects.requireNonNull;

import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvGroup;

/**
 * Configures a {@link PagedKvBlockPool}.
 *
 * @param geometry layout; every group has full or sliding attention, the same block size in tokens,
 *     and blocks of one unit, so that a block id serves any group
 * @param deviceBlocks blocks on the device, the null block included, at least 0
 * @param hostBlocks blocks on the host for swapping and offloading, at least 0; default 0
 * @param watermarkFraction share of the device blocks that admissions leave available, 0 to 1;
 *     {@code floor(watermarkFraction * deviceBlocks)} blocks; default {@value
 *     #DEFAULT_WATERMARK_FRACTION}
 * @param freeOrder where released blocks enter the eviction order; default {@link FreeOrder#APPEND}
 * @param prefixCaching whether published blocks are matchable; default true
 * @param nullBlock whether block 0 is set apart for positions that nobody reads, as vLLM's version
 *     1 does; default false; needed by groups with sliding attention
 * @param dropLastHit whether the last hit block is given up, for draft heads that need its hidden
 *     states; default false
 * @param events whether changes of matchable content are recorded for {@link
 *     PagedKvBlockPool#drainEvents}; default false
 */
public record PagedKvConfig(
    KvGeometry geometry,
    int deviceBlocks,
    int hostBlocks,
    double watermarkFraction,
    FreeOrder freeOrder,
    boolean prefixCaching,
    boolean nullBlock,
    boolean dropLastHit,
    boolean events) {

  /**
   * Default of {@code watermarkFraction}: the first version of vLLM keeps 1 % free, version 1 none.
   */
  public static final double DEFAULT_WATERMARK_FRACTION = 0.0;

  /** Most blocks of a tier. */
  public static final int MAX_BLOCKS = 1 << 28;

  /**
   * Checks the components.
   *
   * @param geometry layout
   * @param deviceBlocks blocks on the device
   * @param hostBlocks blocks on the host for swapping and offloading
   * @param watermarkFraction share of the device blocks that admissions leave available
   * @param freeOrder where released blocks enter the eviction order
   * @param prefixCaching whether published blocks are matchable
   * @param nullBlock whether block 0 is set apart for positions that nobody reads
   * @param dropLastHit whether the last hit block is given up
   * @param events whether changes of matchable content are recorded for {@link
   *     PagedKvBlockPool#drainEvents}
   * @throws IllegalArgumentException if a number is out of range, or a group cannot share block ids
   *     with the others
   */
  public PagedKvConfig {
    requireNonNull(geometry, "geometry");
    requireNonNull(freeOrder, "freeOrder");
    inRange("deviceBlocks", deviceBlocks);
    inRange("hostBlocks", hostBlocks);
    if (!(watermarkFraction >= 0 && watermarkFraction <= 1)) {
      throw new IllegalArgumentException(
          "watermarkFraction must be between 0 and 1, but was " + watermarkFraction);
    }
    if (nullBlock && deviceBlocks < 1) {
      throw new IllegalArgumentException(
          "deviceBlocks must be at least 1 block for the null block, but was " + deviceBlocks);
    }
    int blockTokens = geometry.groups().get(0).blockTokens();
    for (KvGroup group : geometry.groups()) {
      if (group.kind() != KvGroup.Kind.FULL && group.kind() != KvGroup.Kind.SLIDING) {
        throw new IllegalArgumentException(
            "kind of group "
                + group.groupId()
                + " must be FULL or SLIDING in a paged pool, but was "
                + group.kind());
      }
      if (group.kind() == KvGroup.Kind.SLIDING && !nullBlock) {
        throw new IllegalArgumentException(
            "nullBlock must be true for the sliding group " + group.groupId() + ", but was false");
      }
      if (group.blockTokens() != blockTokens) {
        throw new IllegalArgumentException(
            "blockTokens must be equal in all groups, but was "
                + blockTokens
                + " tokens in group 0 and "
                + group.blockTokens()
                + " in group "
                + group.groupId());
      }
      if (geometry.unitsPerBlock(group.groupId()) != 1) {
        throw new IllegalArgumentException(
            "bytesPerBlock of group "
                + group.groupId()
                + " must be unitBytes "
                + geometry.unitBytes()
                + " bytes, but was "
                + group.bytesPerBlock());
      }
    }
  }

  private static void inRange(String name, int blocks) {
    if (blocks < 0 || blocks > MAX_BLOCKS) {
      throw new IllegalArgumentException(
          name + " must be between 0 and " + MAX_BLOCKS + " blocks, but was " + blocks);
    }
  }

  /**
   * Returns the defaults of a pool with prefix caching: one group of full attention, no null block,
   * no watermark, least recently used content dies first.
   *
   * @param blockTokens tokens per block, at least 1; 16 is customary
   * @param deviceBlocks blocks on the device, the null block included
   * @return the configuration
   */
  public static PagedKvConfig of(int blockTokens, int deviceBlocks) {
    return new PagedKvConfig(
        KvGeometry.uniform(blockTokens),
        deviceBlocks,
        0,
        DEFAULT_WATERMARK_FRACTION,
        FreeOrder.APPEND,
        true,
        false,
        false,
        false);
  }

  /**
   * Returns this configuration with another geometry.
   *
   * @param value layout
   * @return the changed copy
   */
  public PagedKvConfig withGeometry(KvGeometry value) {
    return new PagedKvConfig(
        value,
        deviceBlocks,
        hostBlocks,
        watermarkFraction,
        freeOrder,
        prefixCaching,
        nullBlock,
        dropLastHit,
        events);
  }

  /**
   * Returns this configuration with a host tier.
   *
   * @param blocks blocks on the host, at least 0
   * @return the changed copy
   */
  public PagedKvConfig withHostBlocks(int blocks) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        blocks,
        watermarkFraction,
        freeOrder,
        prefixCaching,
        nullBlock,
        dropLastHit,
        events);
  }

  /**
   * Returns this configuration with another watermark.
   *
   * @param fraction share of the device blocks, 0 to 1
   * @return the changed copy
   */
  public PagedKvConfig withWatermarkFraction(double fraction) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        hostBlocks,
        fraction,
        freeOrder,
        prefixCaching,
        nullBlock,
        dropLastHit,
        events);
  }

  /**
   * Returns this configuration with another free order.
   *
   * @param order where released blocks enter the eviction order
   * @return the changed copy
   */
  public PagedKvConfig withFreeOrder(FreeOrder order) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        hostBlocks,
        watermarkFraction,
        order,
        prefixCaching,
        nullBlock,
        dropLastHit,
        events);
  }

  /**
   * Returns this configuration with prefix caching on or off.
   *
   * @param on whether published blocks are matchable
   * @return the changed copy
   */
  public PagedKvConfig withPrefixCaching(boolean on) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        hostBlocks,
        watermarkFraction,
        freeOrder,
        on,
        nullBlock,
        dropLastHit,
        events);
  }

  /**
   * Returns this configuration with or without a null block.
   *
   * @param on whether block 0 is set apart
   * @return the changed copy
   */
  public PagedKvConfig withNullBlock(boolean on) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        hostBlocks,
        watermarkFraction,
        freeOrder,
        prefixCaching,
        on,
        dropLastHit,
        events);
  }

  /**
   * Returns this configuration with the last hit block used or given up.
   *
   * @param on whether it is given up
   * @return the changed copy
   */
  public PagedKvConfig withDropLastHit(boolean on) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        hostBlocks,
        watermarkFraction,
        freeOrder,
        prefixCaching,
        nullBlock,
        on,
        events);
  }

  /**
   * Returns this configuration with events recorded or not.
   *
   * @param on whether they are recorded; they pile up until drained
   * @return the changed copy
   */
  public PagedKvConfig withEvents(boolean on) {
    return new PagedKvConfig(
        geometry,
        deviceBlocks,
        hostBlocks,
        watermarkFraction,
        freeOrder,
        prefixCaching,
        nullBlock,
        dropLastHit,
        on);
  }

  /**
   * Returns the blocks that admissions leave available.
   *
   * @return {@code floor(watermarkFraction * deviceBlocks)}, the product taken in double precision
   */
  public int watermarkBlocks() {
    return (int) (watermarkFraction * deviceBlocks);
  }

  /**
   * Returns the block size.
   *
   * @return tokens per block, equal in all groups
   */
  public int blockTokens() {
    return geometry.groups().get(0).blockTokens();
  }
}
