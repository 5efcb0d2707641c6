package io.headway.memory.footprint;

import io.headway.api.memory.KvFormat;

/**
 * KIVI (Liu et al., ICML 2024, arXiv 2402.02750): keys quantised per channel in groups of tokens,
 * values per token in groups of channels, the newest tokens in full precision.
 *
 * <p>With {@code n} tokens, residual {@code R} and group {@code g}: keys {@code n - (n mod R)}
 * quantised and {@code n mod R} full; values {@code max(0, n - R)} quantised and {@code min(n, R)}
 * full. A quantised element takes {@code bits / 8} bytes and each group of {@code g} elements 4
 * bytes of scale and minimum; a full one takes 2 bytes. The size <em>falls</em> whenever the key
 * residual is flushed: {@code bytes(R - 1) > bytes(R)}.
 */
public final class KiviFormat implements KvFormat {
  /** Bits per quantised element in the paper's main setting. */
  public static final int DEFAULT_BITS = 2;

  /** Elements per quantisation group in the paper. */
  public static final int DEFAULT_GROUP_SIZE = 32;

  /** Tokens kept in full precision in the paper. */
  public static final int DEFAULT_RESIDUAL_TOKENS = 128;

  private static final int FULL_BYTES = 2;
  private static final int GROUP_BYTES = 4;

  private final int layers;
  private final int kvWidth;
  private final int residualTokens;
  private final long quantisedBytesPerToken;

  /**
   * Makes a format.
   *
   * @param layers layers, at least 1
   * @param kvWidth elements of the keys of one token and layer, a multiple of {@code groupSize}
   * @param bits bits per quantised element, 1 to 8
   * @param groupSize elements per quantisation group, at least 1
   * @param residualTokens tokens in full precision, a multiple of {@code groupSize}
   * @throws IllegalArgumentException if a number is out of range or not a multiple
   */
  public KiviFormat(int layers, int kvWidth, int bits, int groupSize, int residualTokens) {
    Checks.atLeast("layers", layers, 1, "layer");
    Checks.atLeast("kvWidth", kvWidth, 1, "element");
    Checks.atLeast("groupSize", groupSize, 1, "element");
    Checks.atLeast("residualTokens", residualTokens, 1, "token");
    if (bits < 1 || bits > 8) {
      throw new IllegalArgumentException("bits must be between 1 and 8 bits, but was " + bits);
    }
    requireMultiple("kvWidth", kvWidth, groupSize);
    requireMultiple("residualTokens", residualTokens, groupSize);
    if ((long) kvWidth * bits % 8 != 0) {
      throw new IllegalArgumentException(
          "kvWidth * bits must be a multiple of 8 bits, but was " + (long) kvWidth * bits);
    }
    this.layers = layers;
    this.kvWidth = kvWidth;
    this.residualTokens = residualTokens;
    quantisedBytesPerToken = (long) kvWidth * bits / 8 + (long) (kvWidth / groupSize) * GROUP_BYTES;
  }

  /**
   * Returns the keys that are quantised at a length.
   *
   * @param lengthTokens tokens, at least 0
   * @return tokens
   */
  public int quantisedKeyTokens(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return lengthTokens - lengthTokens % residualTokens;
  }

  /**
   * Returns the values that are quantised at a length.
   *
   * @param lengthTokens tokens, at least 0
   * @return tokens
   */
  public int quantisedValueTokens(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return Math.max(0, lengthTokens - residualTokens);
  }

  /**
   * Returns the bytes that the same tokens take uncompressed with 16 bits per element.
   *
   * @param lengthTokens tokens, at least 0
   * @return bytes
   */
  public long fullPrecisionBytes(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return 2L * layers * kvWidth * FULL_BYTES * lengthTokens;
  }

  @Override
  public long bytes(int lengthTokens) {
    long quantised = (long) quantisedKeyTokens(lengthTokens) + quantisedValueTokens(lengthTokens);
    long full = 2L * lengthTokens - quantised;
    return layers * (quantised * quantisedBytesPerToken + full * kvWidth * FULL_BYTES);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The size peaks just before a flush of the key residual, and grows between two flushes, so
   * only the last length before each end of the range's last flush has to be looked at.
   */
  @Override
  public long peakBytes(int fromTokens, int toTokens) {
    int lastFlush = quantisedKeyTokens(toTokens);
    long peak = bytes(toTokens);
    return lastFlush > fromTokens ? Math.max(peak, bytes(lastFlush - 1)) : peak;
  }

  private static void requireMultiple(String name, int value, int groupSize) {
    if (value % groupSize != 0) {
      throw new IllegalArgumentException(
          name + " must be a multiple of groupSize " + groupSize + ", but was " + value);
    }
  }
}
