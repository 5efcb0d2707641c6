package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;

/**
 * Returns how many blocks a length needs: the one formula that capacity checks, allocation and
 * executors share.
 *
 * <p>A pool publishes its footprint, and whoever asks "would it fit" must ask this object. For a
 * paged pool of {@code B} tokens per block the answer is {@code ceil(n / B)}; for an engine that
 * owns its memory it may be the tokens themselves, one slot for a whole context, or the bytes of a
 * {@link KvFormat} in units.
 *
 * <p>Implementations are immutable and may be shared between threads.
 */
@ImplementedByUsers
@FunctionalInterface
public interface KvFootprint {
  /**
   * Returns the blocks that hold {@code lengthTokens} tokens.
   *
   * @param lengthTokens tokens of one sequence, at least 0
   * @return blocks (units of an accounted pool), at least 0
   */
  int blocks(int lengthTokens);

  /**
   * Returns the most blocks that are needed at any length between two lengths. The default is right
   * for footprints that never shrink as a sequence grows.
   *
   * @param fromTokens shortest length, at least 0
   * @param toTokens longest length, at least {@code fromTokens}
   * @return blocks, at least {@code blocks(toTokens)}
   */
  default int peakBlocks(int fromTokens, int toTokens) {
    return blocks(toTokens);
  }

  /**
   * Returns a length up to which a number of blocks suffices, so that a caller need not ask at
   * every token. The default promises nothing beyond the present length.
   *
   * @param lengthTokens present length, for which {@code blocks} suffice, at least 0
   * @param blocks blocks held, at least 0
   * @return tokens, at least {@code lengthTokens}; for every length in between {@code blocks}
   *     suffice
   */
  default int reachTokens(int lengthTokens, int blocks) {
    return lengthTokens;
  }
}
