package io.headway.memory.footprint;

import io.headway.api.memory.KvFormat;

/**
 * Keys and values of 4 bits with 4 bytes of parameters (two 16-bit numbers) per group of channels.
 *
 * <p>QServe's KV4 (Lin et al., MLSys 2025, arXiv 2405.04532) has one group per token and head:
 * {@code 2 * kvHeads * (headDim / 2 + 4)} bytes per token and layer. FlexGen (Sheng et al., ICML
 * 2023, arXiv 2303.06865) groups a fixed number of elements: {@code 2 * kvHeads * headDim * (0.5 +
 * 4 / groupSize)}.
 */
public final class FourBitFormat implements KvFormat {
  /** Elements per group in FlexGen. */
  public static final int DEFAULT_GROUP_SIZE = 64;

  private static final int GROUP_BYTES = 4;

  private final long elementsPerToken;
  private final long bytesPerToken;

  private FourBitFormat(int layers, int kvHeads, int headDim, int groupSize) {
    Checks.atLeast("layers", layers, 1, "layer");
    Checks.atLeast("kvHeads", kvHeads, 1, "head");
    Checks.atLeast("headDim", headDim, 1, "element");
    Checks.atLeast("groupSize", groupSize, 1, "element");
    elementsPerToken = Math.multiplyExact(2L * layers, Math.multiplyExact((long) kvHeads, headDim));
    long parameterBytes = Math.multiplyExact(elementsPerToken, GROUP_BYTES);
    if (parameterBytes % groupSize != 0) {
      throw new IllegalArgumentException(
          "groupSize must divide the "
              + parameterBytes
              + " parameter bytes of a token, but was "
              + groupSize);
    }
    bytesPerToken = elementsPerToken / 2 + parameterBytes / groupSize;
  }

  /**
   * Returns QServe's format: one group per token and head.
   *
   * @param layers layers, at least 1
   * @param kvHeads cached heads, at least 1
   * @param headDim elements per head, even, at least 2
   * @return the format
   * @throws IllegalArgumentException if a number is out of range
   */
  public static FourBitFormat qserve(int layers, int kvHeads, int headDim) {
    if (headDim % 2 != 0) {
      throw new IllegalArgumentException(
          "headDim must be even for two elements per byte, but was " + headDim);
    }
    return new FourBitFormat(layers, kvHeads, headDim, headDim);
  }

  /**
   * Returns FlexGen's format; a group may reach over heads and layers.
   *
   * @param layers layers, at least 1
   * @param kvHeads cached heads, at least 1
   * @param headDim elements per head, at least 1
   * @param groupSize elements per group; must give whole bytes per token
   * @return the format
   * @throws IllegalArgumentException if a number is out of range
   */
  public static FourBitFormat flexgen(int layers, int kvHeads, int headDim, int groupSize) {
    return new FourBitFormat(layers, kvHeads, headDim, groupSize);
  }

  /**
   * Returns the bytes of one token over all layers.
   *
   * @return bytes, at least 1
   */
  public long bytesPerToken() {
    return bytesPerToken;
  }

  /**
   * Returns the size relative to 16 bits per element.
   *
   * @return above 0.25, below 1 for groups of more than two elements
   */
  public double ratioToFullPrecision() {
    return bytesPerToken / (2.0 * elementsPerToken);
  }

  @Override
  public long bytes(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return bytesPerToken * lengthTokens;
  }

  @Override
  public long peakBytes(int fromTokens, int toTokens) {
    return bytes(toTokens);
  }
}
