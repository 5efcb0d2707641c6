package io.headway.batching.planning;

import java.util.Arrays;

/**
 * What a set of requests will hold at each of their completions, in tokens: the memory test of
 * MC-SF as a value to look at. A request with {@code c} tokens now and {@code r} remaining holds
 * {@code c + d} tokens {@code d} rounds from now, for {@code d <= r}.
 *
 * <p>O(n) per addition, O(n) per question. Not thread-safe. The engine's own test is {@link
 * io.headway.batching.admission.FutureFitAdmission}.
 *
 * <p>Source: arXiv 2502.07115.
 */
public final class FutureMemory {
  private final long memoryTokens;
  // The longest remaining first.
  private int[] current = new int[8];
  private int[] remaining = new int[8];
  private int size;

  /**
   * Makes an empty set.
   *
   * @param memoryTokens what there is
   */
  public FutureMemory(long memoryTokens) {
    this.memoryTokens = memoryTokens;
  }

  /**
   * Adds a request, whether it fits or not.
   *
   * @param currentTokens what it holds now
   * @param remainingTokens what it will add, at least 1
   */
  public void add(int currentTokens, int remainingTokens) {
    if (size == current.length) {
      current = Arrays.copyOf(current, size * 2);
      remaining = Arrays.copyOf(remaining, size * 2);
    }
    int at = size++;
    while (at > 0 && remaining[at - 1] < remainingTokens) {
      current[at] = current[at - 1];
      remaining[at] = remaining[at - 1];
      at--;
    }
    current[at] = currentTokens;
    remaining[at] = remainingTokens;
  }

  /**
   * Adds a request if everybody then fits at each completion.
   *
   * @param currentTokens what it holds now
   * @param remainingTokens what it will add, at least 1
   * @return whether it was added
   */
  public boolean tryAdd(int currentTokens, int remainingTokens) {
    for (int i = 0; i < size; i++) {
      int d = remaining[i];
      long own = d <= remainingTokens ? (long) currentTokens + d : 0;
      if (tokensAt(d) + own > memoryTokens) {
        return false;
      }
    }
    if (tokensAt(remainingTokens) + currentTokens + remainingTokens > memoryTokens) {
      return false;
    }
    add(currentTokens, remainingTokens);
    return true;
  }

  /**
   * Returns what all hold.
   *
   * @param rounds from now, at least 1
   * @return tokens
   */
  public long tokensAt(int rounds) {
    long tokens = 0;
    for (int i = 0; i < size && remaining[i] >= rounds; i++) {
      tokens += (long) current[i] + rounds;
    }
    return tokens;
  }

  /**
   * Returns when somebody completes.
   *
   * @return rounds from now, ascending, each once
   */
  public int[] completions() {
    return Arrays.stream(remaining, 0, size).sorted().distinct().toArray();
  }
}
