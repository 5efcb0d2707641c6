package io.headway.simulator.metrics;

/** A cumulative distribution of latencies, as its quantiles on a fixed grid. Immutable. */
public final class LatencyCurve {
  /** The curve of no values. */
  static final LatencyCurve EMPTY = new LatencyCurve(new double[0], new double[0]);

  private static final double[] GRID = grid();

  private final double[] probabilities;
  private final double[] nanos;

  private LatencyCurve(double[] probabilities, double[] nanos) {
    this.probabilities = probabilities;
    this.nanos = nanos;
  }

  /** The curve of a set: every percent, and every tenth of a percent in the last one. */
  static LatencyCurve of(Durations durations) {
    return durations.count() == 0 ? EMPTY : new LatencyCurve(GRID, durations.quantilesNanos(GRID));
  }

  /**
   * Returns how many points the curve has.
   *
   * @return the number of points; 0 if there were no values
   */
  public int points() {
    return nanos.length;
  }

  /**
   * Returns the probability of a point.
   *
   * @param point index of the point
   * @return the share of values at or below {@link #nanos}, in 0..1
   */
  public double probability(int point) {
    return probabilities[point];
  }

  /**
   * Returns the latency of a point.
   *
   * @param point index of the point
   * @return nanoseconds
   */
  public double nanos(int point) {
    return nanos[point];
  }

  private static double[] grid() {
    double[] grid = new double[110];
    for (int i = 0; i < 99; i++) {
      grid[i] = i / 100.0;
    }
    for (int i = 0; i <= 10; i++) {
      grid[99 + i] = (990 + i) / 1000.0;
    }
    return grid;
  }
}
