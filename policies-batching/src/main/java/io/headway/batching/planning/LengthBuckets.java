package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.List;

/**
 * Sorts queued prompts into length buckets, half-open ranges that cover {@code [0,
 * maxLengthTokens)}, so that a padded prefill batch wastes little.
 *
 * <p>With fewer requests than {@code maxBatch} there is one bucket. Otherwise, until nothing
 * changes, a bucket with more than {@code maxBatch} requests of which more than {@code
 * shortFraction} are shorter than its (whole) midpoint is split there; a length equal to the
 * midpoint goes right, and a bucket of width 1 stays. A length at or beyond {@code maxLengthTokens}
 * counts to the last bucket.
 *
 * <p>What it guarantees: every request is in exactly one bucket, in arrival order; a split never
 * raises the padding; and in a bucket that does not begin at 0 a padded prompt is at most twice as
 * long as the prompt, since such a bucket is at most one token wider than its lower end. O(n *
 * depth).
 *
 * <p>Source: BucketServe, arXiv 2507.17120; split rule and thresholds from secondary descriptions
 * of it, hence configurable.
 *
 * @param maxLengthTokens end of the last bucket, exclusive, at least 1
 * @param shortFraction share of a bucket that must be shorter than its midpoint, in [0, 1)
 */
public record LengthBuckets(int maxLengthTokens, double shortFraction) {
  /** More than half. */
  public static final double DEFAULT_SHORT_FRACTION = 0.5;

  public LengthBuckets {
    Arguments.atLeast("maxLengthTokens", maxLengthTokens, 1, "token");
    Arguments.fraction("shortFraction", shortFraction, "a bucket");
  }

  /** One bucket. Immutable. */
  public static final class Bucket {
    private final int fromTokens;
    private final int toTokens;
    private final int[] members;

    private Bucket(int fromTokens, int toTokens, int[] members) {
      this.fromTokens = fromTokens;
      this.toTokens = toTokens;
      this.members = members;
    }

    /**
     * Returns the lower end.
     *
     * @return tokens, inclusive
     */
    public int fromTokens() {
      return fromTokens;
    }

    /**
     * Returns the upper end.
     *
     * @return tokens, exclusive
     */
    public int toTokens() {
      return toTokens;
    }

    /**
     * Returns who is in it.
     *
     * @return indices of its requests in order of arrival; not to be changed
     */
    public int[] members() {
      return members;
    }
  }

  /**
   * Sorts requests into buckets.
   *
   * @param lengthTokens prompt lengths in order of arrival
   * @param maxBatch most requests of one batch, at least 0
   * @return the buckets, ascending, empty ones included
   */
  public List<Bucket> split(int[] lengthTokens, int maxBatch) {
    Arguments.atLeast("maxBatch", maxBatch, 0, "requests");
    int[] everybody = new int[requireNonNull(lengthTokens, "lengthTokens").length];
    for (int i = 0; i < everybody.length; i++) {
      everybody[i] = i;
    }
    List<Bucket> buckets = new ArrayList<>();
    Bucket whole = new Bucket(0, maxLengthTokens, everybody);
    if (everybody.length < maxBatch) {
      buckets.add(whole);
    } else {
      split(whole, lengthTokens, maxBatch, buckets);
    }
    return buckets;
  }

  private void split(Bucket bucket, int[] lengthTokens, int maxBatch, List<Bucket> into) {
    int middle = bucket.fromTokens + (bucket.toTokens - bucket.fromTokens) / 2;
    int count = bucket.members.length;
    int below = 0;
    for (int member : bucket.members) {
      below += lengthTokens[member] < middle ? 1 : 0;
    }
    boolean splits =
        bucket.toTokens - bucket.fromTokens > 1
            && count > maxBatch
            && below > shortFraction * count;
    if (!splits) {
      into.add(bucket);
      return;
    }
    int[] left = new int[below];
    int[] right = new int[count - below];
    int l = 0;
    int r = 0;
    for (int member : bucket.members) {
      if (lengthTokens[member] < middle) {
        left[l++] = member;
      } else {
        right[r++] = member;
      }
    }
    split(new Bucket(bucket.fromTokens, middle, left), lengthTokens, maxBatch, into);
    split(new Bucket(middle, bucket.toTokens, right), lengthTokens, maxBatch, into);
  }

  /**
   * Returns what padding a set of prompts to its longest one wastes.
   *
   * @param lengthTokens prompt lengths
   * @param members indices of the set
   * @return {@code sum of (longest - length)}, 0 for an empty set
   */
  public static long paddingTokens(int[] lengthTokens, int[] members) {
    long sum = 0;
    long longest = 0;
    for (int member : members) {
      sum += lengthTokens[member];
      longest = Math.max(longest, lengthTokens[member]);
    }
    return longest * members.length - sum;
  }

  /**
   * Returns the KV bytes of one token.
   *
   * @param layers layers of the model
   * @param heads KV heads
   * @param headDim elements of a head
   * @param elementBytes bytes of an element
   * @return {@code 2 * layers * heads * headDim * elementBytes}
   */
  public static long kvBytesPerToken(int layers, int heads, int headDim, int elementBytes) {
    return 2L * layers * heads * headDim * elementBytes;
  }

  /**
   * Returns the bytes that KV may use.
   *
   * @param safeFraction share that is used, 0.9 in the paper
   * @param gpuBytes memory of the device
   * @param modelBytes what the weights use
   * @return {@code safeFraction * (gpuBytes - modelBytes)}
   */
  public static double safeBytes(double safeFraction, double gpuBytes, double modelBytes) {
    return safeFraction * (gpuBytes - modelBytes);
  }

  /**
   * Returns how many requests, padded to the longest, fit into what is left.
   *
   * @param safe what may be used, in bytes, blocks or tokens
   * @param running what runs, in the same unit
   * @param longest tokens of the longest request
   * @param perToken what a token takes, in the same unit
   * @return {@code max(0, floor((safe - running) / (longest * perToken)))}
   */
  public static int maxBatch(double safe, double running, double longest, double perToken) {
    // The quotient of decimals may fall just below the whole number that it is.
    double requests = Math.floor((safe - running) / (longest * perToken) + 1e-9);
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, requests));
  }
}
