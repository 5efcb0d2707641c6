package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.PeakTokens;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds the least total end-to-end latency that any non-preemptive schedule of known requests can
 * reach: the yardstick of MC-SF, for small cases.
 *
 * <p>Model of rounds: a request may start at any round from its arrival on, holds {@code prompt +
 * (t - start)} tokens at round {@code t} for {@code start < t <= start + output}, and completes at
 * {@code start + output}; what all hold never exceeds the memory; minimised is {@code sum
 * (completion - arrival)}. This is the integer program of the paper, solved by branch and bound:
 * round by round every subset of the waiting requests is started, none included, since waiting can
 * pay without any event. A branch is cut where its cost plus a lower bound reaches the best one
 * known, {@code k}-th completion at least the {@code k}-th least of {@code max(now, arrival) +
 * output} and at least {@code now + } the {@code k} least memory-time areas over the memory; states
 * seen at no higher cost before are cut, too. Exponential; refuses more than {@value #MAX_REQUESTS}
 * requests.
 *
 * <p>Source: arXiv 2502.07115.
 */
public final class HindsightOptimum {
  /** More would not end in useful time. */
  public static final int MAX_REQUESTS = 10;

  private HindsightOptimum() {}

  /**
   * Returns the optimum.
   *
   * @param arrivals first round in which each request may start, at least 0
   * @param promptTokens prompts
   * @param outputTokens outputs, at least 1
   * @param memoryTokens memory
   * @return the least total end-to-end latency in rounds; 0 for no requests
   * @throws IllegalArgumentException for more than {@value #MAX_REQUESTS} requests, or if one alone
   *     does not fit
   */
  public static long totalEndToEnd(
      int[] arrivals, int[] promptTokens, int[] outputTokens, long memoryTokens) {
    int n = requireNonNull(arrivals, "arrivals").length;
    if (n > MAX_REQUESTS) {
      throw new IllegalArgumentException(
          "requests must be at most " + MAX_REQUESTS + " for the optimum, but were " + n);
    }
    for (int i = 0; i < n; i++) {
      if ((long) promptTokens[i] + outputTokens[i] > memoryTokens) {
        throw new IllegalArgumentException(
            "every request must fit into "
                + memoryTokens
                + " tokens alone, but one of "
                + promptTokens[i]
                + " + "
                + outputTokens[i]
                + " does not");
      }
    }
    Search search = new Search(arrivals, promptTokens, outputTokens, memoryTokens);
    search.round(0, 0);
    return n == 0 ? 0 : search.best;
  }

  private static final class Search {
    private final int[] arrivals;
    private final int[] prompts;
    private final int[] outputs;
    private final long memory;
    private final int n;
    private final int[] start;
    private final PeakTokens peak = new PeakTokens();
    private final Map<String, Long> seen = new HashMap<>();
    private final long[] releases;
    private final long[] areas;
    private long best = Long.MAX_VALUE;

    Search(int[] arrivals, int[] prompts, int[] outputs, long memory) {
      this.arrivals = arrivals;
      this.prompts = prompts;
      this.outputs = outputs;
      this.memory = memory;
      n = arrivals.length;
      start = new int[n];
      Arrays.fill(start, -1);
      releases = new long[n];
      areas = new long[n];
    }

    /** Decides one round; the cost is that of all who have started. */
    void round(int now, long cost) {
      int left = 0;
      int nextArrival = Integer.MAX_VALUE;
      boolean anyWaits = false;
      for (int i = 0; i < n; i++) {
        if (start[i] < 0) {
          left++;
          if (arrivals[i] <= now) {
            anyWaits = true;
          } else {
            nextArrival = Math.min(nextArrival, arrivals[i]);
          }
        }
      }
      if (left == 0) {
        best = Math.min(best, cost);
        return;
      }
      if (cost + bound(now) >= best) {
        return;
      }
      String key = key(now);
      Long before = seen.get(key);
      if (before != null && before <= cost) {
        return;
      }
      seen.put(key, cost);
      if (!anyWaits) {
        round(nextArrival, cost);
      } else {
        choose(0, now, cost);
      }
    }

    /** Starts or passes over each waiting request, from the given one on. */
    private void choose(int from, int now, long cost) {
      int i = from;
      while (i < n && (start[i] >= 0 || arrivals[i] > now)) {
        i++;
      }
      if (i == n) {
        round(now + 1, cost);
        return;
      }
      start[i] = now;
      if (fits(now)) {
        choose(i + 1, now, cost + now + outputs[i] - arrivals[i]);
      }
      start[i] = -1;
      choose(i + 1, now, cost);
    }

    private boolean fits(int now) {
      peak.clear();
      for (int i = 0; i < n; i++) {
        int ran = now - start[i];
        if (start[i] >= 0 && ran < outputs[i]) {
          peak.add(prompts[i] + ran, outputs[i] - ran);
        }
      }
      return peak.peakTokens() <= memory;
    }

    /** At least what the requests that have not started will cost. */
    private long bound(int now) {
      int left = 0;
      long arrived = 0;
      for (int i = 0; i < n; i++) {
        if (start[i] < 0) {
          releases[left] = (long) Math.max(now, arrivals[i]) + outputs[i];
          areas[left++] = (long) prompts[i] * outputs[i] + (long) outputs[i] * (outputs[i] + 1) / 2;
          arrived += arrivals[i];
        }
      }
      Arrays.sort(releases, 0, left);
      Arrays.sort(areas, 0, left);
      long bound = 0;
      long area = 0;
      for (int k = 0; k < left; k++) {
        area += areas[k];
        bound += Math.max(releases[k], now + (area + memory - 1) / memory);
      }
      return bound - arrived;
    }

    /** The state: the round, and how long each has run; what is over counts alike. */
    private String key(int now) {
      StringBuilder key = new StringBuilder().append(now);
      for (int i = 0; i < n; i++) {
        int ran = start[i] < 0 ? -1 : Math.min(outputs[i], now - start[i]);
        key.append(',').append(ran);
      }
      return key.toString();
    }
  }
}
