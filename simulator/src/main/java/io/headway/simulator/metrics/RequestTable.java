package io.headway.simulator.metrics;

import io.headway.simulator.workload.Workload;
import java.util.Arrays;

/**
 * What happened to each request of a workload, in its row order. Filled by a {@link RunRecorder};
 * read-only for everybody else.
 */
public final class RequestTable {
  /** Stands for a time that did not come, or an instance that was not chosen. */
  public static final int NONE = -1;

  private final Workload workload;
  private final long[] firstTokenNanos;
  private final long[] endNanos;
  private final int[] emittedTokens;
  private final int[] cachedTokens;
  private final int[] preemptions;
  private final int[] instances;
  private final RequestOutcome[] outcomes;

  RequestTable(Workload workload) {
    this.workload = workload;
    int size = workload.size();
    firstTokenNanos = filled(size);
    endNanos = filled(size);
    emittedTokens = new int[size];
    cachedTokens = new int[size];
    preemptions = new int[size];
    instances = new int[size];
    Arrays.fill(instances, NONE);
    outcomes = new RequestOutcome[size];
    Arrays.fill(outcomes, RequestOutcome.UNFINISHED);
  }

  /**
   * Returns the workload whose requests these are.
   *
   * @return the workload
   */
  public Workload workload() {
    return workload;
  }

  /**
   * Returns how many requests there are.
   *
   * @return the number of rows
   */
  public int size() {
    return outcomes.length;
  }

  /**
   * Returns what became of a request.
   *
   * @param row index of the row
   * @return its outcome
   */
  public RequestOutcome outcome(int row) {
    return outcomes[row];
  }

  /**
   * Returns which instance ran a request last.
   *
   * @param row index of the row
   * @return index of the instance, or {@link #NONE}
   */
  public int instance(int row) {
    return instances[row];
  }

  /**
   * Returns when the first token of a request was ready.
   *
   * @param row index of the row
   * @return nanoseconds of virtual time, or {@link #NONE}
   */
  public long firstTokenNanos(int row) {
    return firstTokenNanos[row];
  }

  /**
   * Returns when a request ended.
   *
   * @param row index of the row
   * @return nanoseconds of virtual time, or {@link #NONE}
   */
  public long endNanos(int row) {
    return endNanos[row];
  }

  /**
   * Returns how many tokens a request got.
   *
   * @param row index of the row
   * @return output tokens
   */
  public int emittedTokens(int row) {
    return emittedTokens[row];
  }

  /**
   * Returns how many prompt tokens of a request were found in a prefix cache when it first started.
   *
   * @param row index of the row
   * @return prompt tokens not computed
   */
  public int cachedTokens(int row) {
    return cachedTokens[row];
  }

  /**
   * Returns how often a request was preempted.
   *
   * @param row index of the row
   * @return preemptions
   */
  public int preemptions(int row) {
    return preemptions[row];
  }

  /**
   * Returns the time to first token.
   *
   * @param row index of the row
   * @return nanoseconds from arrival, or {@link #NONE} without a token
   */
  public long ttftNanos(int row) {
    return firstTokenNanos[row] == NONE ? NONE : firstTokenNanos[row] - workload.arrivalNanos(row);
  }

  /**
   * Returns the time from arrival to end.
   *
   * @param row index of the row
   * @return nanoseconds, or {@link #NONE} if the request did not finish
   */
  public long e2eNanos(int row) {
    return outcomes[row] == RequestOutcome.FINISHED
        ? endNanos[row] - workload.arrivalNanos(row)
        : NONE;
  }

  /**
   * Returns the mean time per output token after the first, rounded half up to the nanosecond.
   *
   * @param row index of the row
   * @return nanoseconds, or {@link #NONE} if the request did not finish or had one token only
   */
  public long tpotNanos(int row) {
    if (outcomes[row] != RequestOutcome.FINISHED || emittedTokens[row] < 2) {
      return NONE;
    }
    long steps = emittedTokens[row] - 1L;
    return (endNanos[row] - firstTokenNanos[row] + steps / 2) / steps;
  }

  /**
   * Returns whether a request attained its objectives: it finished, and no latency is above its
   * limit. A request of one token has no TPOT and meets any limit on it.
   *
   * @param row index of the row
   * @param slo the limits
   * @return whether all are met
   */
  public boolean attains(int row, Slo slo) {
    return outcomes[row] == RequestOutcome.FINISHED
        && ttftNanos(row) <= slo.ttftNanos()
        && tpotNanos(row) <= slo.tpotNanos()
        && e2eNanos(row) <= slo.e2eNanos();
  }

  void routed(int row, int instance) {
    instances[row] = instance;
  }

  void cached(int row, int tokens) {
    cachedTokens[row] = tokens;
  }

  void firstToken(int row, long nowNanos) {
    firstTokenNanos[row] = nowNanos;
  }

  void preempted(int row) {
    preemptions[row]++;
  }

  void end(int row, RequestOutcome outcome, int tokens, long nowNanos) {
    outcomes[row] = outcome;
    emittedTokens[row] = tokens;
    endNanos[row] = nowNanos;
  }

  private static long[] filled(int size) {
    long[] values = new long[size];
    Arrays.fill(values, NONE);
    return values;
  }
}
