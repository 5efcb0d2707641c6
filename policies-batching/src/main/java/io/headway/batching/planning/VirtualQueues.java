package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Judges and finds orders of request groups in the virtual queues of instances.
 *
 * <p>The completion of a group is the sum of the times of all groups up to it in its queue, plus
 * {@code swapSeconds} for every change of model on the way, the model held at first included; its
 * penalty is {@code completion - slo}, a penalty above 0 a violation. (The published artifact
 * neither accumulates swaps nor allows empty slots; both are as the paper means them here.)
 * Immutable and thread-safe.
 *
 * <p>Source: QLM, SoCC 2024, arXiv 2407.00047, and github.com/QLM-project/QLM; the waiting-time
 * estimator from secondary descriptions.
 *
 * @param groups the groups; plans name them by index
 * @param heldModels the model each instance holds at first
 * @param swapSeconds time of a model swap, at least 0
 */
public record VirtualQueues(
    List<RequestGroup> groups, List<String> heldModels, double swapSeconds) {
  /** A search over more groups would not end in useful time. */
  public static final int MAX_EXHAUSTIVE_GROUPS = 8;

  // Sums of decimals: a completion this close to its objective meets it.
  private static final double EPSILON = 1e-9;

  public VirtualQueues {
    groups = List.copyOf(groups);
    heldModels = List.copyOf(heldModels);
    Arguments.notNegative("swapSeconds", swapSeconds, "s");
  }

  /** What a plan is worth. Immutable. */
  public static final class Worth {
    private final double[] completionSeconds;
    private final int violations;
    private final double penaltySeconds;

    private Worth(double[] completionSeconds, int violations, double penaltySeconds) {
      this.completionSeconds = completionSeconds;
      this.violations = violations;
      this.penaltySeconds = penaltySeconds;
    }

    /**
     * Returns when each group completes.
     *
     * @return seconds by group, NaN for a group in no queue; not to be changed
     */
    public double[] completionSeconds() {
      return completionSeconds;
    }

    /**
     * Returns how many groups miss their objective.
     *
     * @return groups whose penalty is above 0
     */
    public int violations() {
      return violations;
    }

    /**
     * Returns the sum of the penalties.
     *
     * @return seconds, negative ones included
     */
    public double penaltySeconds() {
      return penaltySeconds;
    }

    private boolean beats(Worth other) {
      return violations != other.violations
          ? violations < other.violations
          : penaltySeconds < other.penaltySeconds - EPSILON;
    }
  }

  /**
   * Judges a plan.
   *
   * @param queues group indices by instance, in order
   * @return its worth
   */
  public Worth worth(int[][] queues) {
    double[] completion = new double[groups.size()];
    Arrays.fill(completion, Double.NaN);
    int violations = 0;
    double penalty = 0;
    for (int w = 0; w < queues.length; w++) {
      double time = 0;
      String held = heldModels.get(w);
      for (int group : queues[w]) {
        RequestGroup next = groups.get(group);
        time += (next.model().equals(held) ? 0 : swapSeconds) + next.seconds();
        held = next.model();
        completion[group] = time;
        penalty += time - next.sloSeconds();
        violations += time - next.sloSeconds() > EPSILON ? 1 : 0;
      }
    }
    return new Worth(completion, violations, penalty);
  }

  /**
   * Sorts every queue by (SLO, index): earliest deadline first, which has the least greatest
   * lateness of one queue when no swaps occur.
   *
   * @param queues group indices by instance
   * @return sorted copies
   */
  public int[][] earliestDeadline(int[][] queues) {
    int[][] sorted = new int[queues.length][];
    for (int w = 0; w < queues.length; w++) {
      sorted[w] =
          Arrays.stream(queues[w])
              .boxed()
              .sorted(
                  (a, b) -> {
                    int bySlo =
                        Double.compare(groups.get(a).sloSeconds(), groups.get(b).sloSeconds());
                    return bySlo != 0 ? bySlo : Integer.compare(a, b);
                  })
              .mapToInt(i -> i)
              .toArray();
    }
    return sorted;
  }

  /** The best plan. Immutable. */
  public static final class Best {
    private final int[][] queues;
    private final Worth worth;
    private final boolean unique;

    private Best(int[][] queues, Worth worth, boolean unique) {
      this.queues = queues;
      this.worth = worth;
      this.unique = unique;
    }

    /**
     * Returns the plan.
     *
     * @return group indices by instance; not to be changed
     */
    public int[][] queues() {
      return queues;
    }

    /**
     * Returns what it is worth.
     *
     * @return its worth
     */
    public Worth worth() {
      return worth;
    }

    /**
     * Returns whether no other plan has the same worth.
     *
     * @return true if it is the only best one
     */
    public boolean unique() {
      return unique;
    }
  }

  /**
   * Finds the plan with the fewest violations, then the least penalty, over all assignments and
   * orders; queues may be empty. It has no violation whenever any plan has none. Exponential.
   *
   * @return the first best plan found
   * @throws IllegalArgumentException for more than {@value #MAX_EXHAUSTIVE_GROUPS} groups
   */
  public Best best() {
    if (groups.size() > MAX_EXHAUSTIVE_GROUPS) {
      throw new IllegalArgumentException(
          "groups must be at most "
              + MAX_EXHAUSTIVE_GROUPS
              + " for an exhaustive search, but were "
              + groups.size());
    }
    Search search = new Search();
    search.place(0, (1 << groups.size()) - 1);
    return requireNonNull(search.best);
  }

  private final class Search {
    private final List<List<Integer>> queues = new ArrayList<>();
    private @Nullable Best best;

    Search() {
      for (int w = 0; w < heldModels.size(); w++) {
        queues.add(new ArrayList<>());
      }
    }

    /** Goes on with the queue of one instance: closes it, or appends any of those left. */
    void place(int instance, int left) {
      if (left == 0) {
        take();
        return;
      }
      if (instance + 1 < queues.size()) {
        place(instance + 1, left);
      }
      for (int group = 0; group < groups.size(); group++) {
        if ((left >> group & 1) != 0) {
          List<Integer> queue = queues.get(instance);
          queue.add(group);
          place(instance, left & ~(1 << group));
          queue.remove(queue.size() - 1);
        }
      }
    }

    private void take() {
      int[][] plan = new int[queues.size()][];
      for (int w = 0; w < plan.length; w++) {
        plan[w] = queues.get(w).stream().mapToInt(i -> i).toArray();
      }
      Worth worth = worth(plan);
      if (best == null || worth.beats(best.worth())) {
        best = new Best(plan, worth, true);
      } else if (!best.worth().beats(worth)) {
        best = new Best(best.queues(), best.worth(), false);
      }
    }
  }

  /**
   * How long a request waits.
   *
   * @param meanSeconds {@code k * mu / Theta}
   * @param deviationSeconds {@code sqrt(k) * sigma / Theta}
   * @param boundSeconds {@code mean + z * deviation}
   */
  public record Waiting(double meanSeconds, double deviationSeconds, double boundSeconds) {}

  /**
   * Estimates the waiting time of a request by the central limit theorem; too high for few requests
   * ahead, too low for outputs far above the mean.
   *
   * @param requestsAhead k, at least 0
   * @param meanTokens mu, output tokens of one
   * @param deviationTokens sigma
   * @param tokensPerSecond Theta, above 0
   * @param z standard deviations above the mean; 1.645 for 95 %
   * @return the estimate
   */
  public static Waiting waiting(
      int requestsAhead,
      double meanTokens,
      double deviationTokens,
      double tokensPerSecond,
      double z) {
    Arguments.atLeast("requestsAhead", requestsAhead, 0, "requests");
    Arguments.positive("tokensPerSecond", tokensPerSecond, "tokens/s");
    double mean = requestsAhead * meanTokens / tokensPerSecond;
    double deviation = Math.sqrt(requestsAhead) * deviationTokens / tokensPerSecond;
    return new Waiting(mean, deviation, mean + z * deviation);
  }
}
