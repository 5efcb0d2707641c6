package io.headway.predictors.calibration;

import io.headway.api.prediction.Calibrator;
import org.apache.commons.math3.stat.descriptive.rank.PSquarePercentile;

/**
 * Shifts predictions by a tracked quantile of their signed errors {@code actual - predicted}, so
 * that a share {@code tau} of outcomes stays below ({@link QuantileTracker}).
 *
 * <p>The step is {@code etaShare} of the running inter-quartile range of the errors, estimated with
 * the P-square method (Jain and Chlamtac, CACM 1985); until that is known, after five outcomes, the
 * tracker stays where it started, at 0. O(1) per prediction, no allocation there.
 */
public final class QuantileCalibrator implements Calibrator<QuantileCalibrator.State> {
  /** Share of the inter-quartile range that one step makes, by default. */
  public static final double DEFAULT_ETA_SHARE = 0.01;

  private final double tau;
  private final double etaShare;

  /**
   * Makes a calibrator.
   *
   * @param tau share of outcomes to stay below, in (0, 1)
   * @param etaShare step as a share of the inter-quartile range, above 0 and at most 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public QuantileCalibrator(double tau, double etaShare) {
    this.tau = QuantileTracker.requireTau(tau);
    if (!(etaShare > 0 && etaShare <= 1)) {
      throw new IllegalArgumentException(
          "etaShare must be above 0 and at most 1, but was " + etaShare);
    }
    this.etaShare = etaShare;
  }

  @Override
  public String id() {
    return "quantile-tracking";
  }

  @Override
  public State newState() {
    return new State(tau);
  }

  @Override
  public void observe(State state, double predicted, double actual) {
    double error = actual - predicted;
    if (!Double.isFinite(error)) {
      throw new IllegalArgumentException(
          "predicted and actual must be finite, but were " + predicted + " and " + actual);
    }
    state.lower.increment(error);
    state.upper.increment(error);
    if (state.upper.getN() >= 5) {
      double range = Math.max(0, state.upper.getResult() - state.lower.getResult());
      state.tracker.observe(error, etaShare * range);
    }
  }

  @Override
  public double adjust(State state, double predicted) {
    return predicted + state.tracker.quantile();
  }

  /** The tracked quantile and the quartiles that scale its steps. Not thread-safe. */
  public static final class State {
    private final QuantileTracker tracker;
    private final PSquarePercentile lower = new PSquarePercentile(25);
    private final PSquarePercentile upper = new PSquarePercentile(75);

    private State(double tau) {
      tracker = new QuantileTracker(tau, 0);
    }
  }
}
