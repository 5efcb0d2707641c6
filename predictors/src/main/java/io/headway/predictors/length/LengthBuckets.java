package io.headway.predictors.length;

import io.headway.api.prediction.LengthEstimate;
import java.util.Arrays;
import java.util.Objects;

/**
 * Cuts lengths into classes: a partition of 0, 1, 2, ... tokens into consecutive ranges.
 *
 * <p>{@link #fixed}: bucket {@code j} holds lengths in {@code [j g, (j + 1) g)}, the last one open
 * (S3, NeurIPS 2023; TetriInfer, arXiv 2401.11181, g = 100, 200 or 400). {@link #percentiles}: the
 * bucket is the number of thresholds not above the length (SSJF, AIOps 2024, thresholds at the
 * 25th, 50th, 75th and 99th percentile of a data set). S3 plans with the upper end of a bucket,
 * which saves memory; TetriInfer with the lower. Immutable.
 */
public final class LengthBuckets {
  private final int bucketTokens;
  private final int count;
  private final int[] thresholds;

  private LengthBuckets(int bucketTokens, int count, int[] thresholds) {
    this.bucketTokens = bucketTokens;
    this.count = count;
    this.thresholds = thresholds;
  }

  /**
   * Makes buckets of one width without an end.
   *
   * @param bucketTokens width, at least 1 token
   * @return the buckets
   * @throws IllegalArgumentException if the width is below 1
   */
  public static LengthBuckets fixed(int bucketTokens) {
    return fixed(bucketTokens, Integer.MAX_VALUE);
  }

  /**
   * Makes a number of buckets of one width, the last one open.
   *
   * @param bucketTokens width, at least 1 token
   * @param count how many, at least 1
   * @return the buckets
   * @throws IllegalArgumentException if a value is below 1
   */
  public static LengthBuckets fixed(int bucketTokens, int count) {
    if (bucketTokens < 1) {
      throw new IllegalArgumentException(
          "bucketTokens must be at least 1 token, but was " + bucketTokens);
    }
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1 bucket, but was " + count);
    }
    return new LengthBuckets(bucketTokens, count, new int[0]);
  }

  /**
   * Makes one bucket more than there are thresholds.
   *
   * @param thresholds lower ends of buckets 1, 2, ..., strictly ascending, at least 1 token each
   * @return the buckets
   * @throws IllegalArgumentException if the thresholds are not positive and ascending
   */
  public static LengthBuckets percentiles(int... thresholds) {
    for (int i = 0; i < thresholds.length; i++) {
      if (thresholds[i] < 1 || (i > 0 && thresholds[i] <= thresholds[i - 1])) {
        throw new IllegalArgumentException(
            "thresholds must be at least 1 token and strictly ascending, but were "
                + Arrays.toString(thresholds));
      }
    }
    return new LengthBuckets(0, thresholds.length + 1, thresholds.clone());
  }

  /**
   * Returns how many buckets there are.
   *
   * @return a count; {@link Integer#MAX_VALUE} without an end
   */
  public int count() {
    return count;
  }

  /**
   * Returns the bucket of a length.
   *
   * @param lengthTokens at least 0 tokens
   * @return 0 to {@code count - 1}
   * @throws IllegalArgumentException if the length is negative
   */
  public int bucketOf(int lengthTokens) {
    if (lengthTokens < 0) {
      throw new IllegalArgumentException(
          "lengthTokens must be at least 0 tokens, but was " + lengthTokens);
    }
    if (bucketTokens > 0) {
      return Math.min(lengthTokens / bucketTokens, count - 1);
    }
    int found = Arrays.binarySearch(thresholds, lengthTokens);
    return found >= 0 ? found + 1 : -found - 1;
  }

  /**
   * Returns the least length of a bucket.
   *
   * @param bucket 0 to {@code count - 1}
   * @return tokens
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public int lowTokens(int bucket) {
    Objects.checkIndex(bucket, count);
    if (bucketTokens > 0) {
      return Math.multiplyExact(bucket, bucketTokens);
    }
    return bucket == 0 ? 0 : thresholds[bucket - 1];
  }

  /**
   * Returns the end of a bucket.
   *
   * @param bucket 0 to {@code count - 1}
   * @return tokens, exclusive; {@link LengthEstimate#OPEN} for an open last bucket
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public int highTokens(int bucket) {
    Objects.checkIndex(bucket, count);
    if (count != Integer.MAX_VALUE && bucket == count - 1) {
      return LengthEstimate.OPEN;
    }
    return bucketTokens > 0 ? Math.multiplyExact(bucket + 1, bucketTokens) : thresholds[bucket];
  }
}
