package io.headway.simulator.cost;

/**
 * How long the KV of a prompt takes from one instance to another, as in Splitwise (P. Patel et al.,
 * ISCA 2024): one after the other behind the prefill, or layer by layer beside it, which hides all
 * but {@code 1 / overlapFactor} of the time.
 *
 * <pre>{@code
 * bytes      = tokens * kvBytesPerToken
 * serialized = bytes / bandwidth
 * overlapped = serialized / overlapFactor
 * exposed    = tokens >= overlapFromTokens ? overlapped : serialized
 * }</pre>
 *
 * @param kvBytesPerToken KV bytes of a token over all layers; above 0
 * @param bandwidthBytesPerSecond bandwidth between the instances, bytes per second; above 0
 * @param overlapFactor how much of the serialized time remains, as a divisor; at least 1
 * @param overlapFromTokens prompts from this length on are sent layer by layer; at least 0 tokens
 */
public record KvTransferModel(
    double kvBytesPerToken,
    double bandwidthBytesPerSecond,
    double overlapFactor,
    int overlapFromTokens) {

  /** Default divisor: 90 % of a layer-wise transfer is hidden, as in the published simulator. */
  public static final double DEFAULT_OVERLAP_FACTOR = 10;

  /** Default length from which on to send layer by layer, tokens. */
  public static final int DEFAULT_OVERLAP_FROM_TOKENS = 512;

  /** Checks the ranges. */
  public KvTransferModel {
    CostChecks.positive(kvBytesPerToken, "kvBytesPerToken", "bytes");
    CostChecks.positive(bandwidthBytesPerSecond, "bandwidthBytesPerSecond", "bytes per second");
    if (!(overlapFactor >= 1) || Double.isInfinite(overlapFactor)) {
      throw new IllegalArgumentException(
          "overlapFactor must be at least 1 and finite, but was " + overlapFactor);
    }
    CostChecks.atLeast(overlapFromTokens, 0, "overlapFromTokens", "tokens");
  }

  /**
   * Returns the model with the published defaults.
   *
   * @param kvBytesPerToken KV bytes of a token over all layers; above 0
   * @param bandwidthBytesPerSecond bandwidth between the instances, bytes per second; above 0
   * @return a model
   */
  public static KvTransferModel of(double kvBytesPerToken, double bandwidthBytesPerSecond) {
    return new KvTransferModel(
        kvBytesPerToken,
        bandwidthBytesPerSecond,
        DEFAULT_OVERLAP_FACTOR,
        DEFAULT_OVERLAP_FROM_TOKENS);
  }

  /**
   * Returns what has to be sent.
   *
   * @param tokens tokens whose KV is sent, at least 0
   * @return bytes
   */
  public double bytes(int tokens) {
    CostChecks.atLeast(tokens, 0, "tokens", "tokens");
    return kvBytesPerToken * tokens;
  }

  /**
   * Returns the time of a transfer behind the prefill.
   *
   * @param tokens tokens whose KV is sent, at least 0
   * @return seconds
   */
  public double serializedSeconds(int tokens) {
    return bytes(tokens) / bandwidthBytesPerSecond;
  }

  /**
   * Returns the time that a layer-wise transfer adds behind the prefill.
   *
   * @param tokens tokens whose KV is sent, at least 0
   * @return seconds
   */
  public double overlappedSeconds(int tokens) {
    return serializedSeconds(tokens) / overlapFactor;
  }

  /**
   * Returns how a prompt is sent.
   *
   * @param tokens tokens whose KV is sent
   * @return whether layer by layer
   */
  public boolean isOverlapped(int tokens) {
    return tokens >= overlapFromTokens;
  }

  /**
   * Returns the time between the end of the prefill and the arrival of its KV.
   *
   * @param tokens tokens whose KV is sent, at least 0
   * @return seconds
   */
  public double exposedSeconds(int tokens) {
    return isOverlapped(tokens) ? overlappedSeconds(tokens) : serializedSeconds(tokens);
  }
}
