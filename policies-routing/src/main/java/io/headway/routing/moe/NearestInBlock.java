package io.headway.routing.moe;

import io.headway.api.moe.RouterInput;
import io.headway.api.moe.Workspace;

/**
 * Finds the k largest single-precision logits of {@value LogitBlock#LANES} tokens at a time; what
 * {@link NearestLogits} finds for one token, in less time.
 *
 * <p>The largest logits of the {@value LogitBlock#GROUPS} groups of experts are sorted for all
 * tokens at once; the k-th of them bounds the k-th largest logit of the token, about k groups reach
 * the bound, and a few more than k of their experts. These are ranked by counting.
 */
final class NearestInBlock {
  /** Logits this close are left to {@link NearestLogits}, which says why. */
  private static final double NEAR = 1e-15;

  private static final double FAR = 700;

  /** Ranking by counting is quadratic; with more candidates than this, many are equal. */
  private static final int MOST = 32;

  /** Keys hold the logit above and the index, counted downwards, in the bits below. */
  private static final int INDEX_BITS = 20;

  private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
  private static final int SIGN = 63;
  private static final int FLOAT_SIGN = 31;

  private static final int BLOCK = 0;
  private static final int GROUP = 1;
  private static final int KEY = 0;
  private static final int SORTED = 1;
  private static final int CANDIDATE = TokenChoice.NEAREST;
  private static final int NEAR_GROUP = TokenChoice.NEAREST + 1;

  private NearestInBlock() {}

  /** Tells whether these numbers of experts and choices are served. */
  static boolean serves(int experts, int k) {
    return k > 1
        && 2 * k <= LogitBlock.GROUPS
        && experts >= LogitBlock.GROUPS
        && experts <= INDEX_MASK;
  }

  /**
   * Writes for lane {@code l} the k best experts of token {@code token[l]} by descending logit,
   * then ascending index, from {@code l * k} on, and their distances from the maximum. {@code
   * found[l]} tells whether the order is beyond doubt; otherwise the distances are 0.
   */
  static void find(
      RouterInput in,
      float[] from,
      int[] token,
      int k,
      Workspace work,
      int[] index,
      double[] distance,
      boolean[] found) {
    int experts = in.experts();
    float[] block = work.floats(BLOCK, LogitBlock.length(experts));
    float[] group = work.floats(GROUP, LogitBlock.GROUPED);
    LogitBlock.load(in, from, token, block);
    LogitBlock.groupMaxima(block, experts);
    System.arraycopy(block, 0, group, 0, LogitBlock.GROUPED);
    LogitBlock.sortGroups(block);
    findInLanes(in, from, token, k, work, block, group, index, distance, found);
  }

  private static void findInLanes(
      RouterInput in,
      float[] from,
      int[] token,
      int k,
      Workspace work,
      float[] sortedGroup,
      float[] group,
      int[] index,
      double[] distance,
      boolean[] found) {
    int experts = in.experts();
    int[] near = work.ints(NEAR_GROUP, LogitBlock.GROUPS + 1);
    int[] candidate = work.ints(CANDIDATE, experts + LogitBlock.GROUPS + 1);
    long[] key = work.longs(KEY, MOST);
    long[] sorted = work.longs(SORTED, MOST);
    for (int lane = 0; lane < LogitBlock.LANES; lane++) {
      double max = sortedGroup[lane];
      double bound = sortedGroup[(k - 1) * LogitBlock.LANES + lane];
      int start = in.rowStart(token[lane]);
      boolean clear = false;
      if (Math.abs(max) < Double.POSITIVE_INFINITY && max - bound < FAR) {
        // Whoever may be as near as the bound after rounding is a candidate too.
        float least = (float) (bound - (2 * NEAR + (max - bound) * NEAR));
        int groups = nearGroups(group, lane, least, near);
        int count = candidates(from, start, experts, near, groups, least, candidate);
        if (count <= MOST) {
          rank(from, start, candidate, count, key, sorted);
          clear = write(from, start, max, sorted, k, count, index, distance, lane * k);
        }
      }
      found[lane] = clear;
      for (int i = lane * k; i < lane * k + k && !clear; i++) {
        distance[i] = 0;
      }
    }
  }

  /** Returns 0 if a is less than b, else 1, without a branch; neither may be NaN. */
  private static int notBelow(float a, float b) {
    return 1 + (Float.floatToRawIntBits(a - b) >> FLOAT_SIGN);
  }

  private static int nearGroups(float[] group, int lane, float least, int[] near) {
    int count = 0;
    for (int g = 0; g < LogitBlock.GROUPS; g++) {
      near[count] = g;
      count += notBelow(group[g * LogitBlock.LANES + lane], least);
    }
    return count;
  }

  private static int candidates(
      float[] from, int start, int experts, int[] near, int groups, float least, int[] candidate) {
    int count = 0;
    int members = LogitBlock.members(experts);
    for (int g = 0; g < groups; g++) {
      int first = near[g] * members;
      for (int e = first; e < Math.min(first + members, experts); e++) {
        candidate[count] = e;
        count += notBelow(from[start + e], least);
      }
    }
    return count;
  }

  /** Sorts the candidates by descending logit, then ascending index, by counting who is before. */
  private static void rank(
      float[] from, int start, int[] candidate, int count, long[] key, long[] sorted) {
    for (int c = 0; c < count; c++) {
      int e = candidate[c];
      int bits = Float.floatToRawIntBits(from[start + e]);
      int sign = bits >> FLOAT_SIGN;
      // The magnitude with its sign, so that both zeros are equal.
      int logit = ((bits & Integer.MAX_VALUE) ^ sign) - sign;
      key[c] = ((long) logit << INDEX_BITS) + (INDEX_MASK - e);
    }
    for (int c = 0; c < count; c++) {
      long own = key[c];
      long before = 0;
      for (int other = 0; other < count; other++) {
        before += (own - key[other]) >>> SIGN;
      }
      sorted[(int) before] = own;
    }
  }

  private static boolean write(
      float[] from,
      int start,
      double max,
      long[] sorted,
      int k,
      int count,
      int[] index,
      double[] distance,
      int at) {
    float last = Float.POSITIVE_INFINITY;
    for (int i = 0; i < k; i++) {
      int e = INDEX_MASK - (int) (sorted[i] & INDEX_MASK);
      float logit = from[start + e];
      index[at + i] = e;
      distance[at + i] = max - logit;
      if (logit != last && (max - logit) - (max - last) < NEAR) {
        return false;
      }
      last = logit;
    }
    // Of the others, the first with another logit is the nearest; who is no candidate is farther.
    for (int i = k; i < count; i++) {
      float logit = from[start + INDEX_MASK - (int) (sorted[i] & INDEX_MASK)];
      if (logit != last) {
        return (max - logit) - (max - last) >= NEAR;
      }
    }
    return true;
  }
}
