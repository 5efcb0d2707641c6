package io.headway.runtime;

/**
 * What one engine can take: sequences, tokens, adapters and queue length. Immutable.
 *
 * @see #of(int, int)
 */
public final class Limits {
  /** Default for {@link #maxWaiting()}. */
  public static final int DEFAULT_MAX_WAITING = 1 << 20;

  private final int maxSequences;
  private final int maxTokens;
  private final int maxAdapters;
  private final int maxWaiting;
  private final int[] rowBuckets;

  private Limits(
      int maxSequences, int maxTokens, int maxAdapters, int maxWaiting, int[] rowBuckets) {
    this.maxSequences = maxSequences;
    this.maxTokens = maxTokens;
    this.maxAdapters = maxAdapters;
    this.maxWaiting = maxWaiting;
    this.rowBuckets = rowBuckets;
  }

  /**
   * Sets the two limits every engine has.
   *
   * @param maxSequences sequences that hold a slot at once, 1 to 1,048,576; never more do than an
   *     iteration has tokens
   * @param maxTokens tokens in one iteration, at least 1; {@link Integer#MAX_VALUE} for no limit
   * @return limits without adapter limit and row buckets, and with the default queue length
   * @throws IllegalArgumentException if a value is out of range, naming it
   */
  public static Limits of(int maxSequences, int maxTokens) {
    Check.range("maxSequences", maxSequences, 1, 1 << 20, "sequences");
    Check.atLeast("maxTokens", maxTokens, 1, "token");
    return new Limits(maxSequences, maxTokens, Integer.MAX_VALUE, DEFAULT_MAX_WAITING, new int[0]);
  }

  /**
   * Limits the distinct adapters among running sequences.
   *
   * @param adapters at least 1; the base model does not count
   * @return changed copy
   */
  public Limits maxAdapters(int adapters) {
    return new Limits(
        maxSequences,
        maxTokens,
        (int) Check.atLeast("maxAdapters", adapters, 1, "adapter"),
        maxWaiting,
        rowBuckets);
  }

  /**
   * Limits the queue. A request beyond it is answered QUEUE_FULL.
   *
   * @param requests at least 1; {@value #DEFAULT_MAX_WAITING} by default
   * @return changed copy
   */
  public Limits maxWaiting(int requests) {
    return new Limits(
        maxSequences,
        maxTokens,
        maxAdapters,
        (int) Check.atLeast("maxWaiting", requests, 1, "request"),
        rowBuckets);
  }

  /**
   * Declares the batch sizes that the engine has captured graphs for; {@link
   * BatchPlan#paddedRows()} rounds up to one of them.
   *
   * @param rows ascending, each at least 1
   * @return changed copy
   * @throws IllegalArgumentException if they do not ascend or the last is below {@code
   *     maxSequences}
   */
  public Limits rowBuckets(int... rows) {
    int previous = 0;
    for (int row : rows) {
      if (row <= previous) {
        throw new IllegalArgumentException(
            "rowBuckets must ascend from at least 1 row, but has " + row + " after " + previous);
      }
      previous = row;
    }
    if (rows.length > 0 && previous < maxSequences) {
      throw new IllegalArgumentException(
          "rowBuckets must reach maxSequences = " + maxSequences + " rows, but end at " + previous);
    }
    return new Limits(maxSequences, maxTokens, maxAdapters, maxWaiting, rows.clone());
  }

  /**
   * Returns the limit of sequences.
   *
   * @return sequences that hold a slot at once
   */
  public int maxSequences() {
    return maxSequences;
  }

  /**
   * Returns the limit of tokens.
   *
   * @return tokens in one iteration
   */
  public int maxTokens() {
    return maxTokens;
  }

  /**
   * Returns the limit of adapters.
   *
   * @return distinct adapters among running sequences; {@link Integer#MAX_VALUE} if none
   */
  public int maxAdapters() {
    return maxAdapters;
  }

  /**
   * Returns the limit of the queue.
   *
   * @return waiting requests
   */
  public int maxWaiting() {
    return maxWaiting;
  }

  /** Rounds rows up to the next bucket; without buckets returns them as they are. */
  int padded(int rows) {
    for (int bucket : rowBuckets) {
      if (bucket >= rows) {
        return bucket;
      }
    }
    return rows;
  }
}
