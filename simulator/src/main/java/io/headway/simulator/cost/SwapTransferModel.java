package io.headway.simulator.cost;

/**
 * How long KV blocks take between an instance's devices and its host memory.
 *
 * <pre>{@code
 * seconds = blocks * (copiesPerBlock * secondsPerCopy + blockBytes / hostBytesPerSecond)
 * }</pre>
 *
 * <p>One direction after the other and nothing beside the iteration: what an engine hides behind
 * computation is not modelled, so the time is an upper bound of what swapping costs. Small blocks
 * are dominated by the copies, which is why published engines swap slowly (Kwon et al., SOSP 2023,
 * section 7.3); the formula is this library's.
 *
 * @param blockBytes KV bytes of a block over all layers and devices; above 0
 * @param hostBytesPerSecond bandwidth to the host in one direction, all devices together, bytes per
 *     second; above 0
 * @param copiesPerBlock copies that a block is moved in, at least 1: two per layer where keys and
 *     values of a layer are apart
 * @param secondsPerCopy fixed time of a copy, at least 0 s
 */
public record SwapTransferModel(
    double blockBytes, double hostBytesPerSecond, int copiesPerBlock, double secondsPerCopy) {

  /** Fixed time of a copy by default, in seconds; this library's choice, not a measurement. */
  public static final double DEFAULT_SECONDS_PER_COPY = 1e-6;

  /** Checks that every figure is in range. */
  public SwapTransferModel {
    CostChecks.positive(blockBytes, "blockBytes", "bytes");
    CostChecks.positive(hostBytesPerSecond, "hostBytesPerSecond", "bytes per second");
    CostChecks.atLeast(copiesPerBlock, 1, "copiesPerBlock", "copy");
    CostChecks.notNegative(secondsPerCopy, "secondsPerCopy", "s");
  }

  /**
   * Returns the model of blocks that are compressed before they are moved, as ALISE does with 8-bit
   * integers (arXiv 2410.23537). Compressing itself takes no time here.
   *
   * @param ratio by how much a block shrinks, at least 1; 2 for 16-bit KV in 8 bits
   * @return a changed copy
   */
  public SwapTransferModel compressed(double ratio) {
    if (!(ratio >= 1) || Double.isInfinite(ratio)) {
      throw new IllegalArgumentException("ratio must be at least 1 and finite, but was " + ratio);
    }
    return new SwapTransferModel(
        blockBytes / ratio, hostBytesPerSecond, copiesPerBlock, secondsPerCopy);
  }

  /**
   * Returns the time to move blocks out or in.
   *
   * @param blocks blocks moved, both directions counted, at least 0
   * @return seconds
   */
  public double seconds(int blocks) {
    CostChecks.atLeast(blocks, 0, "blocks", "blocks");
    return blocks * (copiesPerBlock * secondsPerCopy + blockBytes / hostBytesPerSecond);
  }

  /**
   * Returns the time to move blocks out or in.
   *
   * @param blocks blocks moved, both directions counted, at least 0
   * @return {@link #seconds} in whole nanoseconds
   */
  public long nanos(int blocks) {
    return Math.round(seconds(blocks) * 1e9);
  }
}
