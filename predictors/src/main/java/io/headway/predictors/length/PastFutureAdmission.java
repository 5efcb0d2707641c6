package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.PeakTokens;

/**
 * Decides who may join a batch: a candidate is admitted while, in every sampled list of lengths,
 * the peak memory of the batch with it stays below the capacity (Past-Future scheduling, ASPLOS
 * 2025). Not thread-safe.
 */
public final class PastFutureAdmission {
  private final PeakTokens[] lists;
  private final long capacityTokens;
  private long refusedPeakTokens = -1;

  /**
   * Starts with the running requests.
   *
   * @param lists the running requests with their sampled remaining lengths, one batch per sampled
   *     list, at least 1; admitted candidates are added to them
   * @param capacityTokens memory after any reserve, at least 0 tokens
   * @throws IllegalArgumentException if there is no list or the capacity is negative
   */
  public PastFutureAdmission(PeakTokens[] lists, long capacityTokens) {
    this.lists = requireNonNull(lists, "lists").clone();
    if (lists.length == 0) {
      throw new IllegalArgumentException("lists must have at least 1 sampled list, but has none");
    }
    if (capacityTokens < 0) {
      throw new IllegalArgumentException(
          "capacityTokens must be at least 0 tokens, but was " + capacityTokens);
    }
    this.capacityTokens = capacityTokens;
  }

  /**
   * Admits a candidate or changes nothing.
   *
   * @param usedTokens tokens it holds from admission on, one number per list
   * @param remainingTokens tokens it is sampled to add, one number per list
   * @return whether it was admitted
   * @throws IllegalArgumentException if there is not one number per list
   */
  public boolean offer(long[] usedTokens, long[] remainingTokens) {
    if (usedTokens.length != lists.length || remainingTokens.length != lists.length) {
      throw new IllegalArgumentException(
          "usedTokens and remainingTokens must have one entry per list, "
              + lists.length
              + ", but have "
              + usedTokens.length
              + " and "
              + remainingTokens.length);
    }
    long peak = 0;
    for (int i = 0; i < lists.length; i++) {
      peak = Math.max(peak, lists[i].peakTokensWith(usedTokens[i], remainingTokens[i]));
    }
    if (peak >= capacityTokens) {
      refusedPeakTokens = peak;
      return false;
    }
    for (int i = 0; i < lists.length; i++) {
      lists[i].add(usedTokens[i], remainingTokens[i]);
    }
    return true;
  }

  /**
   * Returns the peak of the batch as admitted so far.
   *
   * @return tokens, the largest over all lists
   */
  public long peakTokens() {
    long peak = 0;
    for (PeakTokens list : lists) {
      peak = Math.max(peak, list.peakTokens());
    }
    return peak;
  }

  /**
   * Returns whether a candidate was refused.
   *
   * @return true if {@link #refusedPeakTokens()} is meaningful
   */
  public boolean refused() {
    return refusedPeakTokens >= 0;
  }

  /**
   * Returns the peak that the candidate refused last would have led to.
   *
   * @return tokens
   * @throws IllegalStateException if nobody was refused
   */
  public long refusedPeakTokens() {
    if (!refused()) {
      throw new IllegalStateException("no candidate was refused; ask refused() first");
    }
    return refusedPeakTokens;
  }
}
