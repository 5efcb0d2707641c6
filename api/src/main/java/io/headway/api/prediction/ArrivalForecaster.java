package io.headway.api.prediction;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Forecasts arrivals per bin (requests or tokens; bins of any one length) from the bins so far.
 *
 * @param <S> what was learned
 */
@ImplementedByUsers
public interface ArrivalForecaster<S> extends SchedulingPolicy<S> {
  /**
   * Learns the next bin.
   *
   * @param state what was learned so far
   * @param count arrivals in the bin, finite and at least 0
   */
  void add(S state, double count);

  /**
   * Learns that the next bin was not measured.
   *
   * @param state what was learned so far
   */
  void addMissing(S state);

  /**
   * Forecasts the bins to come, the next one first.
   *
   * @param state what was learned so far; not changed
   * @param into receives one value per bin, each at least 0; left alone if nothing can be said
   * @return whether anything can be said, false before the first bin
   */
  boolean forecast(S state, double[] into);
}
