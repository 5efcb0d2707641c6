package io.headway.batching.order;

import java.util.Arrays;

/**
 * Returns when a sequence will probably run next: FastServe's estimated next scheduling time, the
 * earlier of its promotion and of the moment when every sequence of a higher level has been demoted
 * to its own. Whose KV is needed last should be in host memory first.
 *
 * <p>{@code ENST(i) = min(promote(i), execute(i))}; {@code promote(i) = alpha - (now - lastRun_i)};
 * {@code execute(i) = 1/B * sum over j above i of (q_level(j) + .. + q_(level(i)-1))}. O(levels).
 * Stateless.
 *
 * <p>Source: Wu et al., Fast Distributed Inference Serving for Large Language Models, arXiv
 * 2305.05920.
 */
public final class NextScheduling {
  private NextScheduling() {}

  /**
   * Returns when a sequence is promoted.
   *
   * @param promotionSeconds alpha; infinite if there is no promotion
   * @param sinceLastRunSeconds time since it ran
   * @return seconds from now; may be negative
   */
  public static double promoteSeconds(double promotionSeconds, double sinceLastRunSeconds) {
    return promotionSeconds - sinceLastRunSeconds;
  }

  /**
   * Returns how long it takes until everybody of a higher level has come down.
   *
   * @param quanta the levels
   * @param jobsPerLevel live sequences of each level; entry 0 is not read
   * @param level the level of the sequence asked for
   * @param slots B, sequences of one batch, at least 1
   * @return seconds from now, at least 0
   */
  public static double executeSeconds(Quanta quanta, int[] jobsPerLevel, int level, int slots) {
    double total = 0;
    double come = 0;
    for (int above = level - 1; above >= 1; above--) {
      come += quanta.nanos(above);
      total += jobsPerLevel[above] * come;
    }
    return total / slots / 1e9;
  }

  /**
   * Decides which KV moves between device and host in one iteration, as the paper does: whoever
   * runs last goes out until there is room; only if nobody had to, those that run first come back
   * while the reserve stays free. Composition {@code preemptive} takes the same steps one by one.
   *
   * @param seconds estimated next scheduling time of each job
   * @param ids their ids; of two equal times the greater id goes out first and comes back last
   * @param blocks what each holds
   * @param onDevice where each is; changed to where it is afterwards
   * @param freeBlocks device blocks free before
   * @param neededBlocks blocks that this iteration needs
   * @param reserveBlocks blocks to keep free beyond that
   * @return the jobs moved, in order: all out or all in
   */
  public static int[] swaps(
      double[] seconds,
      String[] ids,
      int[] blocks,
      boolean[] onDevice,
      int freeBlocks,
      int neededBlocks,
      int reserveBlocks) {
    int[] moved = new int[ids.length];
    int count = 0;
    int free = freeBlocks;
    while (free < neededBlocks) {
      int last = extreme(seconds, ids, onDevice, true);
      if (last < 0) {
        break;
      }
      onDevice[last] = false;
      free += blocks[last];
      moved[count++] = last;
    }
    if (count == 0) {
      int first = extreme(seconds, ids, onDevice, false);
      while (first >= 0 && free - blocks[first] >= neededBlocks + reserveBlocks) {
        onDevice[first] = true;
        free -= blocks[first];
        moved[count++] = first;
        first = extreme(seconds, ids, onDevice, false);
      }
    }
    return Arrays.copyOf(moved, count);
  }

  /** The job on the device that runs last, or the one on the host that runs first; -1 for none. */
  private static int extreme(double[] seconds, String[] ids, boolean[] onDevice, boolean last) {
    int best = -1;
    for (int i = 0; i < ids.length; i++) {
      if (onDevice[i] == last) {
        int later = best < 0 ? 0 : Double.compare(seconds[i], seconds[best]);
        if (best >= 0 && later == 0) {
          later = ids[i].compareTo(ids[best]);
        }
        if (best < 0 || (last ? later > 0 : later < 0)) {
          best = i;
        }
      }
    }
    return best;
  }
}
