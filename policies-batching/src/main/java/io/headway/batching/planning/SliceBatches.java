package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Cuts requests, sorted by their current length, into static batches that each run one slice of
 * {@code S} tokens, so that the sum of the batches' times is least, and spreads the batches over
 * instances: slice-level scheduling.
 *
 * <p>{@code Tserve(N, L) = prefill(N, L) + sum over l = L+1 .. L+S of decode(N, l)}, {@code L} the
 * longest of the batch. {@code T[0] = 0}, {@code T[i] = min over j < i of T[j] + Tserve(i - j,
 * len_i)} over the batches that fit; ties go to the smallest {@code j}, that is, the largest batch.
 * Batches are contiguous ranges of length, which pads least. Offloading is longest first onto the
 * least load (ties: lower batch index, lower instance): {@code makespan <= (4/3 - 1/(3W))} times
 * the least when the loads start equal (Graham).
 *
 * <p>O(n * batch) for the cuts. Immutable and thread-safe.
 *
 * <p>Source: Cheng et al., Slice-Level Scheduling for High Throughput and Load Balanced LLM
 * Serving, arXiv 2406.13511.
 *
 * @param sliceTokens output tokens of one slice, at least 1; 128 in the paper
 * @param prefill time of a prefill
 * @param decode time of a decode iteration
 */
public record SliceBatches(int sliceTokens, LatencySurface prefill, LatencySurface decode) {
  /** Two totals closer than this share of them count as equal. */
  private static final double TIE = 1e-12;

  public SliceBatches {
    Arguments.atLeast("sliceTokens", sliceTokens, 1, "token");
    requireNonNull(prefill, "prefill");
    requireNonNull(decode, "decode");
  }

  /** Whether a batch can be held in memory while its slice runs. */
  @FunctionalInterface
  public interface Capacity {
    /**
     * Returns whether a batch fits; false for {@code n} implies false for more.
     *
     * @param sequences members
     * @param lengthTokens the longest current length
     * @return true if all members can grow by a slice
     */
    boolean fits(int sequences, int lengthTokens);
  }

  /**
   * Returns the prefill part of {@link #seconds}.
   *
   * @param batchSize members
   * @param lengthTokens the longest current length
   * @return seconds
   */
  public double prefillSeconds(int batchSize, int lengthTokens) {
    return prefill.seconds(batchSize, lengthTokens);
  }

  /**
   * Returns the decode part of {@link #seconds}.
   *
   * @param batchSize members
   * @param lengthTokens the longest current length
   * @return seconds
   */
  public double decodeSeconds(int batchSize, int lengthTokens) {
    return decode.sumSeconds(batchSize, lengthTokens, sliceTokens);
  }

  /**
   * Returns how long one slice of a batch takes.
   *
   * @param batchSize members
   * @param lengthTokens the longest current length
   * @return seconds
   */
  public double seconds(int batchSize, int lengthTokens) {
    return prefillSeconds(batchSize, lengthTokens) + decodeSeconds(batchSize, lengthTokens);
  }

  /**
   * Cuts sorted requests into batches.
   *
   * @param lengthTokens current lengths, ascending
   * @param capacity which batches fit
   * @return where each batch ends, ascending, the last one at {@code lengthTokens.length}; empty
   *     for no requests
   * @throws IllegalArgumentException if the lengths are not ascending, or a request alone does not
   *     fit
   */
  public int[] cut(int[] lengthTokens, Capacity capacity) {
    int n = lengthTokens.length;
    double[] total = new double[n + 1];
    int[] from = new int[n + 1];
    for (int i = 1; i <= n; i++) {
      int length = lengthTokens[i - 1];
      if (i > 1 && length < lengthTokens[i - 2]) {
        throw new IllegalArgumentException(
            "lengthTokens must be ascending, but " + length + " follows " + lengthTokens[i - 2]);
      }
      double best = Double.POSITIVE_INFINITY;
      for (int j = i - 1; j >= 0 && capacity.fits(i - j, length); j--) {
        double seconds = total[j] + seconds(i - j, length);
        // Ties go to the smallest j, which comes last here.
        if (seconds <= best + TIE * Math.abs(best)) {
          best = Math.min(best, seconds);
          from[i] = j;
        }
      }
      if (best == Double.POSITIVE_INFINITY) {
        throw new IllegalArgumentException(
            "every request must fit alone with a slice of "
                + sliceTokens
                + " tokens, but one of "
                + length
                + " tokens does not");
      }
      total[i] = best;
    }
    int[] ends = new int[n];
    int count = 0;
    for (int i = n; i > 0; i = from[i]) {
      ends[n - ++count] = i;
    }
    return Arrays.copyOfRange(ends, n - count, n);
  }

  /**
   * Returns batches in the order in which they are handed out: longest time first.
   *
   * @param seconds time of each batch
   * @return batch indices; ties by lower index
   */
  public static int[] longestFirst(double[] seconds) {
    int[] order = new int[seconds.length];
    for (int i = 0; i < order.length; i++) {
      int at = i;
      while (at > 0 && seconds[order[at - 1]] < seconds[i]) {
        order[at] = order[at - 1];
        at--;
      }
      order[at] = i;
    }
    return order;
  }

  /**
   * Hands one batch to the instance with the least load and adds its time there.
   *
   * @param seconds time of the batch
   * @param loadSeconds load of each instance, changed
   * @return the instance; the lowest index of equal ones
   */
  public static int offload(double seconds, double[] loadSeconds) {
    int least = 0;
    for (int i = 1; i < loadSeconds.length; i++) {
      if (loadSeconds[i] < loadSeconds[least]) {
        least = i;
      }
    }
    loadSeconds[least] += seconds;
    return least;
  }

  /**
   * Returns when to plan again: {@code max(loadFactor * least load, minimum)}.
   *
   * @param loadFactor lambda, at least 0
   * @param minimumSeconds Gamma, at least 0
   * @param loadSeconds load of each instance, at least one
   * @return seconds
   */
  public static double intervalSeconds(
      double loadFactor, double minimumSeconds, double[] loadSeconds) {
    double least = Double.POSITIVE_INFINITY;
    for (double load : loadSeconds) {
      least = Math.min(least, load);
    }
    return Math.max(loadFactor * least, minimumSeconds);
  }
}
