package io.headway.api.memory;

import java.util.Objects;

/**
 * Describes the layers that share one block table: which tokens they read later, how many tokens a
 * block holds and how many bytes it takes.
 *
 * @param groupId number of the group in its geometry, from 0 without gaps
 * @param kind which past tokens a new token reads
 * @param spanTokens window of {@link Kind#SLIDING}, chunk of {@link Kind#CHUNKED}, stride of {@link
 *     Kind#STATE}, in tokens; 0 for every other kind
 * @param blockTokens tokens per block, at least 1
 * @param bytesPerBlock bytes of one block over all layers of the group, at least 1
 * @param layers layers of the group, at least 1
 */
public record KvGroup(
    int groupId, Kind kind, int spanTokens, int blockTokens, long bytesPerBlock, int layers) {

  /** Says which past positions a group reads, hence which blocks stay needed. */
  public enum Kind {
    /** Every past token. */
    FULL,
    /** The last {@code spanTokens} tokens. */
    SLIDING,
    /** The tokens of the current chunk of {@code spanTokens} tokens. */
    CHUNKED,
    /** A recurrent state, kept every {@code spanTokens} tokens. */
    STATE,
    /** The tokens of an encoder, all of them, written once. */
    CROSS,
    /** Adapter weights. */
    ADAPTER,
    /** Model parameters. */
    PARAMETER;

    private boolean hasSpan() {
      return this == SLIDING || this == CHUNKED || this == STATE;
    }
  }

  /**
   * Checks the components.
   *
   * @param groupId number of the group in its geometry
   * @param kind which past tokens a new token reads
   * @param spanTokens window
   * @param blockTokens tokens per block
   * @param bytesPerBlock bytes of one block over all layers of the group
   * @param layers layers of the group
   * @throws IllegalArgumentException if a size is below 1, if {@code groupId} is negative, or if
   *     {@code spanTokens} does not fit {@code kind}
   */
  public KvGroup {
    Objects.requireNonNull(kind, "kind");
    Arguments.atLeast("groupId", groupId, 0, "");
    Arguments.atLeast("blockTokens", blockTokens, 1, "token");
    Arguments.atLeast("bytesPerBlock", bytesPerBlock, 1, "byte");
    Arguments.atLeast("layers", layers, 1, "layer");
    if (kind.hasSpan()) {
      Arguments.atLeast("spanTokens", spanTokens, 1, "token");
    } else if (spanTokens != 0) {
      throw new IllegalArgumentException(
          "spanTokens must be 0 tokens for kind " + kind + ", but was " + spanTokens);
    }
  }

  /**
   * Returns group 0 with full attention over {@code layers} layers.
   *
   * @param blockTokens tokens per block, at least 1
   * @param bytesPerBlock bytes per block over all layers, at least 1
   * @param layers layers, at least 1
   * @return the group
   */
  public static KvGroup full(int blockTokens, long bytesPerBlock, int layers) {
    return new KvGroup(0, Kind.FULL, 0, blockTokens, bytesPerBlock, layers);
  }
}
