package io.headway.routing.instance;

/**
 * The rule of D2LPM over one client's deficits, one per worker: refill, then the longest cached
 * prefix among the workers with which the client has credit. Stateless; O(workers), no allocation.
 *
 * <p>Source: Cao et al., Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312; the
 * details are this library's reading.
 */
public final class WorkerDeficits {
  private WorkerDeficits() {}

  /**
   * Gives every worker its quantum, again and again until the client has credit with one.
   *
   * @param deficits weighted tokens left with each worker, raised in place
   * @param quanta weighted tokens of one refill of each worker
   * @param workers how many of both arrays count
   * @return how often all were refilled; 0 if there was credit
   * @throws IllegalArgumentException if no quantum is above 0 and there is no credit
   */
  public static double refill(double[] deficits, double[] quanta, int workers) {
    double rounds = Double.POSITIVE_INFINITY;
    for (int i = 0; i < workers; i++) {
      if (deficits[i] > 0) {
        return 0;
      }
      if (quanta[i] > 0) {
        rounds = Math.min(rounds, Math.floor(-deficits[i] / quanta[i]) + 1);
      }
    }
    if (Double.isInfinite(rounds)) {
      throw new IllegalArgumentException(
          "one quantum at least must be above 0 weighted tokens, but none of " + workers + " is");
    }
    boolean credit = false;
    for (int i = 0; i < workers; i++) {
      deficits[i] += rounds * quanta[i];
      credit |= deficits[i] > 0;
    }
    // A quotient may have been rounded down to the whole number below.
    return credit ? rounds : rounds + refill(deficits, quanta, workers);
  }

  /**
   * Chooses among the workers with credit: longest cached prefix, then least load, then the first.
   *
   * @param deficits weighted tokens left with each worker, one of them above 0
   * @param matchTokens cached prefix with each worker
   * @param loads load of each worker, in any unit
   * @param workers how many of the arrays count
   * @return the worker, or -1 if there is no credit
   */
  public static int choose(double[] deficits, int[] matchTokens, double[] loads, int workers) {
    int best = -1;
    for (int i = 0; i < workers; i++) {
      boolean better =
          deficits[i] > 0
              && (best < 0
                  || matchTokens[i] > matchTokens[best]
                  || (matchTokens[i] == matchTokens[best] && loads[i] < loads[best]));
      if (better) {
        best = i;
      }
    }
    return best;
  }
}
