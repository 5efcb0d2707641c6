package io.headway.api.prediction;

import java.util.Arrays;
import java.util.Objects;

/**
 * The most recent finished output lengths, kept sorted: the history of Past-Future scheduling
 * (ASPLOS 2025, arXiv 2507.10150). Starts with copies of the largest length, so that the first
 * predictions are cautious. O(capacity) per observation; mutable, not thread-safe.
 */
public final class OutputHistory {
  /** Lengths remembered in the published implementation. */
  public static final int DEFAULT_CAPACITY = 200;

  /** Copies of the largest length at the start in the published implementation. */
  public static final int DEFAULT_INITIAL_COPIES = 100;

  private final int[] ring;
  private final int[] sorted;
  private int size;
  private int next;

  /**
   * Makes a history.
   *
   * @param capacity lengths remembered, at least 1
   * @param initialCopies copies of {@code maxOutputTokens} at the start, 0 to {@code capacity}
   * @param maxOutputTokens the largest length, at least 1 token
   * @throws IllegalArgumentException if a value is out of range
   */
  public OutputHistory(int capacity, int initialCopies, int maxOutputTokens) {
    if (capacity < 1 || initialCopies < 0 || initialCopies > capacity || maxOutputTokens < 1) {
      throw new IllegalArgumentException(
          "capacity must be at least 1, initialCopies 0 to capacity and maxOutputTokens at least 1,"
              + " but were "
              + capacity
              + ", "
              + initialCopies
              + " and "
              + maxOutputTokens);
    }
    ring = new int[capacity];
    sorted = new int[capacity];
    for (int i = 0; i < initialCopies; i++) {
      observe(maxOutputTokens);
    }
  }

  /**
   * Remembers one finished length in place of the oldest.
   *
   * @param outputTokens at least 0 tokens
   * @throws IllegalArgumentException if it is negative
   */
  public void observe(int outputTokens) {
    if (outputTokens < 0) {
      throw new IllegalArgumentException(
          "outputTokens must be at least 0 tokens, but was " + outputTokens);
    }
    if (size == ring.length) {
      int old = firstAtLeast(ring[next]);
      System.arraycopy(sorted, old + 1, sorted, old, size - old - 1);
      size--;
    }
    ring[next] = outputTokens;
    next = (next + 1) % ring.length;
    int place = firstAtLeast(outputTokens);
    System.arraycopy(sorted, place, sorted, place + 1, size - place);
    sorted[place] = outputTokens;
    size++;
  }

  /**
   * Returns how many lengths are remembered.
   *
   * @return a count
   */
  public int size() {
    return size;
  }

  /**
   * Returns one of the lengths in ascending order.
   *
   * @param index 0 to {@code size - 1}
   * @return tokens
   */
  public int length(int index) {
    return sorted[Objects.checkIndex(index, size)];
  }

  /**
   * Returns how many remembered lengths are at most a given one.
   *
   * @param tokens a length
   * @return a count, which is also the index of the first longer one
   */
  public int atMost(int tokens) {
    return tokens == Integer.MAX_VALUE ? size : firstAtLeast(tokens + 1);
  }

  /**
   * Returns the median of the remembered lengths.
   *
   * @return the middle one, or the mean of the two middle ones; NaN if there are none
   */
  public double median() {
    if (size == 0) {
      return Double.NaN;
    }
    int upper = sorted[size / 2];
    return size % 2 == 1 ? upper : (sorted[size / 2 - 1] + (double) upper) / 2;
  }

  /**
   * Returns a copy of the lengths.
   *
   * @return tokens, ascending
   */
  public int[] toArray() {
    return Arrays.copyOf(sorted, size);
  }

  private int firstAtLeast(int tokens) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] < tokens) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
