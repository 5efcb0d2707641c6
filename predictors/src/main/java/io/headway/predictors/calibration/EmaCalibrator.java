package io.headway.predictors.calibration;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.Calibrator;

/**
 * Lengthens predictions by their recent errors, as GAPS does (Global-Aware Prediction-driven
 * Scheduling, AAMAS 2026, equations 1, 2 and 7 to 10).
 *
 * <p>Per outcome, with raw prediction {@code s} and actual {@code y}: {@code ae = |y - s|}, {@code
 * pe = ae / max(|y|, minActual)}; the first outcome sets both averages, later ones move them,
 * {@code E <- (1 - a) E + a value}. Then
 *
 * <pre>
 * adjusted = s + beta E_MAE + gamma s E_MAPE
 * deadline = (1 + epsilon) adjusted    (form MARGIN, equation 8)
 *          = adjusted                  (form PLAIN, equation 10; the paper has both)
 * </pre>
 *
 * Both errors are at least 0, so the correction only ever lengthens; with {@code signed} the
 * average of {@code y - s}, floored at 0, takes the place of {@code E_MAE}, so that a predictor
 * that guesses too long is not lengthened further. Without outcomes nothing is added.
 *
 * <p>The paper updates {@code beta} and {@code gamma} "dynamically" without a rule and gives no
 * value for {@code a} or {@code epsilon}: fixed coefficients and the defaults here are the
 * project's own, as are the two {@linkplain Control control rules}. O(1), no allocation.
 */
public final class EmaCalibrator implements Calibrator<EmaCalibrator.Errors> {
  /** Forms of the deadline. */
  public enum DeadlineForm {
    /** With the factor {@code 1 + epsilon}. */
    MARGIN,
    /** Without it. */
    PLAIN
  }

  /** What {@link EmaCalibrator#control} does to each coefficient {@code x}. */
  public enum Control {
    /** Nothing. */
    FIXED,
    /** {@code clamp(x + step (v - target), 0, 1)} for a violation rate {@code v}. */
    ADDITIVE,
    /** {@code clamp(x (1 + step sign(v - target)), 0, 2)} for a violation rate {@code v}. */
    MULTIPLICATIVE
  }

  /**
   * Configuration.
   *
   * @param smoothing {@code a}, above 0 and at most 1
   * @param betaMae {@code beta}, finite and at least 0
   * @param gammaMape {@code gamma}, finite and at least 0
   * @param epsilon margin of the deadline, finite and at least 0
   * @param deadlineForm whether the margin is applied
   * @param minActual least denominator of a relative error, above 0, in the unit of the values
   * @param signed whether over-prediction is left uncorrected
   * @param control how the coefficients move
   * @param controlStep {@code step}, finite and at least 0
   * @param targetViolationRate {@code target}, 0 to 1
   */
  public record Config(
      double smoothing,
      double betaMae,
      double gammaMape,
      double epsilon,
      DeadlineForm deadlineForm,
      double minActual,
      boolean signed,
      Control control,
      double controlStep,
      double targetViolationRate) {
    /** Smoothing 0.1, both coefficients 0.5 and fixed, margin 0.2, denominators from 1 ms up. */
    public static final Config DEFAULT =
        new Config(0.1, 0.5, 0.5, 0.2, DeadlineForm.MARGIN, 1e-3, false, Control.FIXED, 0.05, 0.05);

    /** Checks the values. */
    public Config {
      requireNonNull(deadlineForm, "deadlineForm");
      requireNonNull(control, "control");
      if (!(smoothing > 0 && smoothing <= 1)) {
        throw new IllegalArgumentException(
            "smoothing must be above 0 and at most 1, but was " + smoothing);
      }
      atLeast0("betaMae", betaMae);
      atLeast0("gammaMape", gammaMape);
      atLeast0("epsilon", epsilon);
      atLeast0("controlStep", controlStep);
      if (!(minActual > 0) || Double.isInfinite(minActual)) {
        throw new IllegalArgumentException(
            "minActual must be finite and above 0, but was " + minActual);
      }
      if (!(targetViolationRate >= 0 && targetViolationRate <= 1)) {
        throw new IllegalArgumentException(
            "targetViolationRate must be 0 to 1, but was " + targetViolationRate);
      }
    }

    private static void atLeast0(String name, double value) {
      if (!(value >= 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException(
            name + " must be finite and at least 0, but was " + value);
      }
    }
  }

  private final Config config;

  /**
   * Makes a calibrator.
   *
   * @param config its configuration
   */
  public EmaCalibrator(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "ema";
  }

  @Override
  public Errors newState() {
    return new Errors(config.betaMae, config.gammaMape);
  }

  @Override
  public void observe(Errors state, double predicted, double actual) {
    double error = actual - predicted;
    if (!Double.isFinite(error)) {
      throw new IllegalArgumentException(
          "predicted and actual must be finite, but were " + predicted + " and " + actual);
    }
    double absolute = Math.abs(error);
    double relative = absolute / Math.max(Math.abs(actual), config.minActual);
    if (state.samples == 0) {
      state.mae = absolute;
      state.mape = relative;
      state.bias = error;
    } else {
      double a = config.smoothing;
      state.mae = (1 - a) * state.mae + a * absolute;
      state.mape = (1 - a) * state.mape + a * relative;
      state.bias = (1 - a) * state.bias + a * error;
    }
    state.samples++;
  }

  @Override
  public double adjust(Errors state, double predicted) {
    double error = config.signed ? Math.max(0, state.bias) : state.mae;
    return predicted + state.betaMae * error + state.gammaMape * predicted * state.mape;
  }

  /**
   * Returns how long a request may take, counted from its arrival.
   *
   * @param state the error statistics
   * @param predicted the raw prediction, finite
   * @return a duration in the unit of the values, at least the adjusted prediction
   */
  public double deadline(Errors state, double predicted) {
    double adjusted = adjust(state, predicted);
    return config.deadlineForm == DeadlineForm.MARGIN ? (1 + config.epsilon) * adjusted : adjusted;
  }

  /**
   * Moves the coefficients once per control interval by the configured rule.
   *
   * @param state the error statistics
   * @param violations deadlines missed in the interval, 0 to {@code completions}
   * @param completions requests completed in the interval; with 0 nothing changes
   * @throws IllegalArgumentException if a count is out of range
   */
  public void control(Errors state, int violations, int completions) {
    if (violations < 0 || violations > completions) {
      throw new IllegalArgumentException(
          "violations must be 0 to completions, but they were "
              + violations
              + " and "
              + completions);
    }
    if (completions > 0) {
      control(state, (double) violations / completions);
    }
  }

  /**
   * Moves the coefficients once per control interval by the configured rule.
   *
   * @param state the error statistics
   * @param violationRate share of deadlines missed in the interval, 0 to 1
   * @throws IllegalArgumentException if the rate is out of range
   */
  public void control(Errors state, double violationRate) {
    if (!(violationRate >= 0 && violationRate <= 1)) {
      throw new IllegalArgumentException("violationRate must be 0 to 1, but was " + violationRate);
    }
    state.betaMae = moved(state.betaMae, violationRate);
    state.gammaMape = moved(state.gammaMape, violationRate);
  }

  private double moved(double x, double violationRate) {
    double excess = violationRate - config.targetViolationRate;
    return switch (config.control) {
      case FIXED -> x;
      case ADDITIVE -> clamp(x + config.controlStep * excess, 1);
      case MULTIPLICATIVE -> clamp(x * (1 + config.controlStep * Math.signum(excess)), 2);
    };
  }

  private static double clamp(double x, double most) {
    return Math.max(0, Math.min(most, x));
  }

  /** The moving averages and the coefficients in use. Not thread-safe. */
  public static final class Errors {
    private double mae;
    private double mape;
    private double bias;
    private long samples;
    private double betaMae;
    private double gammaMape;

    private Errors(double betaMae, double gammaMape) {
      this.betaMae = betaMae;
      this.gammaMape = gammaMape;
    }

    /**
     * Returns the moving average of absolute errors.
     *
     * @return in the unit of the values; 0 before the first outcome
     */
    public double mae() {
      return mae;
    }

    /**
     * Returns the moving average of relative errors.
     *
     * @return a fraction; 0 before the first outcome
     */
    public double mape() {
      return mape;
    }

    /**
     * Returns the moving average of {@code actual - predicted}.
     *
     * @return in the unit of the values; 0 before the first outcome
     */
    public double bias() {
      return bias;
    }

    /**
     * Returns how many outcomes were seen.
     *
     * @return a count
     */
    public long samples() {
      return samples;
    }

    /**
     * Returns the coefficient of the absolute error in use.
     *
     * @return {@code beta}
     */
    public double betaMae() {
      return betaMae;
    }

    /**
     * Returns the coefficient of the relative error in use.
     *
     * @return {@code gamma}
     */
    public double gammaMape() {
      return gammaMape;
    }
  }
}
