package io.headway.api.prediction;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Decides whether the error of a predictor has changed its level, so that what was learned should
 * be dropped or widened.
 *
 * @param <S> the statistics
 */
@ImplementedByUsers
public interface DriftDetector<S> extends SchedulingPolicy<S> {
  /**
   * Looks at one more error.
   *
   * @param state the statistics; an alarm resets or shrinks them as the detector documents
   * @param error a finite number, usually an absolute error divided by its expected scale
   * @return true if a change is signalled now
   */
  boolean add(S state, double error);
}
