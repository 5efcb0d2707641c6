package io.headway.batching.fairness;

import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Decides which worker a tenant's request goes to, by D2LPM: the longest cached prefix among the
 * workers with which the tenant has credit left. The table that a dispatcher keeps in front of
 * workers that run {@link DeficitPrefixOrder}.
 *
 * <p>Deficits start at 0. Dispatch to w: {@code q_(u,w) -= extendPrice * (prompt - match)}; output
 * token from w: {@code q_(u,w) -= outputPrice}. With no credit anywhere, every worker of the tenant
 * gets the worker quantum, again and again until one has some. Ties: least load, then the lowest
 * worker. O(workers) per dispatch. Mutable, not thread-safe.
 *
 * <p>Source: Cao et al., Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312; the
 * details are this library's reading.
 */
public final class WorkerDeficits {
  private final int workers;
  private final double quantum;
  private final double extendPrice;
  private final double outputPrice;
  private double[][] deficits = new double[8][];
  private int lastRefills;

  /**
   * Makes a table.
   *
   * @param workers workers, at least 1
   * @param quantum weighted tokens of one refill, above 0
   * @param extendPrice weighted tokens per prompt token that is not cached, at least 0
   * @param outputPrice weighted tokens per output token, at least 0
   * @throws IllegalArgumentException if a number is out of range
   */
  public WorkerDeficits(int workers, double quantum, double extendPrice, double outputPrice) {
    this.workers = Arguments.atLeast("workers", workers, 1, "worker");
    this.quantum = Arguments.positive("quantum", quantum, "weighted tokens");
    this.extendPrice = Arguments.notNegative("extendPrice", extendPrice, "weighted tokens");
    this.outputPrice = Arguments.notNegative("outputPrice", outputPrice, "weighted tokens");
  }

  /**
   * Chooses a worker and charges the tenant for it.
   *
   * @param tenant a dense tenant number, at least 0
   * @param promptTokens prompt of the request
   * @param matchTokens cached prefix with each worker
   * @param loads load of each worker, in any unit
   * @return the worker
   */
  public int dispatch(int tenant, int promptTokens, int[] matchTokens, double[] loads) {
    double[] credit = of(tenant);
    lastRefills = 0;
    int worker = best(credit, matchTokens, loads);
    if (worker < 0) {
      double most = Double.NEGATIVE_INFINITY;
      for (double deficit : credit) {
        most = Math.max(most, deficit);
      }
      double rounds = Math.floor(-most / quantum) + 1;
      for (int i = 0; i < workers; i++) {
        credit[i] += rounds * quantum;
      }
      lastRefills = (int) rounds;
      worker = best(credit, matchTokens, loads);
    }
    credit[worker] -= extendPrice * Math.max(0, promptTokens - matchTokens[worker]);
    return worker;
  }

  private int best(double[] credit, int[] matchTokens, double[] loads) {
    int best = -1;
    for (int i = 0; i < workers; i++) {
      boolean better =
          credit[i] > 0
              && (best < 0
                  || matchTokens[i] > matchTokens[best]
                  || (matchTokens[i] == matchTokens[best] && loads[i] < loads[best]));
      if (better) {
        best = i;
      }
    }
    return best;
  }

  /**
   * Returns how often the last dispatch refilled the tenant.
   *
   * @return a count
   */
  public int lastRefills() {
    return lastRefills;
  }

  /**
   * Charges output.
   *
   * @param tenant a dense tenant number, at least 0
   * @param worker who produced it
   * @param tokens output tokens
   */
  public void output(int tenant, int worker, int tokens) {
    of(tenant)[worker] -= outputPrice * tokens;
  }

  /**
   * Returns what a tenant has left with a worker.
   *
   * @param tenant a dense tenant number, at least 0
   * @param worker the worker
   * @return weighted tokens
   */
  public double deficit(int tenant, int worker) {
    return of(tenant)[worker];
  }

  private double[] of(int tenant) {
    if (tenant >= deficits.length) {
      deficits = Arrays.copyOf(deficits, Math.max(tenant + 1, deficits.length * 2));
    }
    if (deficits[tenant] == null) {
      deficits[tenant] = new double[workers];
    }
    return deficits[tenant];
  }
}
