package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Judges a plan, an ordered partition of jobs into static batches, by {@code G = n / t}: {@code n}
 * jobs that meet their objective over {@code t}, the sum of all end-to-end times.
 *
 * <p>With {@code b} the size of a job's batch: {@code exec = prefill(b, input) + sum over l = input
 * + 1 .. input + output of decode(b, l)}; the wait of a batch is the sum over earlier batches of
 * their longest {@code exec}; {@code e2e = wait + exec}, {@code TTFT = wait + prefill}, {@code TPOT
 * = decode / output}. A time equal to its objective meets it. Immutable and thread-safe.
 *
 * <p>Source: SLO-aware scheduling by simulated annealing, arXiv 2504.14966.
 */
public final class SloSchedule {
  // Times and objectives are sums of decimals; what differs by less is equal.
  private static final double EPSILON = 1e-9;
  private static final double TIE = 1e-12;

  /** An exhaustive search over more jobs than this would not end in useful time. */
  public static final int MAX_EXHAUSTIVE_JOBS = 9;

  private final List<SloJob> jobs;
  private final LatencySurface prefill;
  private final LatencySurface decode;

  /**
   * Makes a judge of plans.
   *
   * @param jobs the jobs; plans name them by index
   * @param prefill time of a prefill
   * @param decode time of a decode iteration
   */
  public SloSchedule(List<SloJob> jobs, LatencySurface prefill, LatencySurface decode) {
    this.jobs = List.copyOf(jobs);
    this.prefill = requireNonNull(prefill, "prefill");
    this.decode = requireNonNull(decode, "decode");
  }

  /**
   * The worth of a plan.
   *
   * @param metCount jobs that meet their objective
   * @param totalSeconds sum of all end-to-end times
   */
  public record Worth(int metCount, double totalSeconds) {
    /**
     * Returns G.
     *
     * @return met jobs per second of end-to-end time; 0 without jobs
     */
    public double objective() {
      return totalSeconds == 0 ? 0 : metCount / totalSeconds;
    }
  }

  /** A plan and its worth. Immutable. */
  public static final class Plan {
    private final int[][] batches;
    private final Worth worth;

    Plan(int[][] batches, Worth worth) {
      this.batches = batches;
      this.worth = worth;
    }

    /**
     * Returns the batches.
     *
     * @return job indices by batch, in order; not to be changed
     */
    public int[][] batches() {
      return batches;
    }

    /**
     * Returns what the plan is worth.
     *
     * @return its worth
     */
    public Worth worth() {
      return worth;
    }
  }

  /**
   * Returns the jobs.
   *
   * @return an unmodifiable list
   */
  public List<SloJob> jobs() {
    return jobs;
  }

  /**
   * Returns the prefill time of a job.
   *
   * @param job its index
   * @param batchSize members of its batch
   * @return seconds
   */
  public double prefillSeconds(int job, int batchSize) {
    return prefill.seconds(batchSize, jobs.get(job).inputTokens());
  }

  /**
   * Returns the decode time of a job.
   *
   * @param job its index
   * @param batchSize members of its batch
   * @return seconds for all its output tokens
   */
  public double decodeSeconds(int job, int batchSize) {
    SloJob j = jobs.get(job);
    return decode.sumSeconds(batchSize, j.inputTokens(), j.outputTokens());
  }

  /**
   * Returns whether a job meets its objective.
   *
   * @param job its index
   * @param batchSize members of its batch
   * @param waitSeconds time until its batch starts
   * @return true if it does
   */
  public boolean meets(int job, int batchSize, double waitSeconds) {
    SloJob j = jobs.get(job);
    double first = waitSeconds + prefillSeconds(job, batchSize);
    double decodes = decodeSeconds(job, batchSize);
    return j.endToEnd()
        ? first + decodes <= j.endToEndSloSeconds() + EPSILON
        : first <= j.firstTokenSloSeconds() + EPSILON
            && decodes / j.outputTokens() <= j.perTokenSloSeconds() + EPSILON;
  }

  /**
   * Judges a plan. O(jobs).
   *
   * @param batches job indices by batch
   * @param sizes how many of each row count; the batch sizes
   * @param count how many batches
   * @return its worth
   */
  public Worth worth(int[][] batches, int[] sizes, int count) {
    double wait = 0;
    double total = 0;
    int met = 0;
    for (int k = 0; k < count; k++) {
      int size = sizes[k];
      double longest = 0;
      for (int i = 0; i < size; i++) {
        int job = batches[k][i];
        double exec = prefillSeconds(job, size) + decodeSeconds(job, size);
        longest = Math.max(longest, exec);
        total += wait + exec;
        met += meets(job, size, wait) ? 1 : 0;
      }
      wait += longest;
    }
    return new Worth(met, total);
  }

  /**
   * Judges a plan.
   *
   * @param batches job indices by batch
   * @return its worth
   */
  public Worth worth(int[][] batches) {
    int[] sizes = new int[batches.length];
    for (int k = 0; k < sizes.length; k++) {
      sizes[k] = batches[k].length;
    }
    return worth(batches, sizes, sizes.length);
  }

  /**
   * Returns the jobs in order of arrival, cut into batches.
   *
   * @param maxBatch most jobs of a batch, at least 1
   * @return the plan
   */
  public Plan firstCome(int maxBatch) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < jobs.size(); i++) {
      order.add(i);
    }
    return cut(order, maxBatch);
  }

  /**
   * Returns the jobs by ascending {@code exec} at full batches, ties in order of arrival, cut into
   * batches.
   *
   * @param maxBatch most jobs of a batch, at least 1
   * @return the plan
   */
  public Plan ascending(int maxBatch) {
    List<Integer> order = new ArrayList<>();
    double[] exec = new double[jobs.size()];
    for (int i = 0; i < exec.length; i++) {
      order.add(i);
      exec[i] = prefillSeconds(i, maxBatch) + decodeSeconds(i, maxBatch);
    }
    order.sort((a, b) -> Double.compare(exec[a], exec[b]));
    return cut(order, maxBatch);
  }

  private Plan cut(List<Integer> order, int maxBatch) {
    int[][] batches = new int[(order.size() + maxBatch - 1) / maxBatch][];
    for (int k = 0; k < batches.length; k++) {
      int to = Math.min(order.size(), (k + 1) * maxBatch);
      batches[k] = order.subList(k * maxBatch, to).stream().mapToInt(i -> i).toArray();
    }
    return new Plan(batches, worth(batches));
  }

  /**
   * Finds the plan with the greatest G of all ordered partitions, for small cases and tests.
   *
   * @param maxBatch most jobs of a batch, at least 1
   * @return the first best plan found and whether no other has the same G
   * @throws IllegalArgumentException for more than {@value #MAX_EXHAUSTIVE_JOBS} jobs
   */
  public Best best(int maxBatch) {
    if (jobs.size() > MAX_EXHAUSTIVE_JOBS) {
      throw new IllegalArgumentException(
          "jobs must be at most "
              + MAX_EXHAUSTIVE_JOBS
              + " for an exhaustive search, but were "
              + jobs.size());
    }
    Search search = new Search(maxBatch);
    search.from((1 << jobs.size()) - 1, 0);
    Plan best = search.best == null ? new Plan(new int[0][], new Worth(0, 0)) : search.best;
    return new Best(best, search.ties == 1);
  }

  /**
   * The best plan.
   *
   * @param plan one with the greatest G
   * @param unique whether it is the only one, the order inside a batch apart
   */
  public record Best(Plan plan, boolean unique) {}

  private final class Search {
    private final int maxBatch;
    private final List<int[]> path = new ArrayList<>();
    private @Nullable Plan best;
    private int ties;

    Search(int maxBatch) {
      this.maxBatch = maxBatch;
    }

    void from(int left, int depth) {
      if (left == 0) {
        take();
        return;
      }
      for (int batch = left; batch > 0; batch = (batch - 1) & left) {
        if (Integer.bitCount(batch) <= maxBatch) {
          path.add(members(batch));
          from(left & ~batch, depth + 1);
          path.remove(path.size() - 1);
        }
      }
    }

    private int[] members(int batch) {
      int[] members = new int[Integer.bitCount(batch)];
      int size = 0;
      for (int job = 0; job < jobs.size(); job++) {
        if ((batch >> job & 1) != 0) {
          members[size++] = job;
        }
      }
      return members;
    }

    private void take() {
      int[][] batches = path.toArray(new int[0][]);
      Worth worth = worth(batches);
      double than = best == null ? -1 : best.worth().objective();
      double margin = TIE * Math.max(1, Math.abs(than));
      if (worth.objective() > than + margin) {
        best = new Plan(batches, worth);
        ties = 1;
      } else if (worth.objective() >= than - margin) {
        ties++;
      }
    }
  }
}
