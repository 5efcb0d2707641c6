package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;

/**
 * Returns how many bytes the KV cache of one sequence takes.
 *
 * <p>The function need not be linear nor monotone: a format that recodes a full-precision residual
 * shrinks when it is flushed. Admission therefore asks for the {@linkplain #peakBytes peak over a
 * range of lengths}, never for a rate per token.
 *
 * <p>Implementations are immutable and may be shared between threads.
 */
@ImplementedByUsers
@FunctionalInterface
public interface KvFormat {
  /**
   * Returns the bytes of a sequence of the given length.
   *
   * @param lengthTokens tokens held, at least 0
   * @return bytes over all layers, at least 0
   */
  long bytes(int lengthTokens);

  /**
   * Returns the largest size on the way from one length to another. The default asks for every
   * length in between; monotone formats should return {@code bytes(toTokens)}.
   *
   * @param fromTokens shortest length, at least 0
   * @param toTokens longest length, at least {@code fromTokens}
   * @return bytes, at least {@code bytes(toTokens)}
   */
  default long peakBytes(int fromTokens, int toTokens) {
    long peak = 0;
    for (int length = fromTokens; length <= toTokens; length++) {
      peak = Math.max(peak, bytes(length));
    }
    return peak;
  }
}
