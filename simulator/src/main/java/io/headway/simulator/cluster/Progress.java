package io.headway.simulator.cluster;

import io.headway.simulator.workload.Workload;
import java.util.Arrays;

/**
 * How far each request of the workload has come, by row; shared by all instances, since a row is on
 * one of them at a time.
 */
final class Progress {
  /** No token yet. */
  static final long NONE = Long.MIN_VALUE;

  private final Workload workload;
  private final int[] emitted;
  private final long[] lastToken;
  private final boolean tenants;
  private final boolean[] finished;
  private int ended;

  Progress(Workload workload) {
    this.workload = workload;
    emitted = new int[workload.size()];
    lastToken = new long[workload.size()];
    finished = new boolean[workload.size()];
    Arrays.fill(lastToken, NONE);
    tenants = workload.tenants().count() > 1;
  }

  int emitted(int row) {
    return emitted[row];
  }

  int remaining(int row) {
    return workload.outputTokens(row) - emitted[row];
  }

  long lastTokenNanos(int row) {
    return lastToken[row];
  }

  void firstToken(int row, long now) {
    lastToken[row] = now;
  }

  /** Counts tokens; returns whether the output is complete. */
  boolean emit(int row, int tokens, long now) {
    emitted[row] += tokens;
    lastToken[row] = now;
    return emitted[row] >= workload.outputTokens(row);
  }

  int tenants() {
    return tenants ? workload.tenants().count() : 1;
  }

  int tenant(int row) {
    return tenants ? workload.tenants().code(row) : 0;
  }

  void ended(int row, boolean complete) {
    ended++;
    finished[row] = complete;
  }

  int ended() {
    return ended;
  }

  boolean finished(int row) {
    return finished[row];
  }
}
