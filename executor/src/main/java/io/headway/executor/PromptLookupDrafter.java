package io.headway.executor;

/**
 * Proposes what followed the last occurrence of the sequence's own last tokens, as a chain: no
 * model is needed, and text that repeats its prompt is drafted well.
 *
 * <p>The longest suffix of at most {@code maxNgramTokens} and at least {@code minNgramTokens} that
 * occurs earlier is looked for, longest first, and among equal lengths the latest occurrence. Cost:
 * O(length) per n-gram length and call, no allocation.
 *
 * <p>After A. Saxena: Prompt Lookup Decoding, 2023 (code published by its author). Departure: the
 * latest occurrence instead of the first, since near text predicts better.
 *
 * @param maxNgramTokens longest suffix looked for; at least {@code minNgramTokens}
 * @param minNgramTokens shortest suffix looked for; at least 1
 */
public record PromptLookupDrafter(int maxNgramTokens, int minNgramTokens) implements Drafter {
  /** Longest suffix by default. */
  public static final int DEFAULT_MAX_NGRAM_TOKENS = 3;

  /** Suffixes of three tokens down to one. */
  public static final PromptLookupDrafter DEFAULT =
      new PromptLookupDrafter(DEFAULT_MAX_NGRAM_TOKENS, 1);

  /** Checks the ranges. */
  public PromptLookupDrafter {
    if (minNgramTokens < 1 || maxNgramTokens < minNgramTokens) {
      throw new IllegalArgumentException(
          "minNgramTokens must be from 1 to maxNgramTokens = "
              + maxNgramTokens
              + " tokens, but was "
              + minNgramTokens);
    }
  }

  @Override
  public int draft(int[] tokens, int length, int room, int[] nodeTokens, int[] nodeParents) {
    for (int n = Math.min(maxNgramTokens, length - 1); n >= minNgramTokens; n--) {
      for (int end = length - 1; end >= n; end--) {
        if (sameSuffix(tokens, length, end, n)) {
          int count = Math.min(room, length - end);
          for (int i = 0; i < count; i++) {
            nodeTokens[i + 1] = tokens[end + i];
            nodeParents[i + 1] = i;
          }
          return count;
        }
      }
    }
    return 0;
  }

  private static boolean sameSuffix(int[] tokens, int length, int end, int n) {
    for (int i = 1; i <= n; i++) {
      if (tokens[end - i] != tokens[length - i]) {
        return false;
      }
    }
    return true;
  }
}
