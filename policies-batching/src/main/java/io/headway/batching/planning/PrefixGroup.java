package io.headway.batching.planning;

import java.util.Comparator;

/**
 * Requests that share a prefix and are scheduled together, by what BatchLLM orders them: decodes
 * are to be available while later groups prefill, so the group with the most output per prefill
 * token goes first. Immutable.
 *
 * @param prefixTokens length of the shared prefix
 * @param members requests
 * @param suffixTokens prompt tokens of all members behind the prefix
 * @param outputTokens expected output tokens of all members
 */
public record PrefixGroup(int prefixTokens, int members, long suffixTokens, long outputTokens) {
  /** The largest {@link #decodeToPrefill} first; ties are the caller's. */
  public static final Comparator<PrefixGroup> ORDER =
      (a, b) -> Double.compare(b.decodeToPrefill(), a.decodeToPrefill());

  /**
   * Returns what the group computes before it decodes, its prefix once.
   *
   * @return tokens
   */
  public long prefillTokens() {
    return prefixTokens + suffixTokens;
  }

  /**
   * Returns the output per prefill token.
   *
   * @return a ratio
   */
  public double decodeToPrefill() {
    return (double) outputTokens / prefillTokens();
  }

  /**
   * Returns the prefill tokens that sharing saves.
   *
   * @return {@code prefixTokens * (members - 1)}
   */
  public long sharedTokensSaved() {
    return (long) prefixTokens * (members - 1);
  }
}
