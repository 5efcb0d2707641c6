package io.headway.simulator.cluster;

import io.headway.simulator.cost.SwapTransferModel;
import java.util.Objects;

/**
 * Host memory of each instance for the KV of swapped sequences. An iteration whose plan moves
 * blocks takes the time of the moves first, then its own; repetitions of a plan move nothing.
 *
 * @param blocks blocks that the host of an instance holds, at least 1
 * @param transfers time of moving them
 */
public record HostTier(int blocks, SwapTransferModel transfers) {
  public HostTier {
    if (blocks < 1) {
      throw new IllegalArgumentException(
          "blocks of a host tier must be at least 1, but was " + blocks);
    }
    Objects.requireNonNull(transfers, "transfers");
  }
}
