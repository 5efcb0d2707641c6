package io.headway.executor;

import io.headway.api.memory.KvTier;
import java.nio.ByteBuffer;

/** Copies KV blocks from one executor to another: what a hand-over or migration moves. */
public final class KvTransfer {
  private KvTransfer() {}

  /**
   * Copies the blocks of one sequence, device to device.
   *
   * @param source where the KV was computed
   * @param sourceBlocks its block table there
   * @param target where it goes
   * @param targetBlocks its block table there
   * @param tokens leading tokens to copy; the tables must hold them
   * @throws IllegalArgumentException if models, precisions or block sizes differ, or a table is too
   *     short
   */
  public static void copy(
      Executor source, int[] sourceBlocks, Executor target, int[] targetBlocks, int tokens) {
    if (!source.shape().equals(target.shape())
        || source.options().precision() != target.options().precision()
        || source.options().blockTokens() != target.options().blockTokens()) {
      throw new IllegalArgumentException(
          "source and target must have the same model, precision and blockTokens, but are "
              + describe(source)
              + " and "
              + describe(target));
    }
    int blockTokens = source.options().blockTokens();
    int blocks = (tokens + blockTokens - 1) / blockTokens;
    if (tokens < 0 || blocks > sourceBlocks.length || blocks > targetBlocks.length) {
      throw new IllegalArgumentException(
          "both block tables must hold "
              + tokens
              + " tokens in blocks of "
              + blockTokens
              + ", but have "
              + sourceBlocks.length
              + " and "
              + targetBlocks.length
              + " blocks");
    }
    ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(source.kvBlockBytes()));
    for (int i = 0; i < blocks; i++) {
      buffer.clear();
      source.readBlock(KvTier.DEVICE, sourceBlocks[i], buffer);
      buffer.flip();
      int filled = Math.min(blockTokens, tokens - i * blockTokens);
      target.writeBlock(KvTier.DEVICE, targetBlocks[i], filled, buffer);
    }
  }

  private static String describe(Executor executor) {
    return executor.shape().name()
        + " in "
        + executor.options().precision()
        + " with blocks of "
        + executor.options().blockTokens()
        + " tokens";
  }
}
