package io.headway.runtime;

import io.headway.api.prediction.ArrivalForecaster;

/** Counts arrivals in bins and forecasts the bins to come. Guarded by the cluster's lock. */
final class ArrivalCounts<S> {
  /** Empty bins learned one by one after a pause; a longer pause starts the history anew. */
  private static final long MAX_GAP_BINS = 4096;

  private final ArrivalForecaster<S> forecaster;
  private final long binNanos;
  private S state;
  private long bin = Long.MIN_VALUE;
  private int count;

  ArrivalCounts(ArrivalForecaster<S> forecaster, long binNanos) {
    this.forecaster = forecaster;
    this.binNanos = binNanos;
    state = forecaster.newState();
  }

  void arrived(long nowNanos) {
    advance(nowNanos);
    count++;
  }

  void advance(long nowNanos) {
    long current = Math.floorDiv(nowNanos, binNanos);
    if (bin == Long.MIN_VALUE) {
      bin = current;
    } else if (current - bin > MAX_GAP_BINS) {
      state = forecaster.newState();
      count = 0;
      bin = current;
    }
    while (bin < current) {
      forecaster.add(state, count);
      count = 0;
      bin++;
    }
  }

  /** Returns the rate of the bin that holds the horizon; -1 if nothing can be said. */
  double forecastPerSecond(long horizonNanos) {
    int bins = (int) Math.min(MAX_GAP_BINS, Math.max(1, (horizonNanos + binNanos - 1) / binNanos));
    double[] ahead = new double[bins];
    return forecaster.forecast(state, ahead) ? ahead[bins - 1] * 1e9 / binNanos : -1;
  }
}
