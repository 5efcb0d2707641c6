package io.headway.predictors.calibration;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.Estimate;

/**
 * Puts an interval around point predictions that misses with a chosen probability: split conformal
 * prediction over the last {@code window} outcomes ({@link ConformalScores}, {@link
 * ConformalForm}).
 *
 * <p>{@link #adjust} is the upper end of the interval, infinite while there are too few outcomes.
 * If outcomes are exchangeable the coverage is at least {@code 1 - alpha}, and at most {@code 1 -
 * alpha + 1 / (n + 1)} when scores are distinct. Outcomes arrive for finished requests only, so
 * long ones are under-represented at first. O(window) per outcome, O(1) per prediction, no
 * allocation.
 */
public final class ConformalCalibrator implements Calibrator<ConformalScores> {
  private final ConformalForm form;
  private final double alpha;
  private final int window;

  /**
   * Makes a calibrator.
   *
   * @param form {@link ConformalForm#ABSOLUTE} or {@link ConformalForm#UPPER}, the forms that need
   *     no more than a value
   * @param alpha miss rate, above 0 and below 1
   * @param window outcomes remembered, at least 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public ConformalCalibrator(ConformalForm form, double alpha, int window) {
    this.form = requireNonNull(form, "form");
    if (form != ConformalForm.ABSOLUTE && form != ConformalForm.UPPER) {
      throw new IllegalArgumentException("form must be ABSOLUTE or UPPER, but was " + form);
    }
    if (!(alpha > 0 && alpha < 1)) {
      throw new IllegalArgumentException("alpha must be above 0 and below 1, but was " + alpha);
    }
    this.alpha = alpha;
    this.window = window;
    newState();
  }

  @Override
  public String id() {
    return "conformal-split";
  }

  @Override
  public ConformalScores newState() {
    return new ConformalScores(window);
  }

  @Override
  public void observe(ConformalScores state, double predicted, double actual) {
    state.add(form.score(predicted, predicted, predicted, actual));
  }

  @Override
  public double adjust(ConformalScores state, double predicted) {
    return form.high(predicted, predicted, predicted, state.quantile(alpha));
  }

  @Override
  public void interval(ConformalScores state, double predicted, Estimate into) {
    double quantile = state.quantile(alpha);
    double low = form.low(predicted, predicted, predicted, quantile);
    double high = form.high(predicted, predicted, predicted, quantile);
    into.interval(predicted, low, high);
  }
}
