package io.headway.simulator.cluster;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import io.headway.runtime.BatchPlan;
import java.util.Arrays;

/**
 * One plan in flight and the iterations that repeat it: when each of them ends and how many KV
 * blocks it takes. Iteration 0 is the plan itself.
 */
final class Jump {
  private long startNanos;
  private int repetitions;
  private long[] durations = new long[64];
  private long[] ends = new long[64];
  private int[] newBlocks = new int[64];

  /** Plans a single iteration. */
  void single(long now, long nanos) {
    startNanos = now;
    repetitions = 0;
    durations[0] = nanos;
    ends[0] = now + nanos;
    newBlocks[0] = 0;
  }

  /**
   * Plans an iteration of decodes and its repetitions.
   *
   * @param shape the iteration's shape; advanced by this call
   * @param moveNanos time of the moves that precede the plan's own rows
   */
  void repeated(
      long now,
      BatchPlan plan,
      IterationShape shape,
      IterationTimeModel model,
      int times,
      int blockTokens,
      long moveNanos) {
    startNanos = now;
    repetitions = times;
    int iterations = times + 1;
    if (durations.length < iterations) {
      int length = Math.max(iterations, durations.length * 2);
      durations = new long[length];
      ends = new long[length];
      newBlocks = new int[length];
    }
    model.decodeNanos(shape, iterations, durations);
    durations[0] += moveNanos;
    long end = now;
    for (int i = 0; i < iterations; i++) {
      end += durations[i];
      ends[i] = end;
    }
    Arrays.fill(newBlocks, 0, iterations, 0);
    for (int row = 0; row < plan.rows(); row++) {
      // Iteration j writes position start + j; the first one past the table takes a block, then one
      // in every blockTokens.
      long held = (long) plan.blocks(row) * blockTokens;
      for (long j = held - plan.start(row); j < iterations; j += blockTokens) {
        newBlocks[(int) j]++;
      }
    }
  }

  /** Keeps the first iterations only. */
  void cut(int times) {
    repetitions = times;
  }

  int repetitions() {
    return repetitions;
  }

  long startNanos() {
    return startNanos;
  }

  long endNanos() {
    return ends[repetitions];
  }

  long endNanos(int iteration) {
    return ends[iteration];
  }

  long durationNanos(int iteration) {
    return durations[iteration];
  }

  int newBlocks(int iteration) {
    return newBlocks[iteration];
  }

  /** Returns how many iterations have ended by a time. */
  int endedBy(long now) {
    int from = 0;
    int to = repetitions + 1;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (ends[middle] <= now) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }
}
