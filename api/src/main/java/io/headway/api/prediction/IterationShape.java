package io.headway.api.prediction;

import java.util.Arrays;
import java.util.Objects;

/**
 * What one iteration computes, as far as its duration depends on it: prefill chunks one by one,
 * decodes as a count and a sum. A reusable accumulator: {@link #clear} it, add the batch, hand it
 * to an {@link IterationTimeModel}.
 *
 * <p>A chunk is {@code (n, h)}: {@code n} new prompt tokens behind {@code h} tokens whose KV is
 * already stored. A decode has a context of {@code c} stored tokens, the new one not included. All
 * aggregates are kept incrementally and are exact integers, so equal batches give equal shapes
 * whatever the order in which they were added. Allocation-free once the chunk arrays have grown;
 * not thread-safe.
 */
public final class IterationShape {
  private int[] chunkTokens = new int[8];
  private int[] chunkHistoryTokens = new int[8];
  private int chunks;
  private long prefillTokens;
  private long prefillAttentionPairs;
  private int decodes;
  private long decodeContextTokens;
  private long draftTokens;
  private long paddingTokens;

  /** Makes an empty shape. */
  public IterationShape() {}

  /** Takes everything out. */
  public void clear() {
    chunks = 0;
    prefillTokens = 0;
    prefillAttentionPairs = 0;
    decodes = 0;
    decodeContextTokens = 0;
    draftTokens = 0;
    paddingTokens = 0;
  }

  /**
   * Adds a prefill chunk.
   *
   * @param newTokens prompt tokens computed now, at least 1
   * @param historyTokens tokens already stored before them, at least 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public void addPrefill(int newTokens, int historyTokens) {
    atLeast("newTokens", newTokens, 1);
    atLeast("historyTokens", historyTokens, 0);
    if (chunks == chunkTokens.length) {
      chunkTokens = Arrays.copyOf(chunkTokens, 2 * chunks);
      chunkHistoryTokens = Arrays.copyOf(chunkHistoryTokens, 2 * chunks);
    }
    chunkTokens[chunks] = newTokens;
    chunkHistoryTokens[chunks] = historyTokens;
    chunks++;
    prefillTokens += newTokens;
    prefillAttentionPairs += (long) newTokens * historyTokens + (newTokens * (newTokens + 1L)) / 2;
  }

  /**
   * Adds one decode.
   *
   * @param contextTokens tokens stored before the new one, at least 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public void addDecode(int contextTokens) {
    addDecodes(1, contextTokens);
  }

  /**
   * Adds several decodes at once.
   *
   * @param sequences how many, at least 0
   * @param totalContextTokens sum of their contexts, at least 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public void addDecodes(int sequences, long totalContextTokens) {
    atLeast("sequences", sequences, 0);
    atLeast("totalContextTokens", totalContextTokens, 0);
    decodes += sequences;
    decodeContextTokens += totalContextTokens;
  }

  /**
   * Adds one decode that verifies drafted tokens in the same pass: {@code 1 + draftTokens} query
   * tokens.
   *
   * @param contextTokens tokens stored before the pass, at least 0
   * @param draftTokens drafted tokens, at least 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public void addVerify(int contextTokens, int draftTokens) {
    atLeast("draftTokens", draftTokens, 0);
    addDecodes(1, contextTokens);
    this.draftTokens += draftTokens;
  }

  /**
   * Adds token positions that are computed in vain, as in a padded batch.
   *
   * @param tokens at least 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public void addPadding(long tokens) {
    atLeast("tokens", tokens, 0);
    paddingTokens += tokens;
  }

  /**
   * Makes every decode's context longer, as after some iterations that decode the same sequences.
   *
   * @param iterations how many, at least 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public void advanceDecodes(int iterations) {
    atLeast("iterations", iterations, 0);
    decodeContextTokens += (long) iterations * decodes;
  }

  /**
   * Returns whether nothing is computed.
   *
   * @return true if there is no chunk, decode or padding
   */
  public boolean isEmpty() {
    return chunks == 0 && decodes == 0 && paddingTokens == 0;
  }

  /**
   * Returns the number of prefill chunks.
   *
   * @return a count
   */
  public int chunks() {
    return chunks;
  }

  /**
   * Returns the size of one chunk, {@code n}.
   *
   * @param chunk 0 to {@code chunks - 1}
   * @return tokens, at least 1
   * @throws IndexOutOfBoundsException if there is no such chunk
   */
  public int chunkTokens(int chunk) {
    return chunkTokens[Objects.checkIndex(chunk, chunks)];
  }

  /**
   * Returns what is stored before one chunk, {@code h}.
   *
   * @param chunk 0 to {@code chunks - 1}
   * @return tokens
   * @throws IndexOutOfBoundsException if there is no such chunk
   */
  public int chunkHistoryTokens(int chunk) {
    return chunkHistoryTokens[Objects.checkIndex(chunk, chunks)];
  }

  /**
   * Returns the sum of the chunk sizes.
   *
   * @return tokens
   */
  public long prefillTokens() {
    return prefillTokens;
  }

  /**
   * Returns how many (query, key) pairs the causal attention of the chunks computes: the sum of
   * {@code n h + n (n + 1) / 2}, which is the same however a prompt is cut into chunks.
   *
   * @return pairs
   */
  public long prefillAttentionPairs() {
    return prefillAttentionPairs;
  }

  /**
   * Returns the number of decoding sequences, verifying ones included.
   *
   * @return a count
   */
  public int decodes() {
    return decodes;
  }

  /**
   * Returns the sum of the decodes' contexts.
   *
   * @return tokens
   */
  public long decodeContextTokens() {
    return decodeContextTokens;
  }

  /**
   * Returns the drafted tokens verified beside the decodes' own.
   *
   * @return tokens
   */
  public long draftTokens() {
    return draftTokens;
  }

  /**
   * Returns the token positions computed in vain.
   *
   * @return tokens
   */
  public long paddingTokens() {
    return paddingTokens;
  }

  /**
   * Returns the token positions that pass through the linear layers: prefill, one per decode,
   * drafted and padding.
   *
   * @return tokens
   */
  public long queryTokens() {
    return prefillTokens + decodes + draftTokens + paddingTokens;
  }

  /**
   * Returns the sequences in the batch.
   *
   * @return chunks and decodes together
   */
  public int sequences() {
    return chunks + decodes;
  }

  @Override
  public String toString() {
    return "IterationShape[chunks="
        + chunks
        + ", prefillTokens="
        + prefillTokens
        + ", decodes="
        + decodes
        + ", decodeContextTokens="
        + decodeContextTokens
        + ", draftTokens="
        + draftTokens
        + ", paddingTokens="
        + paddingTokens
        + "]";
  }

  private static void atLeast(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + ", but was " + value);
    }
  }
}
