package io.headway.routing.moe;

import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;

/**
 * Best-k lists of tokens, one per expert, filled from a stream of rows or of blocks of tokens. Each
 * list has room for twice its final length and is cut back to the best k whenever it is full, so
 * that an entry costs a comparison and rarely more. List {@code e} starts at {@code e * stride(k)}.
 */
final class ExpertLists {
  private static final int SAMPLE = 16;
  private static final int SIGN = 63;
  private static final int BUCKETS = 256;
  private static final int LEAST_SPREAD = 32;
  private static final int MOST_TOGETHER = 16;
  private static final int LEAST_SAMPLED = 4 * SAMPLE;

  /** Ranks within the sample that are tried for the floor: it should leave a little more than k. */
  private static final double[] ESTIMATED_RANKS = {0.625, 0.8};

  private ExpertLists() {}

  static int stride(int k) {
    return Math.multiplyExact(2, Math.max(k, 1));
  }

  /** Offers one row of scores to all lists; masked experts score minus infinity. */
  static void offer(
      int token,
      double[] score,
      int experts,
      int k,
      double[] listScore,
      int[] listToken,
      int[] count,
      double[] floor,
      int[] taker) {
    int stride = stride(k);
    // Which experts take a token cannot be predicted, so this loop does not branch on it.
    int takers = 0;
    for (int e = 0; e < experts; e++) {
      taker[takers] = e;
      takers += below(floor[e], score[e]);
    }
    for (int i = 0; i < takers; i++) {
      int e = taker[i];
      double v = score[e];
      if (v > floor[e]) {
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
   * Offers the scores of a block of tokens, laid out as in {@link SoftmaxBlock}, to all lists.
   *
   * @param token the tokens of the lanes, from {@code firstLane} on, ascending
   * @param lack what scores lack to reach the floor, negative above it
   * @param rowFloor the floors in the layout of the block; kept equal to {@code floor}
   * @param taker room for as many numbers as the block has
   */
  static void offerBlock(
      RouterInput in,
      int[] token,
      int firstLane,
      double[] score,
      double[] lack,
      int k,
      double[] listScore,
      int[] listToken,
      int[] count,
      double[] floor,
      double[] rowFloor,
      int[] taker) {
    int lanes = SoftmaxBlock.LANES;
    int stride = stride(k);
    int takers = negative(lack, in.experts() * lanes, taker);
    for (int i = 0; i < takers; i++) {
      int e = taker[i] / lanes;
      int t = token[firstLane + taker[i] % lanes];
      double v = score[taker[i]];
      if (v > floor[e] && (v > 0 || in.logit(t, e) > Double.NEGATIVE_INFINITY)) {
        int base = e * stride;
        int n = count[e];
        listScore[base + n] = v;
        listToken[base + n] = t;
        n++;
        if (n == stride) {
          n = cut(listScore, listToken, base, n, k, floor, e);
          Arrays.fill(rowFloor, e * lanes, e * lanes + lanes, floor[e]);
        }
        count[e] = n;
      }
    }
  }

  // Which experts take a token cannot be predicted, so this loop does not branch on it.
  private static int negative(double[] number, int n, int[] index) {
    int found = 0;
    for (int i = 0; i < n; i++) {
      index[found] = i;
      found += (int) (Double.doubleToRawLongBits(number[i]) >>> SIGN);
    }
    return found;
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
          above += below(pivot, score[i]);
        }
        if (above >= k && above < n) {
          int next = base;
          for (int i = base; i < base + n; i++) {
            double s = score[i];
            score[next] = s;
            token[next] = token[i];
            next += below(pivot, s);
          }
          floor[e] = pivot;
          return above;
        }
      }
    }
    floor[e] = Selection.partition(score, token, base, n, k);
    return k;
  }

  /** Returns 1 if a is less than b, else 0, without a branch; neither may be NaN. */
  private static int below(double a, double b) {
    return (int) (Double.doubleToRawLongBits(a - b) >>> SIGN);
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
        better += below(own, other);
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

  /**
   * Cuts every list to its best k and sorts it by descending score, then ascending token. Borrows
   * two arrays of ints from {@code index} on and one of doubles.
   */
  static void finish(
      int experts,
      int k,
      double[] listScore,
      int[] listToken,
      int[] count,
      Workspace work,
      int index) {
    int stride = stride(k);
    int[] end = work.ints(index, BUCKETS);
    int[] token = work.ints(index + 1, stride);
    double[] score = work.doubles(index, stride);
    for (int e = 0; e < experts; e++) {
      int base = e * stride;
      int n = count[e];
      count[e] = Math.min(n, k);
      if (n >= LEAST_SPREAD && spread(listScore, listToken, base, n, score, token, end)) {
        Selection.sortByInsertion(score, token, 0, n);
        System.arraycopy(score, 0, listScore, base, count[e]);
        System.arraycopy(token, 0, listToken, base, count[e]);
      } else {
        if (n > k) {
          Selection.partition(listScore, listToken, base, n, k);
        }
        Selection.sort(listScore, listToken, base, count[e]);
      }
    }
  }

  /**
   * Copies a list in descending order of coarse scores, which leaves little to sort and takes no
   * decision that a processor would have to guess; returns false if too many fall together.
   */
  private static boolean spread(
      double[] from, int[] fromToken, int base, int n, double[] to, int[] toToken, int[] end) {
    double least = from[base];
    double most = least;
    for (int i = base + 1; i < base + n; i++) {
      least = Math.min(least, from[i]);
      most = Math.max(most, from[i]);
    }
    double perBucket = (BUCKETS - 1) / (most - least);
    if (!(perBucket > 0 && perBucket < Double.MAX_VALUE)) {
      return false;
    }
    Arrays.fill(end, 0, BUCKETS, 0);
    for (int i = base; i < base + n; i++) {
      end[(int) ((most - from[i]) * perBucket)]++;
    }
    int before = 0;
    int fullest = 0;
    for (int b = 0; b < BUCKETS; b++) {
      int size = end[b];
      fullest = Math.max(fullest, size);
      end[b] = before;
      before += size;
    }
    if (fullest > MOST_TOGETHER) {
      return false;
    }
    for (int i = base; i < base + n; i++) {
      double s = from[i];
      int at = end[(int) ((most - s) * perBucket)]++;
      to[at] = s;
      toToken[at] = fromToken[i];
    }
    return true;
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
