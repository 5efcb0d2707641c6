package io.headway.api.prediction;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Corrects the predictions of any scalar predictor by that predictor's own recent errors.
 *
 * <p>The errors are those of the raw prediction: feeding corrected values back in would make the
 * correction feed on itself. Values are in any one unit, the same throughout the life of a state.
 *
 * @param <S> the error statistics
 */
@ImplementedByUsers
public interface Calibrator<S> extends SchedulingPolicy<S> {
  /**
   * Learns from one outcome.
   *
   * @param state the error statistics
   * @param predicted the raw prediction, finite
   * @param actual what came true, finite
   */
  void observe(S state, double predicted, double actual);

  /**
   * Returns the corrected prediction.
   *
   * @param state the error statistics; not changed
   * @param predicted the raw prediction, finite
   * @return the value to plan with; may be infinite where the calibrator can promise nothing
   */
  double adjust(S state, double predicted);

  /**
   * Returns an interval around a prediction.
   *
   * @param state the error statistics; not changed
   * @param predicted the raw prediction, finite
   * @param into receives prediction and interval; none by default, for calibrators that know none
   */
  default void interval(S state, double predicted, Estimate into) {
    into.none();
  }
}
