package io.headway.routing.moe;

import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;

/**
 * Best-k lists of tokens, one per expert, filled from a stream of rows. Each list has room for
 * twice its final length and is cut back to the best k whenever it is full, so that an entry costs
 * a comparison and rarely more. List {@code e} starts at {@code e * stride(k)}.
 */
final class ExpertLists {
  private static final int SAMPLE = 16;
  private static final int LEAST_SAMPLED = 4 * SAMPLE;

  /** Ranks within the sample that are tried for the floor: it should leave a little more than k. */
  private static final double[] ESTIMATED_RANKS = {0.625, 0.8};

  private ExpertLists() {}

  static int stride(int k) {
    return Math.multiplyExact(2, Math.max(k, 1));
  }

  /**
   * Offers one row to all lists: {@code score[e] / divisor}, divided only where it may enter.
   * {@code row} tells masked experts, whose entries are left out. Scores below 0 go with a divisor
   * of 1.
   */
  static void offer(
      int token,
      double[] row,
      double[] score,
      double divisor,
      int experts,
      int k,
      double[] listScore,
      int[] listToken,
      int[] count,
      double[] floor) {
    int stride = stride(k);
    // A little too low, so that rounding hides nobody; the quotient itself decides.
    double lowered = divisor == 1 ? 1 : divisor * (1 - 1e-15);
    for (int e = 0; e < experts; e++) {
      if (score[e] <= floor[e] * lowered) {
        continue;
      }
      double v = score[e] / divisor;
      if (v > floor[e] && (v > 0 || row[e] > Double.NEGATIVE_INFINITY)) {
        int base = e * stride;
        int n = count[e];
        listScore[base + n] = v;
        listToken[base + n] = token;
        n++;
        count[e] = n == stride ? cut(listScore, listToken, base, n, k, floor, e) : n;
      }
    }
  }

  /**
   * Makes room in a full list, raises its floor and returns its new length. Whatever is not above
   * the floor may be forgotten as long as k entries are, so an estimate of the median will do; an
   * exact one costs far more.
   */
  private static int cut(
      double[] score, int[] token, int base, int n, int k, double[] floor, int e) {
    if (n >= LEAST_SAMPLED) {
      for (double rank : ESTIMATED_RANKS) {
        double pivot = sampled(score, base, n, (int) (rank * SAMPLE));
        int above = 0;
        for (int i = base; i < base + n; i++) {
          above += score[i] > pivot ? 1 : 0;
        }
        if (above >= k && above < n) {
          int next = base;
          for (int i = base; i < base + n; i++) {
            double s = score[i];
            score[next] = s;
            token[next] = token[i];
            next += s > pivot ? 1 : 0;
          }
          floor[e] = pivot;
          return above;
        }
      }
    }
    floor[e] = Selection.partition(score, token, base, n, k);
    return k;
  }

  /** Returns the entry of a rank, 0 the best, among evenly spaced ones. */
  private static double sampled(double[] score, int base, int n, int rank) {
    int step = n / SAMPLE;
    double found = score[base];
    for (int i = 0; i < SAMPLE; i++) {
      double own = score[base + i * step];
      int better = 0;
      for (int j = 0; j < SAMPLE; j++) {
        double other = score[base + j * step];
        better += (other > own || (other == own && j < i)) ? 1 : 0;
      }
      if (better == rank) {
        found = own;
      }
    }
    return found;
  }

  /** Empties the lists; {@code least} is below every score that may enter a list of length k. */
  static void clear(int experts, int k, double least, int[] count, double[] floor) {
    Arrays.fill(count, 0, experts, 0);
    // With k = 0 nothing is ever better than the floor.
    Arrays.fill(floor, 0, experts, k == 0 ? Double.POSITIVE_INFINITY : least);
  }

  /** Cuts every list to its best k and sorts it by descending score, then ascending token. */
  static void finish(int experts, int k, double[] listScore, int[] listToken, int[] count) {
    int stride = stride(k);
    for (int e = 0; e < experts; e++) {
      int base = e * stride;
      int n = count[e];
      if (n > k) {
        Selection.partition(listScore, listToken, base, n, k);
        n = k;
      }
      Selection.sort(listScore, listToken, base, n);
      count[e] = n;
    }
  }

  /**
   * Writes the lists as assignments in token order. Gates lie beside the tokens of the lists and
   * are divided by the number of experts that chose the token if asked.
   */
  static void write(
      ExpertAssignments out,
      int tokens,
      int experts,
      int k,
      double[] gate,
      int[] listToken,
      int[] count,
      boolean slots,
      boolean shareAmongChoosers,
      Workspace work,
      int index) {
    int stride = stride(k);
    int[] start = work.ints(index, tokens + 1);
    Arrays.fill(start, 0, tokens + 1, 0);
    int pairs = 0;
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < count[e]; i++) {
        start[listToken[e * stride + i] + 1]++;
      }
      pairs += count[e];
    }
    for (int t = 0; t < tokens; t++) {
      start[t + 1] += start[t];
    }
    int[] pairExpert = work.ints(index + 1, pairs);
    int[] pairSlot = work.ints(index + 2, pairs);
    double[] pairGate = work.doubles(index, pairs);
    // Walking experts upwards leaves every token's pairs in order of expert; start[t] moves to its
    // end on the way.
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < count[e]; i++) {
        int at = e * stride + i;
        int pair = start[listToken[at]]++;
        pairExpert[pair] = e;
        pairSlot[pair] = slots ? i : ExpertAssignments.NO_SLOT;
        pairGate[pair] = gate[at];
      }
    }
    out.reserve(pairs, 0);
    int from = 0;
    for (int t = 0; t < tokens; t++) {
      int to = start[t];
      for (int pair = from; pair < to; pair++) {
        double g = shareAmongChoosers ? pairGate[pair] / (to - from) : pairGate[pair];
        out.assign(t, ExpertAssignments.NO_RANK, pairExpert[pair], pairSlot[pair], g);
      }
      from = to;
    }
  }
}
