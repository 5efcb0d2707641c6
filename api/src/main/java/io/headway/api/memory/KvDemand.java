package io.headway.api.memory;

/**
 * Says what a first allocation asks for. The pool finds prefix hits itself, at the moment of the
 * call, so a demand never carries a remembered hit.
 *
 * @param lengthTokens tokens that must have room, at least 1: the whole prompt, or the part of it
 *     that is computed first
 * @param lookaheadTokens further tokens that must have room (drafts of the first verify), at least
 *     0
 * @param hitLimitTokens at most this many tokens may come from the prefix cache, at least 0;
 *     callers pass {@code promptTokens - 1}, since at least one token must be computed to obtain
 *     logits, and 0 to skip reading the cache
 * @param watermarkBlocks blocks that must stay available after the call, on top of the pool's own
 *     watermark, at least 0
 * @param reservedBlocks available blocks that are promised to others and must not be counted, at
 *     least 0
 */
public record KvDemand(
    int lengthTokens,
    int lookaheadTokens,
    int hitLimitTokens,
    int watermarkBlocks,
    int reservedBlocks) {

  /**
   * Checks the components.
   *
   * @param lengthTokens tokens that must have room
   * @param lookaheadTokens further tokens that must have room
   * @param hitLimitTokens at most this many tokens may come from the prefix cache
   * @param watermarkBlocks blocks that must stay available after the call
   * @param reservedBlocks available blocks that are promised to others and must not be counted
   * @throws IllegalArgumentException if {@code lengthTokens} is below 1 or another one is negative
   */
  public KvDemand {
    Arguments.atLeast("lengthTokens", lengthTokens, 1, "token");
    Arguments.atLeast("lookaheadTokens", lookaheadTokens, 0, "token");
    Arguments.atLeast("hitLimitTokens", hitLimitTokens, 0, "token");
    Arguments.atLeast("watermarkBlocks", watermarkBlocks, 0, "block");
    Arguments.atLeast("reservedBlocks", reservedBlocks, 0, "block");
    if (lookaheadTokens > Integer.MAX_VALUE - lengthTokens) {
      throw new IllegalArgumentException(
          "lengthTokens + lookaheadTokens must be at most 2147483647 tokens, but was "
              + ((long) lengthTokens + lookaheadTokens));
    }
  }

  /**
   * Returns the demand of a whole prompt that may use the prefix cache, without look-ahead,
   * watermark or reservations.
   *
   * @param promptTokens prompt length, at least 1
   * @return the demand
   */
  public static KvDemand prompt(int promptTokens) {
    return new KvDemand(promptTokens, 0, Math.max(0, promptTokens - 1), 0, 0);
  }

  /**
   * Returns the demand of a number of tokens that all have to be computed.
   *
   * @param lengthTokens tokens, at least 1
   * @return the demand
   */
  public static KvDemand uncached(int lengthTokens) {
    return new KvDemand(lengthTokens, 0, 0, 0, 0);
  }

  /**
   * Returns this demand with another look-ahead.
   *
   * @param tokens further tokens that must have room, at least 0
   * @return the changed copy
   */
  public KvDemand withLookaheadTokens(int tokens) {
    return new KvDemand(lengthTokens, tokens, hitLimitTokens, watermarkBlocks, reservedBlocks);
  }

  /**
   * Returns this demand with another limit on prefix hits.
   *
   * @param tokens tokens that may come from the cache, at least 0
   * @return the changed copy
   */
  public KvDemand withHitLimitTokens(int tokens) {
    return new KvDemand(lengthTokens, lookaheadTokens, tokens, watermarkBlocks, reservedBlocks);
  }

  /**
   * Returns this demand with another watermark.
   *
   * @param blocks blocks that must stay available, at least 0
   * @return the changed copy
   */
  public KvDemand withWatermarkBlocks(int blocks) {
    return new KvDemand(lengthTokens, lookaheadTokens, hitLimitTokens, blocks, reservedBlocks);
  }

  /**
   * Returns this demand with other reservations.
   *
   * @param blocks available blocks that are promised to others, at least 0
   * @return the changed copy
   */
  public KvDemand withReservedBlocks(int blocks) {
    return new KvDemand(lengthTokens, lookaheadTokens, hitLimitTokens, watermarkBlocks, blocks);
  }

  /**
   * Returns the length that must have room, look-ahead included.
   *
   * @return tokens
   */
  public int totalTokens() {
    return lengthTokens + lookaheadTokens;
  }
}
