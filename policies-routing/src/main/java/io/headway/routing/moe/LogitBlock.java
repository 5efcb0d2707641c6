package io.headway.routing.moe;

import io.headway.api.moe.RouterInput;
import java.util.Arrays;

/**
 * The logits of {@value #LANES} tokens side by side: row {@code e} holds the logits of expert
 * {@code e}, one lane per token, so that maxima over experts are elementwise maxima of long rows,
 * which the JIT compiler turns into vector code. For that, all distances between operands are
 * constants.
 *
 * <p>Experts are looked at in {@value #GROUPS} groups: expert {@code e} belongs to group {@code e %
 * GROUPS}.
 */
final class LogitBlock {
  /** Tokens of a block. */
  static final int LANES = 64;

  /** Groups of experts. */
  static final int GROUPS = 16;

  /** Numbers in the rows of all groups. */
  static final int GROUPED = GROUPS * LANES;

  /** Experts that are loaded together, so that the rows written to stay in the first cache. */
  private static final int TILE = 64;

  private LogitBlock() {}

  /** Returns the length of the array that holds the rows of all experts. */
  static int length(int experts) {
    return Math.multiplyExact(GROUPED, (experts + GROUPS - 1) / GROUPS);
  }

  /** Copies the logits of {@code token[0 .. LANES - 1]}; rows up to the last group are masked. */
  static void load(RouterInput in, float[] from, int[] token, float[] block) {
    int experts = in.experts();
    for (int first = 0; first < experts; first += TILE) {
      int end = Math.min(first + TILE, experts);
      for (int lane = 0; lane < LANES; lane += 4) {
        loadFour(
            from,
            in.rowStart(token[lane]),
            in.rowStart(token[lane + 1]),
            in.rowStart(token[lane + 2]),
            in.rowStart(token[lane + 3]),
            first,
            end,
            lane,
            block);
      }
    }
    Arrays.fill(block, experts * LANES, length(experts), Float.NEGATIVE_INFINITY);
  }

  private static void loadFour(
      float[] from,
      int row0,
      int row1,
      int row2,
      int row3,
      int first,
      int end,
      int lane,
      float[] block) {
    for (int e = first; e < end; e++) {
      int at = e * LANES + lane;
      block[at] = from[row0 + e];
      block[at + 1] = from[row1 + e];
      block[at + 2] = from[row2 + e];
      block[at + 3] = from[row3 + e];
    }
  }

  /** Leaves the largest logit of every group in the first rows; one NaN makes its group NaN. */
  static void groupMaxima(float[] block, int experts) {
    for (int at = length(experts) - 2 * GROUPED; at >= 0; at -= GROUPED) {
      for (int i = at; i < at + GROUPED; i++) {
        block[i] = Math.max(block[i], block[i + GROUPED]);
      }
    }
  }

  /**
   * Sorts the first rows lane by lane in descending order by a bitonic network; one NaN makes its
   * whole lane NaN.
   */
  static void sortGroups(float[] block) {
    for (int size = 2; size <= GROUPS; size *= 2) {
      for (int apart = size / 2; apart > 0; apart /= 2) {
        for (int row = 0; row < GROUPS; row += 2 * apart) {
          int from = row * LANES;
          boolean descending = (row & size) == 0;
          switch (apart) {
            case 1 -> exchange1(block, from, descending);
            case 2 -> exchange2(block, from, descending);
            case 4 -> exchange4(block, from, descending);
            default -> exchange8(block, from);
          }
        }
      }
    }
  }

  private static void exchange1(float[] block, int from, boolean descending) {
    if (descending) {
      for (int i = from; i < from + LANES; i++) {
        float a = block[i];
        float b = block[i + LANES];
        block[i] = Math.max(a, b);
        block[i + LANES] = Math.min(a, b);
      }
    } else {
      for (int i = from; i < from + LANES; i++) {
        float a = block[i];
        float b = block[i + LANES];
        block[i] = Math.min(a, b);
        block[i + LANES] = Math.max(a, b);
      }
    }
  }

  private static void exchange2(float[] block, int from, boolean descending) {
    if (descending) {
      for (int i = from; i < from + 2 * LANES; i++) {
        float a = block[i];
        float b = block[i + 2 * LANES];
        block[i] = Math.max(a, b);
        block[i + 2 * LANES] = Math.min(a, b);
      }
    } else {
      for (int i = from; i < from + 2 * LANES; i++) {
        float a = block[i];
        float b = block[i + 2 * LANES];
        block[i] = Math.min(a, b);
        block[i + 2 * LANES] = Math.max(a, b);
      }
    }
  }

  private static void exchange4(float[] block, int from, boolean descending) {
    if (descending) {
      for (int i = from; i < from + 4 * LANES; i++) {
        float a = block[i];
        float b = block[i + 4 * LANES];
        block[i] = Math.max(a, b);
        block[i + 4 * LANES] = Math.min(a, b);
      }
    } else {
      for (int i = from; i < from + 4 * LANES; i++) {
        float a = block[i];
        float b = block[i + 4 * LANES];
        block[i] = Math.min(a, b);
        block[i + 4 * LANES] = Math.max(a, b);
      }
    }
  }

  private static void exchange8(float[] block, int from) {
    for (int i = from; i < from + 8 * LANES; i++) {
      float a = block[i];
      float b = block[i + 8 * LANES];
      block[i] = Math.max(a, b);
      block[i + 8 * LANES] = Math.min(a, b);
    }
  }
}
