package io.headway.simulator.metrics;

import java.util.Arrays;

/**
 * Measures how far the service of tenants drifts apart on one instance: the largest difference,
 * over all pairs of tenants and all intervals during which both have requests waiting, between what
 * one and the other received in the interval.
 *
 * <p>This is the quantity that fair queueing bounds (for LLM serving Y. Sheng et al., "Fairness in
 * Serving Large Language Models", OSDI 2024, Theorem 4.4, with service {@code w_p * prompt tokens +
 * w_q * output tokens}). For a pair with cumulative services {@code W_u}, {@code W_v} the largest
 * difference over intervals within one common backlog is the range of {@code W_u - W_v} in it.
 *
 * <p>Services of one iteration count at its end, together. O(served tenants * backlogged tenants)
 * per iteration, O(tenants^2) memory. Not thread-safe.
 */
public final class FairnessMeter {
  private final int tenants;
  private final long[] service;
  private final boolean[] backlogged;
  // Range of service[u] - service[v] for u < v, while both are backlogged.
  private final long[] least;
  private final long[] most;
  private final boolean[] touched;
  private final int[] touchedList;
  private int touchedCount;
  private long maxGap;

  /**
   * Creates a meter.
   *
   * @param tenants how many tenants there are, at least 1
   * @throws IllegalArgumentException if there is none
   */
  public FairnessMeter(int tenants) {
    if (tenants < 1) {
      throw new IllegalArgumentException("tenants must be at least 1, but was " + tenants);
    }
    this.tenants = tenants;
    service = new long[tenants];
    backlogged = new boolean[tenants];
    least = new long[tenants * tenants];
    most = new long[tenants * tenants];
    touched = new boolean[tenants];
    touchedList = new int[tenants];
  }

  /**
   * Says whether a tenant has requests waiting, from now on.
   *
   * @param tenant a tenant, 0 .. tenants - 1
   * @param waits whether at least one of its requests waits
   */
  public void backlog(int tenant, boolean waits) {
    if (backlogged[tenant] == waits) {
      return;
    }
    settle();
    backlogged[tenant] = waits;
    if (waits) {
      for (int other = 0; other < tenants; other++) {
        if (other != tenant && backlogged[other]) {
          int pair = pair(tenant, other);
          long difference = difference(tenant, other);
          least[pair] = difference;
          most[pair] = difference;
        }
      }
    }
  }

  /**
   * Adds to what a tenant received in the current iteration.
   *
   * @param tenant a tenant, 0 .. tenants - 1
   * @param weightedTokens service, weighted tokens; at least 0
   */
  public void serve(int tenant, long weightedTokens) {
    if (weightedTokens < 0) {
      throw new IllegalArgumentException(
          "weightedTokens must be at least 0, but was " + weightedTokens);
    }
    service[tenant] += weightedTokens;
    if (!touched[tenant]) {
      touched[tenant] = true;
      touchedList[touchedCount++] = tenant;
    }
  }

  /** Ends the current iteration: what it served counts from now on. */
  public void settle() {
    for (int i = 0; i < touchedCount; i++) {
      int tenant = touchedList[i];
      touched[tenant] = false;
      if (!backlogged[tenant]) {
        continue;
      }
      for (int other = 0; other < tenants; other++) {
        if (other != tenant && backlogged[other]) {
          int pair = pair(tenant, other);
          long difference = difference(tenant, other);
          least[pair] = Math.min(least[pair], difference);
          most[pair] = Math.max(most[pair], difference);
          maxGap = Math.max(maxGap, most[pair] - least[pair]);
        }
      }
    }
    touchedCount = 0;
  }

  /**
   * Returns the largest difference in service so far.
   *
   * @return weighted tokens; 0 if no two tenants were backlogged together
   */
  public long maxServiceGapTokens() {
    return maxGap;
  }

  /**
   * Returns what each tenant received.
   *
   * @return weighted tokens, one number per tenant
   */
  public long[] serviceTokens() {
    return Arrays.copyOf(service, tenants);
  }

  /**
   * Returns Jain's fairness index {@code (sum x)^2 / (n * sum x^2)}: 1 if all values are equal, 1/n
   * if one has everything (R. Jain, D. Chiu, W. Hawe, DEC-TR-301, 1984).
   *
   * @param values what each tenant has, at least 0
   * @return the index; 1 if there are no values or all are 0
   */
  public static double jainIndex(double... values) {
    double sum = 0;
    double squares = 0;
    for (double value : values) {
      sum += value;
      squares += value * value;
    }
    return squares == 0 ? 1 : sum * sum / (values.length * squares);
  }

  private int pair(int a, int b) {
    return Math.min(a, b) * tenants + Math.max(a, b);
  }

  private long difference(int a, int b) {
    return service[Math.min(a, b)] - service[Math.max(a, b)];
  }
}
