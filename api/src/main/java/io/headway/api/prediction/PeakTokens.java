package io.headway.api.prediction;

import java.util.Arrays;
import java.util.Objects;

/**
 * Returns the most KV entries a set of sequences will ever hold together, if each runs for its
 * remaining tokens and nobody joins.
 *
 * <p>With the sequences by remaining tokens descending, {@code M_i = sum of used over the first i +
 * i * remaining_i}: when the i-th ends, exactly the first i are still there and each has grown by
 * its remaining tokens. The peak is the greatest {@code M_i}; it is exact if the remaining tokens
 * are, is at least the sum of used tokens, never falls when a sequence is added or a value grows,
 * and does not depend on the order of equal ones.
 *
 * <p>Reusable; allocates only to grow. O(log n) comparisons and one array copy to add, O(n) for a
 * peak. Not thread-safe.
 *
 * <p>Source: Gong et al., Past-Future Scheduler for LLM Serving under SLA Guarantees, ASPLOS 2025,
 * arXiv 2507.10150; the artifact of VTC (OSDI 2024) tests the same sum.
 */
public final class PeakTokens {
  private long[] used = new long[16];
  private long[] remaining = new long[16];
  private int size;

  /** Makes an empty set. */
  public PeakTokens() {}

  /**
   * Adds a sequence, behind those with as many tokens remaining.
   *
   * @param usedTokens KV entries it holds, at least 0
   * @param remainingTokens tokens it will still add, at least 0
   * @throws IllegalArgumentException if a value is negative
   */
  public void add(long usedTokens, long remainingTokens) {
    if (usedTokens < 0 || remainingTokens < 0) {
      throw new IllegalArgumentException(
          "usedTokens and remainingTokens must be at least 0 tokens, but were "
              + usedTokens
              + " and "
              + remainingTokens);
    }
    if (size == used.length) {
      used = Arrays.copyOf(used, 2 * size);
      remaining = Arrays.copyOf(remaining, 2 * size);
    }
    int place = placeOf(remainingTokens);
    System.arraycopy(used, place, used, place + 1, size - place);
    System.arraycopy(remaining, place, remaining, place + 1, size - place);
    used[place] = usedTokens;
    remaining[place] = remainingTokens;
    size++;
  }

  /** The first place whose sequence has fewer tokens remaining. */
  private int placeOf(long remainingTokens) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (remaining[middle] >= remainingTokens) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Takes everybody out. */
  public void clear() {
    size = 0;
  }

  /**
   * Returns how many sequences are in the set.
   *
   * @return a count
   */
  public int size() {
    return size;
  }

  /**
   * Returns the memory at the moment the i-th longest ends first among those still there.
   *
   * @param i 1 to {@code size}
   * @return tokens
   */
  public long prefixTokens(int i) {
    Objects.checkIndex(i - 1, size);
    long sum = 0;
    for (int j = 0; j < i; j++) {
      sum += used[j];
    }
    return remaining[i - 1] * i + sum;
  }

  /**
   * Returns the largest memory the set will need.
   *
   * @return tokens; 0 for an empty set
   */
  public long peakTokens() {
    long sum = 0;
    long peak = 0;
    for (int i = 0; i < size; i++) {
      sum += used[i];
      peak = Math.max(peak, remaining[i] * (i + 1) + sum);
    }
    return peak;
  }

  /**
   * Returns the largest memory the set would need with one more sequence.
   *
   * @param usedTokens KV entries it holds, at least 0
   * @param remainingTokens tokens it will still add, at least 0
   * @return tokens
   */
  public long peakTokensWith(long usedTokens, long remainingTokens) {
    long sum = 0;
    long peak = 0;
    int before = 0;
    while (before < size && remaining[before] >= remainingTokens) {
      sum += used[before];
      peak = Math.max(peak, remaining[before] * (before + 1) + sum);
      before++;
    }
    sum += usedTokens;
    peak = Math.max(peak, remainingTokens * (before + 1) + sum);
    for (int i = before; i < size; i++) {
      sum += used[i];
      peak = Math.max(peak, remaining[i] * (i + 2) + sum);
    }
    return peak;
  }
}
