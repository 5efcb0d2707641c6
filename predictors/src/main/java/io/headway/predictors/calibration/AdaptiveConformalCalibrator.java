package io.headway.predictors.calibration;

import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.Estimate;

/**
 * As {@link ConformalCalibrator} with absolute scores, but with a miss rate that follows the
 * misses: adaptive conformal inference (Gibbs and Candes, NeurIPS 2021, arXiv 2106.00170).
 *
 * <p>The interval is made with the current {@code alpha_t}: unbounded at or below 0, empty (always
 * a miss) at or above 1. After an outcome {@code err = 1} if it was outside, else 0, {@code
 * alpha_(t+1) = alpha_t + gamma (alpha - err)}, and the new score is remembered. For any sequence
 * at all the mean of {@code err} differs from {@code alpha} by at most {@code (max(alpha, 1 -
 * alpha) + gamma) / (gamma T)}. O(window) per outcome, O(1) per prediction, no allocation.
 */
public final class AdaptiveConformalCalibrator
    implements Calibrator<AdaptiveConformalCalibrator.State> {
  /** Step of the miss rate by default. */
  public static final double DEFAULT_GAMMA = 0.01;

  private final double alpha;
  private final double gamma;
  private final int window;

  /**
   * Makes a calibrator.
   *
   * @param alpha target miss rate and the one to start with, above 0 and below 1
   * @param gamma step, finite and above 0
   * @param window outcomes remembered, at least 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public AdaptiveConformalCalibrator(double alpha, double gamma, int window) {
    if (!(alpha > 0 && alpha < 1)) {
      throw new IllegalArgumentException("alpha must be above 0 and below 1, but was " + alpha);
    }
    if (!(gamma > 0) || Double.isInfinite(gamma)) {
      throw new IllegalArgumentException("gamma must be finite and above 0, but was " + gamma);
    }
    this.alpha = alpha;
    this.gamma = gamma;
    this.window = window;
    newState();
  }

  @Override
  public String id() {
    return "conformal-adaptive";
  }

  @Override
  public State newState() {
    return new State(alpha, new ConformalScores(window));
  }

  @Override
  public void observe(State state, double predicted, double actual) {
    double score = Math.abs(actual - predicted);
    if (!Double.isFinite(score)) {
      throw new IllegalArgumentException(
          "predicted and actual must be finite, but were " + predicted + " and " + actual);
    }
    state.missed = state.empty() || score > state.halfWidth();
    state.alpha += gamma * (alpha - (state.missed ? 1 : 0));
    state.scores.add(score);
  }

  @Override
  public double adjust(State state, double predicted) {
    return state.empty() ? predicted : predicted + state.halfWidth();
  }

  @Override
  public void interval(State state, double predicted, Estimate into) {
    if (state.empty()) {
      into.none();
    } else {
      double half = state.halfWidth();
      into.interval(predicted, predicted - half, predicted + half);
    }
  }

  /** The scores and the current miss rate. Not thread-safe. */
  public static final class State {
    private final ConformalScores scores;
    private double alpha;
    private boolean missed;

    private State(double alpha, ConformalScores scores) {
      this.alpha = alpha;
      this.scores = scores;
    }

    /**
     * Returns the scores, to warm them up or to drop old ones after a drift.
     *
     * @return the live window
     */
    public ConformalScores scores() {
      return scores;
    }

    /**
     * Returns the miss rate in use.
     *
     * @return {@code alpha_t}; may leave 0 to 1
     */
    public double alpha() {
      return alpha;
    }

    /**
     * Returns whether the interval in use is empty.
     *
     * @return true if {@code alpha_t} is at least 1
     */
    public boolean empty() {
      return alpha >= 1;
    }

    /**
     * Returns half the width of the interval in use.
     *
     * @return the quantile, possibly infinity
     * @throws IllegalStateException if the interval is empty
     */
    public double halfWidth() {
      if (empty()) {
        throw new IllegalStateException("the interval is empty; ask empty() first");
      }
      return alpha <= 0 ? Double.POSITIVE_INFINITY : scores.quantile(alpha);
    }

    /**
     * Returns whether the last outcome was outside its interval.
     *
     * @return false before the first outcome
     */
    public boolean missed() {
      return missed;
    }
  }
}
