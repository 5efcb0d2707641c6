package io.headway.simulator.report;

import io.headway.simulator.metrics.RunMetrics;
import java.util.Objects;

/**
 * One run of a contender.
 *
 * @param seed the seed of the run
 * @param metrics what it measured
 */
public record SeededRun(long seed, RunMetrics metrics) {
  /** Checks that the metrics are there. */
  public SeededRun {
    Objects.requireNonNull(metrics, "metrics");
  }
}
