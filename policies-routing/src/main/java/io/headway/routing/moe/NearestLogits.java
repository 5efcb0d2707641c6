package io.headway.routing.moe;

import io.headway.api.moe.Workspace;

/**
 * Finds the k largest logits of a row with hardly a branch that depends on them, which is what
 * choosing among many experts costs.
 *
 * <p>Logits are looked at as distances {@code max - z} of at least 0, whose bits order like the
 * numbers, so that a comparison is a subtraction and a shift. Elementwise minima of the two halves
 * of the row, of the halves of those, and so on, end in at least {@code 2 k} minima of disjoint
 * groups. The k-th smallest of them bounds the k-th smallest distance, and few others lie within
 * the bound; those are ranked by counting. O(n + k^2).
 */
final class NearestLogits {
  /**
   * Logits this close may have equal probabilities after rounding, which then count as equal: four
   * times the relative spacing of doubles.
   */
  private static final double NEAR = 1e-15;

  /** Beyond this distance probabilities underflow and count as equal. */
  private static final double FAR = 700;

  private static final int LEAST_WIDTH = 2;
  private static final int MAX_CANDIDATES = 4;
  private static final int SIGN = 63;

  private static final int DISTANCE = TokenChoice.NEAREST;
  private static final int MINIMUM = TokenChoice.NEAREST + 1;
  private static final int KEY = 0;
  private static final int CANDIDATE = TokenChoice.NEAREST;

  private NearestLogits() {}

  /**
   * Writes the k best experts by descending logit, then ascending index, and their distances from
   * the maximum; returns false if that might differ from the order of the rounded probabilities or
   * too many are equal, with undefined contents.
   */
  static boolean find(
      double[] row,
      double max,
      int n,
      int k,
      Workspace work,
      int[] index,
      double[] distance,
      int at) {
    if (n < LEAST_WIDTH * k) {
      return false;
    }
    double[] far = work.doubles(DISTANCE, n);
    for (int i = 0; i < n; i++) {
      // Zero added makes -0.0, the distance of equal zeros of different sign, 0.0 like the others.
      far[i] = (max - row[i]) + 0.0;
    }
    long[] key = work.longs(KEY, Math.max(n, 1));
    double bound = bound(far, n, k, work.doubles(MINIMUM, n), key) + NEAR;
    int[] candidate = work.ints(CANDIDATE, n + 1);
    long outside = Double.doubleToRawLongBits(bound) + 1;
    int found = 0;
    for (int i = 0; i < n; i++) {
      candidate[found] = i;
      found += (int) ((Double.doubleToRawLongBits(far[i]) - outside) >>> SIGN);
    }
    if (found > MAX_CANDIDATES * k) {
      return false;
    }
    for (int c = 0; c < found; c++) {
      key[c] = Double.doubleToRawLongBits(far[candidate[c]]);
    }
    for (int c = 0; c < found; c++) {
      long own = key[c];
      long rank = 0;
      for (int other = 0; other < c; other++) {
        rank += (key[other] - own - 1) >>> SIGN;
      }
      for (int other = c + 1; other < found; other++) {
        rank += (key[other] - own) >>> SIGN;
      }
      if (rank < k) {
        index[at + (int) rank] = candidate[c];
        distance[at + (int) rank] = far[candidate[c]];
      }
    }
    double last = distance[at];
    for (int i = at + 1; i < at + k; i++) {
      if (tooClose(last, distance[i])) {
        return false;
      }
      last = distance[i];
    }
    // Whoever is no candidate is farther away than NEAR.
    for (int c = 0; c < found; c++) {
      if (tooClose(last, far[candidate[c]])) {
        return false;
      }
    }
    return last < FAR;
  }

  private static boolean tooClose(double near, double far) {
    double gap = far - near;
    return gap > 0 && gap < NEAR;
  }

  /** Returns the k-th smallest of the minima of disjoint groups of distances. */
  private static double bound(double[] far, int n, int k, double[] minimum, long[] key) {
    int width = n;
    double[] from = far;
    while ((width + 1) / 2 >= LEAST_WIDTH * k) {
      int half = (width + 1) / 2;
      int pairs = width - half;
      for (int i = 0; i < pairs; i++) {
        minimum[i] = Math.min(from[i], from[i + half]);
      }
      if (pairs < half) {
        minimum[pairs] = from[pairs];
      }
      from = minimum;
      width = half;
    }
    for (int i = 0; i < width; i++) {
      key[i] = Double.doubleToRawLongBits(from[i]);
    }
    long bound = 0;
    for (int i = 0; i < width; i++) {
      long own = key[i];
      long nearer = 0;
      for (int other = 0; other < width; other++) {
        nearer += (key[other] - own) >>> SIGN;
      }
      if (nearer < k) {
        bound = Math.max(bound, own);
      }
    }
    return Double.longBitsToDouble(bound);
  }
}
