package io.headway.routing.moe;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DropReason;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The steps that routers share in which tokens choose experts: choose, size buffers, fill them,
 * write the result. Choices lie in arrays of {@code tokens * k}, entry {@code t * k + i} for choice
 * {@code i} of token {@code t}; padding has no choice.
 */
final class TokenChoice {
  /** Expert of an entry that is no choice. */
  static final int NONE = -1;

  /** Slots of entries that are not carried out; every slot above is valid. */
  static final int DROPPED_CAPACITY = -2;

  static final int DROPPED_RANDOM = -3;
  static final int DROPPED_DEVICE_BUDGET = -4;
  static final int DROPPED_PRIORITY = -5;

  /** Indices of borrowed arrays of doubles; routers use their own from {@link #OWN} on. */
  static final int ROW = 0;

  static final int EXPONENTIAL = 1;
  static final int SCALE = 2;
  static final int PROBABILITY = 3;
  static final int PROBABILITY_SUM = 4;
  static final int KEY = 5;

  /** Indices of borrowed arrays of ints. */
  static final int EXPERT = 0;

  static final int SLOT = 1;
  static final int ORDER = 2;
  static final int COUNT = 3;
  static final int SORT = 4;
  static final int LANE = 5;

  /** First of two indices that {@link NearestLogits} uses. */
  static final int NEAREST = 6;

  /** First index that is free for a router's own use. */
  static final int OWN = 12;

  private static final int BLOCK_EXPERT = 8;
  private static final int BLOCK_DISTANCE = 8;
  private static final int BLOCK_EXPONENTIAL = 9;
  private static final int BLOCK_FIRST = 8;
  private static final int BLOCK_DIFFERENCE = 9;
  private static final int WEIGHTS = 10;

  private TokenChoice() {}

  static void requireTopK(String name, int k, int least, int experts) {
    if (k < least || k > experts) {
      throw new IllegalArgumentException(
          name + " must lie in " + least + ".." + experts + " experts, but was " + k);
    }
  }

  /**
   * Chooses the {@code k} most probable experts of every token of a range under the softmax over
   * experts. Writes experts and probabilities by descending probability and, unless {@code sums} is
   * null, adds every expert's probabilities to it. Returns the sum over tokens of the squared
   * log-sum-exp if {@code sums} is given, else 0.
   *
   * <p>If only the ratios of one token's probabilities matter, {@code relative} saves the
   * exponentials of all experts that are not chosen: probabilities may then be divided by that of
   * the token's best expert instead.
   */
  static double choose(
      RouterInput in,
      Workspace work,
      int from,
      int to,
      int k,
      TieBreak ties,
      boolean noisy,
      boolean relative,
      int[] expert,
      double[] probability,
      double @Nullable [] sums) {
    float[] logits = in.floatLogits();
    boolean plain = logits != null && sums == null && !noisy && ties == TieBreak.LOWEST_EXPERT;
    boolean inBlocks = plain && (k == 1 || (relative && NearestInBlock.serves(in.experts(), k)));
    int full = k == 1 ? SoftmaxBlock.LANES : LogitBlock.LANES;
    int[] lane = work.ints(LANE, LogitBlock.LANES);
    int lanes = 0;
    double squares = 0;
    for (int t = from; t < to; t++) {
      if (in.isPadding(t)) {
        Arrays.fill(expert, t * k, t * k + k, NONE);
      } else if (logits != null && inBlocks) {
        lane[lanes++] = t;
        if (lanes == full) {
          if (k == 1) {
            chooseOneInBlock(in, work, lane, expert, probability);
          } else {
            chooseInBlock(in, logits, work, lane, k, expert, probability);
          }
          lanes = 0;
        }
      } else {
        squares += choose(in, work, t, k, ties, noisy, relative, expert, probability, sums);
      }
    }
    for (int i = 0; i < lanes; i++) {
      choose(in, work, lane[i], k, ties, noisy, relative, expert, probability, sums);
    }
    return squares;
  }

  /** Chooses the most probable expert for a whole block of tokens. */
  private static void chooseOneInBlock(
      RouterInput in, Workspace work, int[] token, int[] expert, double[] probability) {
    int experts = in.experts();
    int room = SoftmaxBlock.room(experts);
    double[] block = work.doubles(EXPONENTIAL, room);
    double[] first = work.doubles(BLOCK_FIRST, room);
    double[] difference = work.doubles(BLOCK_DIFFERENCE, room);
    SoftmaxBlock.load(in, token, block);
    SoftmaxBlock.compare(in, token, block, difference, first, work);
    double[] sum = block;
    SoftmaxBlock.sumsOfWeights(difference, experts, sum);
    for (int lane = 0; lane < SoftmaxBlock.LANES; lane++) {
      expert[token[lane]] = (int) first[lane];
      probability[token[lane]] = Exponentials.WEIGHT / sum[lane];
    }
  }

  /** Chooses for a whole block of tokens of which only ratios of probabilities matter. */
  private static void chooseInBlock(
      RouterInput in,
      float[] logits,
      Workspace work,
      int[] token,
      int k,
      int[] expert,
      double[] probability) {
    int lanes = LogitBlock.LANES;
    int[] best = work.ints(BLOCK_EXPERT, lanes * k);
    double[] distance = work.doubles(BLOCK_DISTANCE, lanes * k);
    boolean[] found = work.booleans(0, lanes);
    NearestInBlock.find(in, logits, token, k, work, best, distance, found);
    double[] exponential = work.doubles(BLOCK_EXPONENTIAL, lanes * k);
    Exponentials.of(distance, -1, 0, exponential, work.doubles(SCALE, lanes * k), lanes * k);
    for (int lane = 0; lane < lanes; lane++) {
      int at = token[lane] * k;
      if (found[lane]) {
        System.arraycopy(best, lane * k, expert, at, k);
        System.arraycopy(exponential, lane * k, probability, at, k);
      } else {
        choose(
            in,
            work,
            token[lane],
            k,
            TieBreak.LOWEST_EXPERT,
            false,
            true,
            expert,
            probability,
            null);
      }
    }
  }

  /** Chooses for one token and returns its squared log-sum-exp if {@code sums} is given, else 0. */
  private static double choose(
      RouterInput in,
      Workspace work,
      int t,
      int k,
      TieBreak ties,
      boolean noisy,
      boolean relative,
      int[] expert,
      double[] probability,
      double @Nullable [] sums) {
    int experts = in.experts();
    double[] row = work.doubles(ROW, experts);
    double[] exponential = work.doubles(EXPONENTIAL, experts);
    double[] scale = work.doubles(SCALE, experts);
    int at = t * k;
    int best = in.loadRow(t, row);
    if (noisy) {
      best = in.addNoise(t, row);
    }
    double max = row[best];
    boolean nearest =
        ties == TieBreak.LOWEST_EXPERT
            && k > 1
            && NearestLogits.find(row, max, experts, k, work, expert, probability, at);
    if (relative && nearest) {
      double[] distance = work.doubles(KEY, k);
      System.arraycopy(probability, at, distance, 0, k);
      Exponentials.of(distance, -1, 0, exponential, scale, k);
      System.arraycopy(exponential, 0, probability, at, k);
      if (sums == null) {
        return 0;
      }
    }
    boolean single = k == 1 && ties == TieBreak.LOWEST_EXPERT;
    if (single) {
      double[] weight = work.doubles(WEIGHTS, experts + SoftmaxBlock.PARTS);
      expert[at] = best;
      probability[at] = Exponentials.WEIGHT / Exponentials.sumOfWeights(row, max, weight, experts);
      if (sums == null) {
        return 0;
      }
    }
    double sum = Exponentials.of(row, 1, max, exponential, scale, experts);
    if (nearest && !relative) {
      for (int i = at; i < at + k; i++) {
        probability[i] = exponential[expert[i]] / sum;
      }
    } else if (!nearest && !single) {
      select(
          row, exponential, experts, k, ties == TieBreak.ROTATING ? t : 0, expert, probability, at);
      // Relative ones stay as they are, so that a token's bits do not depend on how it was chosen.
      for (int i = at; i < at + k && !relative; i++) {
        probability[i] /= sum;
      }
    }
    if (sums == null) {
      return 0;
    }
    for (int e = 0; e < experts; e++) {
      sums[e] += exponential[e] / sum;
    }
    double logSumExp = max + StrictMath.log(sum);
    return logSumExp * logSumExp;
  }

  private static void select(
      double[] row,
      double[] score,
      int experts,
      int k,
      int first,
      int[] index,
      double[] value,
      int at) {
    int start = first % experts;
    int size = Selection.addBest(score, start, experts, k, 0, index, value, at);
    Selection.addBest(score, 0, start, k, size, index, value, at);
    if (k > 0 && value[at + k - 1] == 0) {
      // Masked and underflowed experts both score 0; masked ones come after all others.
      for (int e = 0; e < experts; e++) {
        if (row[e] == Double.NEGATIVE_INFINITY) {
          score[e] = -1;
        }
      }
      size = Selection.addBest(score, start, experts, k, 0, index, value, at);
      Selection.addBest(score, 0, start, k, size, index, value, at);
      for (int i = at; i < at + k; i++) {
        value[i] = Math.max(0, value[i]);
      }
      for (int e = 0; e < experts; e++) {
        score[e] = Math.max(0, score[e]);
      }
    }
  }

  /**
   * Asks the rule for slots per expert, counting the demand of the given entries if it reads it.
   */
  static int capacity(
      CapacityRule rule,
      Workspace work,
      int tokens,
      int experts,
      int choicesPerToken,
      int[] expert,
      int entries) {
    int demand = 0;
    if (rule.readsDemand()) {
      int[] count = work.ints(COUNT, experts);
      countChoices(expert, 0, entries, experts, count);
      demand = largest(count, experts);
    }
    return rule.slots(tokens, experts, choicesPerToken, demand);
  }

  static int largest(int[] count, int experts) {
    int largest = 0;
    for (int e = 0; e < experts; e++) {
      largest = Math.max(largest, count[e]);
    }
    return largest;
  }

  /** Counts entries per expert, skipping those without one. */
  static void countChoices(int[] expert, int from, int to, int experts, int[] count) {
    Arrays.fill(count, 0, experts, 0);
    for (int i = from; i < to; i++) {
      if (expert[i] >= 0) {
        count[expert[i]]++;
      }
    }
  }

  /** Lists the tokens that are not padding in processing order and returns how many there are. */
  static int order(
      RouterInput in, Workspace work, FillOrder order, int k, double[] probability, int[] index) {
    int count = 0;
    for (int t = 0; t < in.tokens(); t++) {
      if (!in.isPadding(t)) {
        index[count++] = t;
      }
    }
    if (order != FillOrder.TOKEN) {
      double[] key = work.doubles(KEY, in.tokens());
      priorities(in, order, k, probability, key);
      Selection.sortDescending(index, 0, count, key, work.ints(SORT, count));
    }
    return count;
  }

  /** Writes the priority of every token; {@code TOKEN} order gets the same as PRIORITY_MAX. */
  static void priorities(
      RouterInput in, FillOrder order, int k, double[] probability, double[] key) {
    for (int t = 0; t < in.tokens(); t++) {
      double priority = 0;
      if (!in.isPadding(t) && k > 0) {
        priority = probability[t * k];
        for (int i = 1; i < k && order == FillOrder.PRIORITY_SUM; i++) {
          priority += probability[t * k + i];
        }
        if (order == FillOrder.PRIORITY_SUM
            && (k == in.experts() || probability[t * k + k - 1] == 0)) {
          // Nothing is left out: the sum is 1, and how it rounds must not rank tokens.
          priority = 1;
        }
      }
      key[t] = priority;
    }
  }

  /** Fills slots choice-major in the given order; {@code used} counts slots per expert. */
  static void fill(
      int[] order, int count, int k, int[] expert, int capacity, int[] used, int[] slot) {
    for (int i = 0; i < k; i++) {
      for (int n = 0; n < count; n++) {
        int entry = order[n] * k + i;
        int e = expert[entry];
        int next = used[e];
        if (next < capacity) {
          slot[entry] = next;
          used[e] = next + 1;
        } else {
          slot[entry] = DROPPED_CAPACITY;
        }
      }
    }
  }

  /** The same in token order without padding, which needs no list. */
  static void fillInTokenOrder(
      int tokens, int k, int[] expert, int capacity, int[] used, int[] slot) {
    for (int i = 0; i < k; i++) {
      for (int entry = i; entry < tokens * k; entry += k) {
        int e = expert[entry];
        int next = used[e];
        if (next < capacity) {
          slot[entry] = next;
          used[e] = next + 1;
        } else {
          slot[entry] = DROPPED_CAPACITY;
        }
      }
    }
  }

  /**
   * Routes the usual way: softmax, best k, choice-major filling. Returns the sum of squared
   * log-sum-exps if {@code sums} is given. Leaves choices and slots in the workspace.
   */
  static double route(
      RouterInput in,
      ExpertAssignments out,
      int k,
      CapacityRule rule,
      FillOrder order,
      GateNormalisation gates,
      TieBreak ties,
      double scale,
      double @Nullable [] sums) {
    Workspace work = out.workspace();
    int tokens = in.tokens();
    int experts = in.experts();
    int entries = Math.multiplyExact(tokens, k);
    int[] expert = work.ints(EXPERT, entries);
    double[] probability = work.doubles(PROBABILITY, entries);
    boolean relative = gates != GateNormalisation.NONE && order == FillOrder.TOKEN;
    double squares =
        choose(in, work, 0, tokens, k, ties, false, relative, expert, probability, sums);
    int capacity = capacity(rule, work, tokens, experts, k, expert, entries);
    out.begin(in, capacity, 1);
    if (capacity == CapacityRule.UNLIMITED_SLOTS) {
      out.reserve(entries, 0);
      writeAll(out, tokens, k, expert, probability, gates, scale);
    } else {
      int[] slot = work.ints(SLOT, entries);
      int[] used = work.ints(COUNT, experts);
      Arrays.fill(used, 0, experts, 0);
      if (order == FillOrder.TOKEN && in.realTokens() == tokens) {
        fillInTokenOrder(tokens, k, expert, capacity, used, slot);
      } else {
        int[] index = work.ints(ORDER, tokens);
        int count = order(in, work, order, k, probability, index);
        fill(index, count, k, expert, capacity, used, slot);
      }
      // Any of the pairs may be dropped in some later call: make room for the worst case once.
      out.reserve(entries, entries);
      write(out, tokens, k, expert, slot, probability, gates, scale);
    }
    out.end();
    return squares;
  }

  private static void writeAll(
      ExpertAssignments out,
      int tokens,
      int k,
      int[] expert,
      double[] probability,
      GateNormalisation gates,
      double scale) {
    for (int t = 0; t < tokens; t++) {
      int at = t * k;
      if (k == 0 || expert[at] == NONE) {
        continue;
      }
      double divisor = 1;
      if (gates != GateNormalisation.NONE) {
        divisor = 0;
        for (int i = at; i < at + k; i++) {
          divisor += probability[i];
        }
      }
      for (int i = at; i < at + k; i++) {
        out.assign(
            t,
            i - at,
            expert[i],
            ExpertAssignments.NO_SLOT,
            divisor > 0 ? probability[i] / divisor * scale : 0);
      }
    }
  }

  /** Writes assignments and drops according to the slots; entries without an expert are skipped. */
  static void write(
      ExpertAssignments out,
      int tokens,
      int k,
      int[] expert,
      int[] slot,
      double[] probability,
      GateNormalisation gates,
      double scale) {
    for (int t = 0; t < tokens; t++) {
      int at = t * k;
      double divisor = 1;
      if (gates != GateNormalisation.NONE) {
        divisor = 0;
        for (int i = at; i < at + k; i++) {
          if (expert[i] != NONE
              && (gates == GateNormalisation.CHOSEN || slot[i] >= ExpertAssignments.NO_SLOT)) {
            divisor += probability[i];
          }
        }
      }
      for (int i = at; i < at + k; i++) {
        if (expert[i] == NONE) {
          continue;
        }
        if (slot[i] >= ExpertAssignments.NO_SLOT) {
          out.assign(
              t, i - at, expert[i], slot[i], divisor > 0 ? probability[i] / divisor * scale : 0);
        } else {
          out.drop(t, i - at, expert[i], reason(slot[i]));
        }
      }
    }
  }

  private static DropReason reason(int slot) {
    return switch (slot) {
      case DROPPED_CAPACITY -> DropReason.CAPACITY;
      case DROPPED_RANDOM -> DropReason.RANDOM;
      case DROPPED_DEVICE_BUDGET -> DropReason.DEVICE_BUDGET;
      case DROPPED_PRIORITY -> DropReason.PRIORITY;
      default -> throw new AssertionError("slot " + slot);
    };
  }

  /** Borrows an array of probability sums, cleared, or returns null if no loss is asked for. */
  static double @Nullable [] sumsIfAsked(RouterInput in, ExpertAssignments out) {
    return switch (out.signalLevel()) {
      case NONE -> null;
      case LOSSES, ALL -> {
        double[] sums = out.workspace().doubles(PROBABILITY_SUM, in.experts());
        Arrays.fill(sums, 0, in.experts(), 0);
        yield sums;
      }
    };
  }
}
