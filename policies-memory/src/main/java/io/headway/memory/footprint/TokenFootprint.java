package io.headway.memory.footprint;

import io.headway.api.memory.KvFootprint;

/**
 * One unit per token: engines that grow a contiguous buffer token by token, and pools whose page is
 * one token.
 */
public record TokenFootprint() implements KvFootprint {
  @Override
  public int blocks(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return lengthTokens;
  }

  @Override
  public int reachTokens(int lengthTokens, int blocks) {
    return Math.max(lengthTokens, blocks);
  }
}
