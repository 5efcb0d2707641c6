package io.headway.routing.placement;

/**
 * How one dimension of a tensor is cut into equal shards: padded up to the next multiple of the
 * partitions, the padding at the end.
 *
 * @param size length of the dimension, at least 0
 * @param partitions number of shards, at least 1
 */
public record DimensionSplit(int size, int partitions) {
  /** Checks the counts. */
  public DimensionSplit {
    if (size < 0) {
      throw new IllegalArgumentException("size must be at least 0, but was " + size);
    }
    if (partitions < 1) {
      throw new IllegalArgumentException(
          "partitions must be at least 1 partition, but was " + partitions);
    }
  }

  /**
   * Returns the length of every shard.
   *
   * @return {@code ceil(size / partitions)}
   */
  public int shardSize() {
    return (int) ((size + (long) partitions - 1) / partitions);
  }

  /**
   * Returns the length of the dimension with padding.
   *
   * @return {@code shardSize * partitions}
   */
  public long paddedSize() {
    return (long) shardSize() * partitions;
  }

  /**
   * Returns how much of a shard is not padding.
   *
   * @param partition partition index
   * @return from 0 to {@code shardSize()}; over all partitions the sum is {@code size}
   */
  public int validSize(int partition) {
    if (partition < 0 || partition >= partitions) {
      throw new IllegalArgumentException(
          "partition must lie in 0.." + (partitions - 1) + ", but was " + partition);
    }
    long from = (long) partition * shardSize();
    return (int) Math.max(0, Math.min(shardSize(), size - from));
  }
}
