package io.headway.executor.gpu;

import io.headway.api.memory.KvMoveKind;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import java.lang.foreign.MemorySegment;

/**
 * The KV blocks of one model: those on the device, with one more behind them that padding writes
 * to, and those on the host. A block's bytes stand together, so that a move is one copy.
 */
final class KvMemory {
  private final Device device;
  private final int blockTokens;
  private final int deviceBlocks;
  final long blockBytes;
  final DeviceBuffer blocks;
  private final MemorySegment host;

  KvMemory(Device device, long blockBytes, int blockTokens, int deviceBlocks, int hostBlocks) {
    this.device = device;
    this.blockBytes = blockBytes;
    this.blockTokens = blockTokens;
    this.deviceBlocks = deviceBlocks;
    blocks = device.allocate(blockBytes * (deviceBlocks + 1L));
    // What was never computed reads as zero: fresh device memory may hold anything, NaN included.
    device.fill(blocks, (byte) 0);
    host = hostBlocks == 0 ? MemorySegment.NULL : device.allocateHost(blockBytes * hostBlocks);
  }

  /** Returns the cell that nobody reads but padding. */
  int paddingCell() {
    return deviceBlocks * blockTokens;
  }

  /** Returns the block of that cell. */
  int paddingBlock() {
    return deviceBlocks;
  }

  /** Enqueues one move of a plan. */
  void move(KvMoveKind kind, int source, int target) {
    switch (kind) {
      case SWAP_OUT, STORE ->
          device.download(blocks, source * blockBytes, hostBlock(target), blockBytes);
      case SWAP_IN, LOAD ->
          device.upload(hostBlock(source), blocks, target * blockBytes, blockBytes);
      case DROP -> {
        // Nothing moves: the block is merely given up.
      }
      case RECODE ->
          throw new IllegalArgumentException(
              "a move must copy whole blocks, but is RECODE: a plan does not say which positions a lossy retention"
                  + " policy keeps");
      default -> device.copy(blocks, source * blockBytes, blocks, target * blockBytes, blockBytes);
    }
  }

  MemorySegment hostBlock(int block) {
    return host.asSlice(block * blockBytes, blockBytes);
  }
}
