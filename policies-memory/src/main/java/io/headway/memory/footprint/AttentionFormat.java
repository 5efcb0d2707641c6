package io.headway.memory.footprint;

import io.headway.api.memory.KvFormat;

/**
 * Uncompressed KV of one model: {@code bytes(n) = n * elements per token * bytes per element}.
 *
 * <p>Per token and layer, multi-head attention caches {@code 2 * heads * headDim} elements, grouped
 * and multi-query attention the same over their key/value heads, and multi-head latent attention
 * (DeepSeek-V2, arXiv 2405.04434, table 1) one latent of {@code latentDim} elements and one rotary
 * key of {@code ropeDim}, without a factor of two. Under tensor parallelism heads are divided among
 * ranks, {@code max(1, floor(heads / ranks))} each; a latent is replicated.
 */
public final class AttentionFormat implements KvFormat {
  private final int layers;
  private final int factor;
  private final int heads;
  private final int widthPerHead;
  private final int bytesPerElement;
  private final boolean replicated;

  private AttentionFormat(
      int layers,
      int factor,
      int heads,
      int widthPerHead,
      int bytesPerElement,
      boolean replicated) {
    Checks.atLeast("layers", layers, 1, "layer");
    Checks.atLeast("bytesPerElement", bytesPerElement, 1, "byte");
    this.layers = layers;
    this.factor = factor;
    this.heads = heads;
    this.widthPerHead = widthPerHead;
    this.bytesPerElement = bytesPerElement;
    this.replicated = replicated;
  }

  /**
   * Returns the format of a model that caches keys and values by head.
   *
   * @param layers layers, at least 1
   * @param kvHeads cached heads: all heads (MHA), the groups (GQA) or 1 (MQA), at least 1
   * @param headDim elements per head, at least 1
   * @param bytesPerElement bytes per element, 2 for 16-bit formats
   * @return the format
   * @throws IllegalArgumentException if a number is below 1
   */
  public static AttentionFormat heads(int layers, int kvHeads, int headDim, int bytesPerElement) {
    Checks.atLeast("kvHeads", kvHeads, 1, "head");
    Checks.atLeast("headDim", headDim, 1, "element");
    return new AttentionFormat(layers, 2, kvHeads, headDim, bytesPerElement, false);
  }

  /**
   * Returns the format of a model with multi-head latent attention.
   *
   * @param layers layers, at least 1
   * @param latentDim elements of the compressed latent, at least 1
   * @param ropeDim elements of the shared rotary key, at least 0
   * @param bytesPerElement bytes per element, 2 for 16-bit formats
   * @return the format
   * @throws IllegalArgumentException if a number is too small
   */
  public static AttentionFormat latent(
      int layers, int latentDim, int ropeDim, int bytesPerElement) {
    Checks.atLeast("latentDim", latentDim, 1, "element");
    Checks.atLeast("ropeDim", ropeDim, 0, "element");
    return new AttentionFormat(
        layers, 1, 1, Math.addExact(latentDim, ropeDim), bytesPerElement, true);
  }

  /**
   * Returns the cached elements of one token over all layers.
   *
   * @return elements, at least 1
   */
  public long elementsPerToken() {
    return (long) factor * heads * widthPerHead * layers;
  }

  /**
   * Returns the bytes of one token over all layers and ranks, a replicated latent counted once.
   *
   * @return bytes, at least 1
   */
  public long bytesPerToken() {
    return elementsPerToken() * bytesPerElement;
  }

  /**
   * Returns the bytes of one token on one of several ranks.
   *
   * @param ranks tensor-parallel ranks, at least 1
   * @return bytes, at least 1
   * @throws IllegalArgumentException if {@code ranks} is below 1
   */
  public long bytesPerTokenPerRank(int ranks) {
    Checks.atLeast("ranks", ranks, 1, "rank");
    long headsPerRank = replicated ? heads : Math.max(1, heads / ranks);
    return factor * headsPerRank * widthPerHead * layers * bytesPerElement;
  }

  @Override
  public long bytes(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return bytesPerToken() * lengthTokens;
  }

  @Override
  public long peakBytes(int fromTokens, int toTokens) {
    return bytes(toTokens);
  }
}
