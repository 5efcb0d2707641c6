package io.headway.routing.moe;

import java.util.Arrays;

/**
 * Lower bounds of the k-th largest score of every expert, found before any score is looked at for
 * itself: of disjoint groups of tokens only the largest score is kept, and at least k scores reach
 * whatever k of these maxima reach. With {@value #GROUPS_PER_ENTRY} k groups about 1.2 k scores of
 * random tokens do. Scores lie in 0..1.
 *
 * <p>The k-th of the maxima is found to within a thirty-second of its value by counting them in
 * buckets of equal width in the bits of the number, which are about equal in the logarithm.
 */
final class ColumnFloors {
  /** Groups of tokens per entry of the lists. */
  static final int GROUPS_PER_ENTRY = 3;

  /** Sign, exponent and five bits of the mantissa. */
  private static final int SHIFT = 47;

  private static final int FIRST = (int) (Double.doubleToRawLongBits(1) >>> SHIFT);

  /** Thirty-two octaves; all smaller scores share the last one. */
  static final int BUCKETS = 1024;

  private ColumnFloors() {}

  /**
   * Raises a floor, which a score must exceed, as far as the largest scores of groups allow.
   *
   * @param maxima the largest scores of the groups, from {@code from} to before {@code to}
   * @param k entries of the list, at least 1
   * @param floor the floor so far
   * @param count room for {@link #BUCKETS} numbers
   */
  static double raised(double[] maxima, int from, int to, int k, double floor, int[] count) {
    Arrays.fill(count, 0, BUCKETS, 0);
    for (int i = from; i < to; i++) {
      int bucket = FIRST - (int) (Double.doubleToRawLongBits(maxima[i]) >>> SHIFT);
      count[Math.min(bucket, BUCKETS - 1)]++;
    }
    int reached = 0;
    for (int bucket = 0; bucket < BUCKETS - 1; bucket++) {
      reached += count[bucket];
      if (reached >= k) {
        double least = Double.longBitsToDouble((long) (FIRST - bucket) << SHIFT);
        return Math.max(floor, Math.nextDown(least));
      }
    }
    return floor;
  }
}
