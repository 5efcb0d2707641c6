package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.PeakTokens;
import java.util.Arrays;

/**
 * Runs an order as a list schedule in rounds: at each round the next request starts as long as the
 * whole future fits; one that does not fit blocks those behind it. A request started at round
 * {@code k} holds {@code prompt + (t - k)} tokens at round {@code t} for {@code k < t <= k +
 * output} and completes at {@code k + output}. For planning and tests; the engine's own test is
 * {@link io.headway.batching.admission.FutureFitAdmission}.
 */
public final class ListSchedule {
  private ListSchedule() {}

  /**
   * Returns when each request starts.
   *
   * @param promptTokens prompts
   * @param outputTokens outputs, at least 1
   * @param memoryTokens memory
   * @param order a permutation of the requests
   * @return rounds by request
   * @throws IllegalArgumentException if a request alone does not fit
   */
  public static int[] starts(
      int[] promptTokens, int[] outputTokens, long memoryTokens, int[] order) {
    int[] start = new int[requireNonNull(order, "order").length];
    Arrays.fill(start, -1);
    PeakTokens peak = new PeakTokens();
    int round = 0;
    int next = 0;
    while (next < order.length) {
      int candidate = order[next];
      peak.clear();
      peak.add(promptTokens[candidate], outputTokens[candidate]);
      boolean alone = true;
      for (int i = 0; i < next; i++) {
        int running = order[i];
        int ran = round - start[running];
        if (ran < outputTokens[running]) {
          peak.add(promptTokens[running] + ran, outputTokens[running] - ran);
          alone = false;
        }
      }
      if (peak.peakTokens() <= memoryTokens) {
        start[candidate] = round;
        next++;
      } else if (alone) {
        throw new IllegalArgumentException(
            "every request must fit into "
                + memoryTokens
                + " tokens alone, but one of "
                + promptTokens[candidate]
                + " + "
                + outputTokens[candidate]
                + " does not");
      } else {
        round++;
      }
    }
    return start;
  }

  /**
   * Returns the sum of the completion times.
   *
   * @param start from {@link #starts}
   * @param outputTokens outputs
   * @return rounds
   */
  public static long totalCompletion(int[] start, int[] outputTokens) {
    long total = 0;
    for (int i = 0; i < start.length; i++) {
      total += (long) start[i] + outputTokens[i];
    }
    return total;
  }

  /**
   * Returns the least sum of completion times of any order, by trying all of them.
   *
   * @param promptTokens prompts of at most 9 requests
   * @param outputTokens outputs, at least 1
   * @param memoryTokens memory
   * @return rounds; 0 for no requests
   * @throws IllegalArgumentException for more requests, or if one alone does not fit
   */
  public static long bestTotalCompletion(
      int[] promptTokens, int[] outputTokens, long memoryTokens) {
    if (promptTokens.length > SloSchedule.MAX_EXHAUSTIVE_JOBS) {
      throw new IllegalArgumentException(
          "requests must be at most "
              + SloSchedule.MAX_EXHAUSTIVE_JOBS
              + " to try all orders, but were "
              + promptTokens.length);
    }
    int[] order = new int[promptTokens.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    return best(promptTokens, outputTokens, memoryTokens, order, 0);
  }

  private static long best(int[] prompts, int[] outputs, long memory, int[] order, int fixed) {
    if (fixed == order.length) {
      return totalCompletion(starts(prompts, outputs, memory, order), outputs);
    }
    long best = Long.MAX_VALUE;
    for (int i = fixed; i < order.length; i++) {
      swap(order, fixed, i);
      best = Math.min(best, best(prompts, outputs, memory, order, fixed + 1));
      swap(order, fixed, i);
    }
    return best;
  }

  private static void swap(int[] order, int a, int b) {
    int kept = order[a];
    order[a] = order[b];
    order[b] = kept;
  }
}
