package io.headway.batching.admission;

import java.util.Arrays;

/**
 * Returns the most KV entries a set of sequences will ever hold together, if each runs for its
 * remaining tokens and nobody joins.
 *
 * <p>With the sequences by remaining tokens descending, {@code M_i = sum of current over the first
 * i + i * remaining_i}: when the i-th ends, exactly the first i are still there and each has grown
 * by its remaining tokens. The peak is the greatest {@code M_i}; it is exact if the remaining
 * tokens are, never falls when a sequence is added, and does not depend on the order of equal ones.
 *
 * <p>Reusable; allocates only to grow. O(n log n) per {@link #tokens}. Not thread-safe.
 *
 * <p>Source: Gong et al., Past-Future Scheduler for LLM Serving under SLA Guarantees, ASPLOS 2025;
 * the artifact of VTC tests the same sum.
 */
public final class PeakTokens {
  // Remaining tokens in the high, current tokens in the low 32 bits.
  private long[] sequences = new long[16];
  private int size;

  /** Makes an empty set. */
  public PeakTokens() {}

  /** Empties the set. */
  public void clear() {
    size = 0;
  }

  /**
   * Adds a sequence.
   *
   * @param currentTokens KV entries it holds now, at least 0
   * @param remainingTokens entries it will still add, at least 0
   */
  public void add(int currentTokens, int remainingTokens) {
    if (currentTokens < 0 || remainingTokens < 0) {
      throw new IllegalArgumentException(
          "currentTokens and remainingTokens must be at least 0 tokens, but were "
              + currentTokens
              + " and "
              + remainingTokens);
    }
    if (size == sequences.length) {
      sequences = Arrays.copyOf(sequences, size * 2);
    }
    sequences[size++] = (long) remainingTokens << 32 | currentTokens;
  }

  /**
   * Returns the peak.
   *
   * @return tokens; 0 for an empty set
   */
  public long tokens() {
    Arrays.sort(sequences, 0, size);
    long peak = 0;
    long held = 0;
    for (int i = size - 1; i >= 0; i--) {
      held += (int) sequences[i];
      long rank = (long) size - i;
      peak = Math.max(peak, held + rank * (sequences[i] >>> 32));
    }
    return peak;
  }
}
