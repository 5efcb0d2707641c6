package io.headway.simulator.workload;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;
import org.apache.commons.math3.stat.descriptive.moment.Mean;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;
import org.apache.commons.math3.stat.descriptive.rank.Percentile.EstimationType;

/**
 * Describes a workload in numbers: totals, moments, quantiles, correlation, arrival counts per
 * window and prefix sharing. What tests hold generators and readers to, and what reports print
 * about a trace.
 *
 * <p>Definitions: standard deviations are those of the population; a quantile at {@code q} is the
 * linear interpolation at position {@code (n-1) q} of the sorted values; windows start at the first
 * arrival, there are {@code floor(duration / window)} whole ones, and an arrival on the right edge
 * of the last whole window counts into it. Not thread-safe; nothing is cached.
 */
public final class WorkloadStatistics {
  private static final double NANOS_PER_SECOND = 1e9;

  private final Workload workload;

  /**
   * Describes a workload.
   *
   * @param workload what to describe
   */
  public WorkloadStatistics(Workload workload) {
    this.workload = workload;
  }

  /**
   * Returns the mean arrival rate, {@code (rows - 1) / duration}.
   *
   * @return requests per second; NaN with fewer than two rows
   */
  public double meanRatePerSecond() {
    return (workload.size() - 1) * NANOS_PER_SECOND / workload.durationNanos();
  }

  /**
   * Returns the tokens of all prompts.
   *
   * @return tokens
   */
  public long totalPromptTokens() {
    return total(workload.prompts());
  }

  /**
   * Returns the tokens of all outputs.
   *
   * @return tokens
   */
  public long totalOutputTokens() {
    return total(workload.outputs());
  }

  /**
   * Returns the mean prompt length.
   *
   * @return tokens
   */
  public double promptMean() {
    return new Mean().evaluate(doubles(workload.prompts()));
  }

  /**
   * Returns the standard deviation of the prompt length.
   *
   * @return tokens
   */
  public double promptSd() {
    return new StandardDeviation(false).evaluate(doubles(workload.prompts()));
  }

  /**
   * Returns the mean output length.
   *
   * @return tokens
   */
  public double outputMean() {
    return new Mean().evaluate(doubles(workload.outputs()));
  }

  /**
   * Returns the standard deviation of the output length.
   *
   * @return tokens
   */
  public double outputSd() {
    return new StandardDeviation(false).evaluate(doubles(workload.outputs()));
  }

  /**
   * Returns quantiles of the prompt length.
   *
   * @param probabilities each in 0..1
   * @return tokens, one per probability
   */
  public double[] promptQuantiles(double... probabilities) {
    return quantiles(doubles(workload.prompts()), probabilities);
  }

  /**
   * Returns quantiles of the output length.
   *
   * @param probabilities each in 0..1
   * @return tokens, one per probability
   */
  public double[] outputQuantiles(double... probabilities) {
    return quantiles(doubles(workload.outputs()), probabilities);
  }

  /**
   * Returns the output lengths of the requests whose prompts lie in a range.
   *
   * @param promptFrom shortest prompt, tokens
   * @param promptTo tokens that a prompt must stay below
   * @return output lengths in row order, tokens
   */
  public double[] outputsByPrompt(int promptFrom, int promptTo) {
    double[] outputs = new double[workload.size()];
    int count = 0;
    for (int row = 0; row < workload.size(); row++) {
      int prompt = workload.promptTokens(row);
      if (prompt >= promptFrom && prompt < promptTo) {
        outputs[count++] = workload.outputTokens(row);
      }
    }
    return Arrays.copyOf(outputs, count);
  }

  /**
   * Returns quantiles of the output length among the requests whose prompts lie in a range.
   *
   * @param promptFrom shortest prompt, tokens
   * @param promptTo tokens that a prompt must stay below
   * @param probabilities each in 0..1
   * @return tokens, one per probability; NaN if no prompt lies in the range
   */
  public double[] outputQuantilesByPrompt(int promptFrom, int promptTo, double... probabilities) {
    return quantiles(outputsByPrompt(promptFrom, promptTo), probabilities);
  }

  /**
   * Returns the mean gap between arrivals.
   *
   * @return seconds
   */
  public double interArrivalMeanSeconds() {
    return new Mean().evaluate(gapsSeconds());
  }

  /**
   * Returns the coefficient of variation of the gaps between arrivals.
   *
   * @return standard deviation over mean
   */
  public double interArrivalCv() {
    double[] gaps = gapsSeconds();
    return new StandardDeviation(false).evaluate(gaps) / new Mean().evaluate(gaps);
  }

  /**
   * Returns quantiles of the gaps between arrivals.
   *
   * @param probabilities each in 0..1
   * @return seconds, one per probability
   */
  public double[] interArrivalQuantilesSeconds(double... probabilities) {
    return quantiles(gapsSeconds(), probabilities);
  }

  /**
   * Returns the linear correlation of prompt and output length.
   *
   * @return Pearson's coefficient
   */
  public double pearson() {
    return new PearsonsCorrelation()
        .correlation(doubles(workload.prompts()), doubles(workload.outputs()));
  }

  /**
   * Returns the rank correlation of prompt and output length, with mid-ranks for ties.
   *
   * @return Spearman's coefficient
   */
  public double spearman() {
    return new SpearmansCorrelation()
        .correlation(doubles(workload.prompts()), doubles(workload.outputs()));
  }

  /**
   * Returns the linear correlation of {@code ln(1 + prompt)} and {@code ln(1 + output)}.
   *
   * @return Pearson's coefficient
   */
  public double pearsonLog1p() {
    double[] prompts = doubles(workload.prompts());
    double[] outputs = doubles(workload.outputs());
    for (int i = 0; i < prompts.length; i++) {
      prompts[i] = StrictMath.log1p(prompts[i]);
      outputs[i] = StrictMath.log1p(outputs[i]);
    }
    return new PearsonsCorrelation().correlation(prompts, outputs);
  }

  /**
   * Returns the share of prompts above a length.
   *
   * @param tokens the length
   * @return a share in 0..1
   */
  public double promptShareAbove(int tokens) {
    int count = 0;
    for (int row = 0; row < workload.size(); row++) {
      count += workload.promptTokens(row) > tokens ? 1 : 0;
    }
    return (double) count / workload.size();
  }

  /**
   * Returns how many requests arrive in each whole window.
   *
   * @param windowSeconds length of a window, seconds; above 0
   * @return counts of {@code floor(duration / window)} windows
   * @throws IllegalArgumentException if the length is not positive
   */
  public int[] windowCounts(double windowSeconds) {
    return windowCounts(
        windowSeconds, (int) (workload.durationNanos() / windowNanos(windowSeconds)));
  }

  /**
   * Returns how many requests arrive in each of the first windows, the last of which may reach
   * beyond the end of the workload.
   *
   * @param windowSeconds length of a window, seconds; above 0
   * @param windows how many windows, at least 0
   * @return counts
   * @throws IllegalArgumentException if the length is not positive or the number negative
   */
  public int[] windowCounts(double windowSeconds, int windows) {
    long width = windowNanos(windowSeconds);
    if (windows < 0) {
      throw new IllegalArgumentException("windows must be at least 0, but was " + windows);
    }
    int[] counts = new int[windows];
    for (int row = 0; row < workload.size(); row++) {
      long offset = workload.arrivalNanos(row) - workload.arrivalNanos(0);
      long window = offset / width;
      if (window == windows && offset == width * windows) {
        window--;
      }
      if (window >= 0 && window < windows) {
        counts[(int) window]++;
      }
    }
    return counts;
  }

  /**
   * Returns the largest count of {@link #windowCounts(double)}.
   *
   * @param windowSeconds length of a window, seconds; above 0
   * @return requests
   */
  public int windowMax(double windowSeconds) {
    return Arrays.stream(windowCounts(windowSeconds)).max().orElse(0);
  }

  /**
   * Returns the dispersion of {@link #windowCounts(double)}: variance over mean, 1 for a Poisson
   * process.
   *
   * @param windowSeconds length of a window, seconds; above 0
   * @return the index of dispersion
   */
  public double windowVarianceToMean(double windowSeconds) {
    double[] counts = doubles(windowCounts(windowSeconds));
    double sd = new StandardDeviation(false).evaluate(counts);
    return sd * sd / new Mean().evaluate(counts);
  }

  /**
   * Returns the share of windows without an arrival.
   *
   * @param windowSeconds length of a window, seconds; above 0
   * @return a share in 0..1
   */
  public double windowEmptyShare(double windowSeconds) {
    int[] counts = windowCounts(windowSeconds);
    long empty = Arrays.stream(counts).filter(count -> count == 0).count();
    return (double) empty / counts.length;
  }

  /**
   * Returns the lag-1 autocorrelation of the counts per window, {@code sum d_i d_(i+1) / sum d_i^2}
   * of the centred counts.
   *
   * @param windowSeconds length of a window, seconds; above 0
   * @return a coefficient in -1..1
   */
  public double windowLag1(double windowSeconds) {
    double[] counts = doubles(windowCounts(windowSeconds));
    double mean = new Mean().evaluate(counts);
    double products = 0;
    double squares = 0;
    for (int i = 0; i < counts.length; i++) {
      double deviation = counts[i] - mean;
      squares += deviation * deviation;
      if (i + 1 < counts.length) {
        products += deviation * (counts[i + 1] - mean);
      }
    }
    return products / squares;
  }

  /**
   * Returns how many different arrival times there are.
   *
   * @return the number of distinct arrivals
   */
  public int distinctTimestamps() {
    int distinct = 0;
    for (int row = 0; row < workload.size(); row++) {
      boolean repeated = row > 0 && workload.arrivalNanos(row) == workload.arrivalNanos(row - 1);
      distinct += repeated ? 0 : 1;
    }
    return distinct;
  }

  /**
   * Returns how many requests share the most crowded arrival time.
   *
   * @return requests
   */
  public int maxRowsPerTimestamp() {
    int longest = 0;
    int run = 0;
    for (int row = 0; row < workload.size(); row++) {
      boolean repeated = row > 0 && workload.arrivalNanos(row) == workload.arrivalNanos(row - 1);
      run = repeated ? run + 1 : 1;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  /**
   * Returns how many different blocks the prompts have.
   *
   * @return distinct block ids
   * @throws IllegalStateException if the workload has no block ids
   */
  public int distinctBlocks() {
    return references().size();
  }

  /**
   * Returns how many blocks occur once only.
   *
   * @return block ids with a single reference
   * @throws IllegalStateException if the workload has no block ids
   */
  public int blocksUsedOnce() {
    int once = 0;
    for (int references : references().values()) {
      once += references == 1 ? 1 : 0;
    }
    return once;
  }

  /**
   * Returns how often the most frequent block occurs.
   *
   * @return references of one block id
   * @throws IllegalStateException if the workload has no block ids
   */
  public int maxReferences() {
    return references().values().stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  /**
   * Returns how many leading blocks of each prompt were seen in the requests before it: the hits of
   * one unlimited cache into which all blocks of a request go after it was looked up.
   *
   * @return blocks hit, one number per row
   * @throws IllegalStateException if the workload has no block ids
   */
  public int[] requestHitBlocks() {
    BlockKeys blocks = workload.blocks();
    Set<Long> seen = new HashSet<>();
    int[] hits = new int[workload.size()];
    for (int row = 0; row < hits.length; row++) {
      while (hits[row] < blocks.count(row) && seen.contains(blocks.id(row, hits[row]))) {
        hits[row]++;
      }
      for (int k = 0; k < blocks.count(row); k++) {
        seen.add(blocks.id(row, k));
      }
    }
    return hits;
  }

  /**
   * Returns quantiles of {@link #requestHitBlocks}.
   *
   * @param probabilities each in 0..1
   * @return blocks, one per probability
   * @throws IllegalStateException if the workload has no block ids
   */
  public double[] requestHitBlocksQuantiles(double... probabilities) {
    return quantiles(doubles(requestHitBlocks()), probabilities);
  }

  /**
   * Returns the sum of {@link #requestHitBlocks}.
   *
   * @return blocks
   * @throws IllegalStateException if the workload has no block ids
   */
  public long prefixHitBlocks() {
    return total(requestHitBlocks());
  }

  /**
   * Returns the blocks hit in one cache of limited size with least-recently-used replacement. The
   * ids of a request are touched or inserted one by one; its run of hits ends at the first miss.
   *
   * @param capacityBlocks size of the cache, at least 1 block
   * @return blocks
   * @throws IllegalArgumentException if the capacity is below 1
   * @throws IllegalStateException if the workload has no block ids
   */
  public long lruPrefixHitBlocks(int capacityBlocks) {
    if (capacityBlocks < 1) {
      throw new IllegalArgumentException(
          "capacityBlocks must be at least 1 block, but was " + capacityBlocks);
    }
    BlockKeys blocks = workload.blocks();
    LruSet cache = new LruSet(capacityBlocks);
    long hits = 0;
    for (int row = 0; row < workload.size(); row++) {
      boolean running = true;
      for (int k = 0; k < blocks.count(row); k++) {
        boolean present = cache.touch(blocks.id(row, k));
        running &= present;
        hits += running ? 1 : 0;
      }
    }
    return hits;
  }

  /**
   * Returns quantiles of values by linear interpolation at {@code (n-1) q}.
   *
   * @param values the values, in any order
   * @param probabilities each in 0..1
   * @return one quantile per probability; NaN if there are no values
   * @throws IllegalArgumentException if a probability lies outside 0..1
   */
  public static double[] quantiles(double[] values, double... probabilities) {
    Percentile percentile = new Percentile().withEstimationType(EstimationType.R_7);
    percentile.setData(values);
    double min = Arrays.stream(values).min().orElse(Double.NaN);
    double[] quantiles = new double[probabilities.length];
    for (int i = 0; i < probabilities.length; i++) {
      double q = probabilities[i];
      if (!(q >= 0 && q <= 1)) {
        throw new IllegalArgumentException("probabilities must be in 0..1, but had " + q);
      }
      // The library defines no quantile at 0.
      quantiles[i] = q == 0 ? min : percentile.evaluate(q * 100);
    }
    return quantiles;
  }

  private Map<Long, Integer> references() {
    BlockKeys blocks = workload.blocks();
    Map<Long, Integer> references = new HashMap<>();
    for (int row = 0; row < workload.size(); row++) {
      for (int k = 0; k < blocks.count(row); k++) {
        references.merge(blocks.id(row, k), 1, Integer::sum);
      }
    }
    return references;
  }

  private double[] gapsSeconds() {
    double[] gaps = new double[Math.max(0, workload.size() - 1)];
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = (workload.arrivalNanos(i + 1) - workload.arrivalNanos(i)) / NANOS_PER_SECOND;
    }
    return gaps;
  }

  private static long windowNanos(double windowSeconds) {
    long nanos = Math.round(windowSeconds * NANOS_PER_SECOND);
    if (nanos < 1) {
      throw new IllegalArgumentException(
          "windowSeconds must be at least 1 ns, but was " + windowSeconds + " s");
    }
    return nanos;
  }

  private static long total(int[] values) {
    return Arrays.stream(values).asLongStream().sum();
  }

  private static double[] doubles(int[] values) {
    return Arrays.stream(values).asDoubleStream().toArray();
  }

  /** The most recently used ids. */
  private static final class LruSet {
    private final Recency recency;

    LruSet(int capacity) {
      recency = new Recency(capacity);
    }

    /** Makes an id the most recent one; answers whether it was there. */
    boolean touch(long id) {
      return recency.put(id, Boolean.TRUE) != null;
    }

    private static final class Recency extends LinkedHashMap<Long, Boolean> {
      private static final long serialVersionUID = 1L;
      private final int capacity;

      Recency(int capacity) {
        super(16, 0.75f, true);
        this.capacity = capacity;
      }

      @Override
      protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
        return size() > capacity;
      }
    }
  }
}
