package io.headway.routing.moe;

import io.headway.api.moe.RouterInput;
import java.util.Arrays;

/**
 * The logits of {@value #LANES} tokens side by side: a row holds the logits of one expert, one lane
 * per token, so that maxima over experts are elementwise maxima of long rows, which the JIT
 * compiler turns into vector code. For that, all distances between operands are constants.
 *
 * <p>Experts are looked at in {@value #GROUPS} groups of {@link #members} neighbours, the last ones
 * perhaps of fewer. The rows of the first members of all groups come first, then those of the
 * second ones.
 */
final class LogitBlock {
  /** Tokens of a block. */
  static final int LANES = 64;

  /** Groups of experts. */
  static final int GROUPS = 16;

  /** Numbers in the rows of all groups. */
  static final int GROUPED = GROUPS * LANES;

  /** From the row of one member to that of the next; not a power of two, which caches dislike. */
  private static final int STEP = GROUPED + 16;

  /** Experts that are loaded together, so that the rows written to stay in the first cache. */
  private static final int TILE = 64;

  private LogitBlock() {}

  /** Returns the length of the array that holds the rows of all experts. */
  static int length(int experts) {
    return Math.multiplyExact(STEP, members(experts));
  }

  /** Returns how many experts a group has: those from {@code group * members} on. */
  static int members(int experts) {
    return (experts + GROUPS - 1) / GROUPS;
  }

  /** Copies the logits of {@code token[0 .. LANES - 1]}; rows without an expert are masked. */
  static void load(RouterInput in, float[] from, int[] token, float[] block) {
    int experts = in.experts();
    int members = members(experts);
    int tile = Math.max(TILE / members, 1);
    for (int first = 0; first < GROUPS; first += tile) {
      for (int lane = 0; lane < LANES; lane += 4) {
        for (int group = first; group < Math.min(first + tile, GROUPS); group++) {
          int expert = group * members;
          loadFour(
              from,
              in.rowStart(token[lane]) + expert,
              in.rowStart(token[lane + 1]) + expert,
              in.rowStart(token[lane + 2]) + expert,
              in.rowStart(token[lane + 3]) + expert,
              Math.min(members, experts - expert),
              group * LANES + lane,
              block);
        }
      }
    }
    for (int expert = experts; expert < members * GROUPS; expert++) {
      int at = expert % members * STEP + expert / members * LANES;
      Arrays.fill(block, at, at + LANES, Float.NEGATIVE_INFINITY);
    }
  }

  private static void loadFour(
      float[] from, int row0, int row1, int row2, int row3, int count, int first, float[] block) {
    for (int i = 0; i < count; i++) {
      int at = first + i * STEP;
      block[at] = from[row0 + i];
      block[at + 1] = from[row1 + i];
      block[at + 2] = from[row2 + i];
      block[at + 3] = from[row3 + i];
    }
  }

  /** Leaves the largest logit of every group in the first rows; one NaN makes its group NaN. */
  static void groupMaxima(float[] block, int experts) {
    for (int at = length(experts) - 2 * STEP; at >= 0; at -= STEP) {
      for (int i = at; i < at + GROUPED; i++) {
        block[i] = Math.max(block[i], block[i + STEP]);
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
