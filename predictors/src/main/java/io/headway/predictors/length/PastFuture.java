package io.headway.predictors.length;

import java.util.Arrays;
import java.util.Objects;

/**
 * Samples output lengths from history and returns the peak of the memory they lead to: the two
 * formulas of Past-Future scheduling (ASPLOS 2025, arXiv 2507.10150, and its code in LightLLM).
 *
 * <p><b>Sample</b> of a request with {@code d} tokens generated and at most {@code M}: the list
 * {@code v = [d] + {h > d} + [M]} of the sorted history {@code h}, read at {@code z = u (|v| - 1)}
 * with linear interpolation, rounded half up (the reference rounds half to even). <b>Peak</b> of a
 * batch without arrivals: with requests in descending order of remaining tokens, {@code max_i
 * (remaining_i i + sum_(j<=i) used_j)}, the memory when the i-th longest ends first among those
 * still there. It is at least the sum of used tokens and non-decreasing in every argument.
 * Stateless.
 */
public final class PastFuture {
  private PastFuture() {}

  /**
   * Returns the number of entries that a sample is read from.
   *
   * @param history finished lengths
   * @param generatedTokens {@code d}
   * @return entries of {@code v}, at least 2
   */
  public static int listSize(OutputHistory history, int generatedTokens) {
    return history.size() - history.atMost(generatedTokens) + 2;
  }

  /**
   * Samples the final output length of a running request.
   *
   * @param history finished lengths
   * @param generatedTokens {@code d}, at least 0 tokens
   * @param maxOutputTokens {@code M}, at least {@code d}
   * @param uniform {@code u} in [0, 1)
   * @return tokens; {@code d} to {@code M} if no remembered length is above {@code M}
   * @throws IllegalArgumentException if a value is out of range
   */
  public static int sample(
      OutputHistory history, int generatedTokens, int maxOutputTokens, double uniform) {
    if (generatedTokens < 0 || maxOutputTokens < generatedTokens) {
      throw new IllegalArgumentException(
          "generatedTokens must be 0 to maxOutputTokens, but they were "
              + generatedTokens
              + " and "
              + maxOutputTokens
              + " tokens");
    }
    requireUniform(uniform);
    int shorter = history.atMost(generatedTokens);
    double z = uniform * (history.size() - shorter + 1);
    int l = (int) z;
    int low = entry(history, shorter, l, generatedTokens, maxOutputTokens);
    int high = entry(history, shorter, l + 1, generatedTokens, maxOutputTokens);
    return (int) Math.floor(low + (high - low) * (z - l) + 0.5);
  }

  private static int entry(OutputHistory history, int shorter, int index, int first, int last) {
    if (index == 0) {
      return first;
    }
    int position = shorter + index - 1;
    return position < history.size() ? history.length(position) : last;
  }

  /**
   * Samples the output length of a new request: entry {@code floor(u n)} of the ascending history.
   *
   * @param history at least one finished length
   * @param uniform {@code u} in [0, 1)
   * @return tokens
   * @throws IllegalArgumentException if the history is empty or {@code u} is out of range
   */
  public static int sampleNew(OutputHistory history, double uniform) {
    requireUniform(uniform);
    if (history.size() == 0) {
      throw new IllegalArgumentException("history must have at least 1 length, but has none");
    }
    return history.length((int) (uniform * history.size()));
  }

  /**
   * Returns how many lists of lengths are sampled per admission test.
   *
   * @param batchSize requests, at least 1
   * @return {@code min(5, floor(200 / batchSize) + 1)}
   * @throws IllegalArgumentException if {@code batchSize} is below 1
   */
  public static int lists(int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "batchSize must be at least 1 request, but was " + batchSize);
    }
    return Math.min(5, 200 / batchSize + 1);
  }

  /** A batch of (used, remaining) pairs in descending order of remaining, for peaks. */
  public static final class Batch {
    private long[] used = new long[16];
    private long[] remaining = new long[16];
    private int size;

    /** Makes an empty batch. */
    public Batch() {}

    /**
     * Adds a request, behind those with as many tokens remaining. O(requests).
     *
     * @param usedTokens tokens it holds, at least 0
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
      int place = size;
      while (place > 0 && remaining[place - 1] < remainingTokens) {
        used[place] = used[place - 1];
        remaining[place] = remaining[place - 1];
        place--;
      }
      used[place] = usedTokens;
      remaining[place] = remainingTokens;
      size++;
    }

    /** Takes everybody out. */
    public void clear() {
      size = 0;
    }

    /**
     * Returns how many requests are in the batch.
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
     * Returns the largest memory the batch will need.
     *
     * @return tokens; 0 for an empty batch
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
     * Returns the largest memory the batch would need with one more request.
     *
     * @param usedTokens tokens it holds, at least 0
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

  private static void requireUniform(double uniform) {
    if (!(uniform >= 0 && uniform < 1)) {
      throw new IllegalArgumentException("uniform must be in [0, 1), but was " + uniform);
    }
  }
}
