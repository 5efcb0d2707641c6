package io.headway.executor.gpu.device;

import java.util.List;

/**
 * Constants that the kernels are compiled for.
 *
 * @param element storage of matrices and KV
 * @param headDim elements of an attention head; even
 * @param groupHeads query heads that share a KV head
 * @param blockTokens positions of a KV block
 * @param threads threads of a work-group; a power of two
 */
public record KernelSettings(
    ElementType element, int headDim, int groupHeads, int blockTokens, int threads) {
  /** Threads of a work-group unless a device asks for another number. */
  public static final int DEFAULT_THREADS = 128;

  /** Checks the values. */
  public KernelSettings {
    java.util.Objects.requireNonNull(element, "element");
    check(
        "headDim",
        headDim,
        headDim >= 2 && headDim % 2 == 0 && headDim <= 192,
        "even, from 2 to 192");
    check("groupHeads", groupHeads, groupHeads >= 1 && groupHeads <= 16, "from 1 to 16");
    check("blockTokens", blockTokens, blockTokens >= 1, "at least 1");
    check(
        "threads",
        threads,
        threads >= 32 && threads <= 1024 && Integer.bitCount(threads) == 1,
        "a power of two from 32 to 1024");
  }

  private static void check(String name, int value, boolean holds, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + rule + ", but was " + value);
    }
  }

  /** Returns the constants as compiler options. */
  List<String> options() {
    return List.of(
        "-DHW_BF16=" + (element == ElementType.BF16 ? 1 : 0),
        "-DHEAD_DIM=" + headDim,
        "-DGROUP_HEADS=" + groupHeads,
        "-DBLOCK_TOKENS=" + blockTokens,
        "-DLOCAL_THREADS=" + threads);
  }
}
