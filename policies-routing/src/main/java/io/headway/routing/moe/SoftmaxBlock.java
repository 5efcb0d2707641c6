package io.headway.routing.moe;

import io.headway.api.moe.RouterInput;
import io.headway.api.moe.Workspace;
import java.util.Arrays;

/**
 * The logits of {@value #LANES} tokens side by side in double precision: row {@code e} holds those
 * of expert {@code e}, one lane per token, so that what a softmax takes for every token is done
 * elementwise on long rows, which the JIT compiler turns into vector code. The transposition costs
 * nothing: it is done by the conversion to double, which no compiler of Java 17 turns into vector
 * code anyway.
 *
 * <p>Experts are looked at in {@value #GROUPS} groups, expert {@code e} in group {@code e %
 * GROUPS}: a row of all groups, {@value #GROUPED} numbers, is folded first over the experts of a
 * group, then over the groups. Elements of one lane meet no others, so a token's bits do not depend
 * on its neighbours.
 */
final class SoftmaxBlock {
  /** Tokens of a block. */
  static final int LANES = 16;

  /** Groups of experts. */
  static final int GROUPS = 16;

  /** Numbers in the rows of all groups. */
  static final int GROUPED = GROUPS * LANES;

  private static final int PARTIAL_SUMS = 4;

  /** Numbers in the rows of partial sums. */
  static final int PARTIAL = PARTIAL_SUMS * LANES;

  /** More than any index, for every difference of two floats, which is at least 2^-149. */
  private static final double HUGE = 0x1p200;

  private SoftmaxBlock() {}

  /** Returns the length of the array that holds the rows of all experts, up to the last group. */
  static int length(int experts) {
    return Math.multiplyExact(GROUPED, (experts + GROUPS - 1) / GROUPS);
  }

  /** Copies the logits of {@code token[0 .. LANES - 1]}; rows up to the last group are masked. */
  static void load(RouterInput in, int[] token, double[] block) {
    int experts = in.experts();
    float[] single = in.floatLogits();
    double[] twice = in.doubleLogits();
    for (int lane = 0; lane < LANES; lane += 2) {
      int row0 = in.rowStart(token[lane]);
      int row1 = in.rowStart(token[lane + 1]);
      if (single != null) {
        loadTwo(single, row0, row1, experts, lane, block);
      } else if (twice != null) {
        loadTwo(twice, row0, row1, experts, lane, block);
      } else {
        // Refuses a batch without logits.
        in.loadRow(token[lane], block);
      }
    }
    Arrays.fill(block, experts * LANES, length(experts), Double.NEGATIVE_INFINITY);
  }

  private static void loadTwo(
      float[] from, int row0, int row1, int experts, int lane, double[] block) {
    for (int e = 0; e < experts; e++) {
      int at = e * LANES + lane;
      block[at] = from[row0 + e];
      block[at + 1] = from[row1 + e];
    }
  }

  private static void loadTwo(
      double[] from, int row0, int row1, int experts, int lane, double[] block) {
    for (int e = 0; e < experts; e++) {
      int at = e * LANES + lane;
      block[at] = from[row0 + e];
      block[at + 1] = from[row1 + e];
    }
  }

  /**
   * Writes the largest logit of every lane, in the rows of all experts.
   *
   * @throws IllegalArgumentException as {@link RouterInput#loadRow} does, if a largest logit is not
   *     finite
   */
  static void maxima(RouterInput in, int[] token, double[] block, double[] max, Workspace work) {
    int length = length(in.experts());
    System.arraycopy(block, length - GROUPED, max, length - GROUPED, GROUPED);
    for (int at = length - 2 * GROUPED; at >= 0; at -= GROUPED) {
      keepLarger(block, max, at);
    }
    for (int i = 0; i < 8 * LANES; i++) {
      max[i] = Math.max(max[i], max[i + 8 * LANES]);
    }
    for (int i = 0; i < 4 * LANES; i++) {
      max[i] = Math.max(max[i], max[i + 4 * LANES]);
    }
    for (int i = 0; i < 2 * LANES; i++) {
      max[i] = Math.max(max[i], max[i + 2 * LANES]);
    }
    for (int i = 0; i < LANES; i++) {
      max[i] = Math.max(max[i], max[i + LANES]);
    }
    for (int lane = 0; lane < LANES; lane++) {
      if (!(Math.abs(max[lane]) < Double.POSITIVE_INFINITY)) {
        in.loadRow(token[lane], work.doubles(TokenChoice.ROW, in.experts()));
      }
    }
    repeat(max, length);
  }

  private static void keepLarger(double[] block, double[] max, int at) {
    for (int i = at; i < at + GROUPED; i++) {
      max[i] = Math.max(block[i], max[i + GROUPED]);
    }
  }

  /** Copies the first row to all others. */
  static void repeat(double[] block, int length) {
    for (int n = LANES; n < length; n *= 2) {
      System.arraycopy(block, 0, block, n, Math.min(n, length - n));
    }
  }

  /** Writes {@code block - shift}. */
  static void subtract(double[] block, double[] shift, double[] difference, int length) {
    for (int i = 0; i < length; i++) {
      difference[i] = block[i] - shift[i];
    }
  }

  /** Writes {@code block / divisor}. */
  static void divide(double[] block, double[] divisor, double[] quotient, int length) {
    for (int i = 0; i < length; i++) {
      quotient[i] = block[i] / divisor[i];
    }
  }

  /**
   * Leaves in the first row of {@code first} the first expert of every lane whose logit, a float,
   * is the largest.
   *
   * @param difference {@code logit - max}
   * @param first room for one more row of all groups
   */
  static void firstOfMaxima(double[] difference, int experts, double[] first) {
    int length = length(experts);
    Arrays.fill(first, length, length + GROUPED, Double.MAX_VALUE);
    for (int at = length - GROUPED; at >= 0; at -= GROUPED) {
      keepFirst(difference, first, at);
    }
    for (int i = 0; i < 8 * LANES; i++) {
      first[i] = Math.min(first[i], first[i + 8 * LANES] + 8);
    }
    for (int i = 0; i < 4 * LANES; i++) {
      first[i] = Math.min(first[i], first[i + 4 * LANES] + 4);
    }
    for (int i = 0; i < 2 * LANES; i++) {
      first[i] = Math.min(first[i], first[i + 2 * LANES] + 2);
    }
    for (int i = 0; i < LANES; i++) {
      first[i] = Math.min(first[i], first[i + LANES] + 1);
    }
  }

  private static void keepFirst(double[] difference, double[] first, int at) {
    for (int i = at; i < at + GROUPED; i++) {
      first[i] = Math.min(difference[i] * -HUGE, first[i + GROUPED] + GROUPS);
    }
  }

  /**
   * Leaves in the first row the sum of the weights of every lane.
   *
   * @param block {@code logit - max}, with room for one more row of all groups
   */
  static void sumsOfWeights(double[] block, int experts) {
    Exponentials.roots(block, experts * LANES);
    int length = length(experts);
    Arrays.fill(block, experts * LANES, length + GROUPED, 0);
    for (int at = length - GROUPED; at >= 0; at -= GROUPED) {
      Exponentials.addPowers(block, at, at + GROUPED);
    }
    fold(block);
  }

  /**
   * Leaves the sum of every lane in the first row of {@code sum}, added in the order of {@link
   * Exponentials#of}.
   *
   * @param sum room for {@value #PARTIAL} numbers more than the block
   */
  static void sums(double[] block, int experts, double[] sum) {
    int whole = (experts & -PARTIAL_SUMS) * LANES;
    Arrays.fill(sum, 0, PARTIAL, 0);
    addToPartialSums(block, sum, whole);
    for (int at = whole; at < experts * LANES; at += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        sum[whole + lane] += block[at + lane];
      }
    }
    for (int i = whole; i < whole + LANES; i++) {
      sum[i - whole] = (sum[i] + sum[i + LANES]) + (sum[i + 2 * LANES] + sum[i + 3 * LANES]);
    }
  }

  // Every partial sum goes to a place of its own, so that distances are constants here too.
  private static void addToPartialSums(double[] block, double[] sum, int n) {
    for (int i = 0; i < n; i++) {
      sum[i + PARTIAL] = sum[i] + block[i];
    }
  }

  /** Leaves the sums over all groups in the first row. */
  private static void fold(double[] sum) {
    for (int i = 0; i < 8 * LANES; i++) {
      sum[i] += sum[i + 8 * LANES];
    }
    for (int i = 0; i < 4 * LANES; i++) {
      sum[i] += sum[i + 4 * LANES];
    }
    for (int i = 0; i < 2 * LANES; i++) {
      sum[i] += sum[i + 2 * LANES];
    }
    for (int i = 0; i < LANES; i++) {
      sum[i] += sum[i + LANES];
    }
  }
}
