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
 * <p>What is gathered over the experts of a token is gathered in {@value #PARTS} interleaved parts,
 * expert {@code e} in part {@code e % PARTS}, and every step of it is written to a place of its
 * own, {@value #STEP} numbers behind the one before. So one loop does all steps, and all distances
 * between its operands are constants, which the JIT compiler asks for. Elements of one lane meet no
 * others, so a token's bits do not depend on its neighbours.
 */
final class SoftmaxBlock {
  /** Tokens of a block. */
  static final int LANES = 16;

  /** Parts in which maxima and sums are gathered. */
  static final int PARTS = 4;

  /** Numbers in the rows of all parts. */
  static final int STEP = PARTS * LANES;

  /** More than any index, for every difference of two floats, which is at least 2^-149. */
  private static final double HUGE = 0x1p200;

  private SoftmaxBlock() {}

  /** Returns the length of the rows of all experts, up to the last part. */
  static int length(int experts) {
    return Math.multiplyExact(STEP, (experts + PARTS - 1) / PARTS);
  }

  /** Returns the room that gathering takes. */
  static int room(int experts) {
    return Math.addExact(length(experts), STEP);
  }

  /** Copies the logits of {@code token[0 .. LANES - 1]}; rows up to the last part are masked. */
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
   * @param max has {@link #room}
   * @throws IllegalArgumentException as {@link RouterInput#loadRow} does, if a largest logit is not
   *     finite
   */
  static void maxima(RouterInput in, int[] token, double[] block, double[] max, Workspace work) {
    int length = length(in.experts());
    Arrays.fill(max, 0, STEP, Double.NEGATIVE_INFINITY);
    gatherMaxima(block, max, length);
    for (int i = length; i < length + LANES; i++) {
      double low = Math.max(max[i], max[i + LANES]);
      double high = Math.max(max[i + 2 * LANES], max[i + 3 * LANES]);
      max[i - length] = Math.max(low, high);
    }
    for (int lane = 0; lane < LANES; lane++) {
      if (!(Math.abs(max[lane]) < Double.POSITIVE_INFINITY)) {
        in.loadRow(token[lane], work.doubles(TokenChoice.ROW, in.experts()));
      }
    }
    repeat(max, length);
  }

  private static void gatherMaxima(double[] block, double[] max, int n) {
    for (int i = 0; i < n; i++) {
      max[i + STEP] = Math.max(max[i], block[i]);
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
   * Compares the logits, which are floats, with the largest of their lanes.
   *
   * <p>One method for all of it: the compiled code is then too large to be inlined into that of the
   * caller, and C2 was seen to make better code of few loops than of all of a softmax together.
   *
   * @param difference takes {@code logit - max}, in all rows
   * @param first has {@link #room}; takes the first expert of every lane whose logit is the largest
   *     in its first row
   * @throws IllegalArgumentException as {@link #maxima}
   */
  static void compare(
      RouterInput in,
      int[] token,
      double[] block,
      double[] difference,
      double[] first,
      Workspace work) {
    int length = length(in.experts());
    maxima(in, token, block, first, work);
    subtract(block, first, difference, length);
    Arrays.fill(first, 0, STEP, Double.MAX_VALUE);
    gatherFirst(difference, first, length);
    int lastStep = length / LANES - PARTS;
    for (int i = length; i < length + LANES; i++) {
      double low = Math.min(first[i], first[i + LANES] + 1);
      double high = Math.min(first[i + 2 * LANES] + 2, first[i + 3 * LANES] + 3);
      first[i - length] = Math.min(low, high) + lastStep;
    }
  }

  // Places are counted from the experts of the step, so that earlier ones are negative.
  private static void gatherFirst(double[] difference, double[] first, int n) {
    for (int i = 0; i < n; i++) {
      first[i + STEP] = Math.min(first[i] - PARTS, difference[i] * -HUGE);
    }
  }

  /**
   * Leaves in the first row of {@code sum} the sum of the weights of every lane.
   *
   * @param block {@code logit - max}; overwritten
   * @param sum has {@link #room}
   */
  static void sumsOfWeights(double[] block, int experts, double[] sum) {
    int n = experts * LANES;
    Exponentials.roots(block, n);
    Arrays.fill(block, n, length(experts), 0);
    Arrays.fill(sum, 0, STEP, 0);
    Exponentials.gatherPowers(block, sum, length(experts));
    addParts(sum, length(experts));
  }

  /**
   * Leaves the sum of every lane in the first row of {@code sum}, added in the order of {@link
   * Exponentials#of}.
   *
   * @param sum has {@link #room}
   */
  static void sums(double[] block, int experts, double[] sum) {
    int whole = (experts & -PARTS) * LANES;
    Arrays.fill(sum, 0, STEP, 0);
    gatherSums(block, sum, whole);
    for (int at = whole; at < experts * LANES; at += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        sum[whole + lane] += block[at + lane];
      }
    }
    addParts(sum, whole);
  }

  private static void gatherSums(double[] block, double[] sum, int n) {
    for (int i = 0; i < n; i++) {
      sum[i + STEP] = sum[i] + block[i];
    }
  }

  private static void addParts(double[] sum, int from) {
    for (int i = from; i < from + LANES; i++) {
      sum[i - from] = (sum[i] + sum[i + LANES]) + (sum[i + 2 * LANES] + sum[i + 3 * LANES]);
    }
  }
}
