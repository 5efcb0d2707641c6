package io.headway.predictors.evaluation;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import java.util.Arrays;
import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * Returns a true value with a controlled error, for robustness tests.
 *
 * <p>For truth {@code s}, level {@code e} and one draw, uniform {@code u} or standard normal {@code
 * z}:
 *
 * <ul>
 *   <li>{@link Distribution#UNIFORM}: {@code s (1 + U)}, {@code U = 4 e u - 2 e}, so that the mean
 *       absolute relative error is {@code e}; negative beyond {@code e = 1/2}
 *   <li>{@link Distribution#GAUSSIAN}: {@code s max(0.05, 1 + e sqrt(pi / 2) z)}, of the same mean
 *       absolute relative error before it is cut off
 *   <li>{@link Distribution#BIASED}: {@code s (1 - e)}
 *   <li>{@link Distribution#LOG_NORMAL}: {@code s exp(e z - e^2 / 2)}, whose mean is {@code s}
 * </ul>
 *
 * each times the bias factor. The first three are the project's reading of the error levels in GAPS
 * (AAMAS 2026), whose distribution is not published. Immutable.
 *
 * @param distribution shape of the error
 * @param level {@code e}, finite and at least 0
 * @param biasFactor finite and above 0; 1 for none
 */
public record ErrorInjection(Distribution distribution, double level, double biasFactor) {
  /** Shapes of the error. */
  public enum Distribution {
    /** Uniform relative error in {@code [-2 e, 2 e]}. */
    UNIFORM,
    /** Normal relative error, cut off at a twentieth of the truth. */
    GAUSSIAN,
    /** A constant share too low. */
    BIASED,
    /** Multiplicative log-normal error that keeps the mean. */
    LOG_NORMAL
  }

  private static final double HALF_NORMAL = Math.sqrt(Math.PI / 2);
  private static final NormalDistribution NORMAL = new NormalDistribution(null, 0, 1);

  /** Checks the values. */
  public ErrorInjection {
    requireNonNull(distribution, "distribution");
    if (!(level >= 0) || Double.isInfinite(level)) {
      throw new IllegalArgumentException("level must be finite and at least 0, but was " + level);
    }
    if (!(biasFactor > 0) || Double.isInfinite(biasFactor)) {
      throw new IllegalArgumentException(
          "biasFactor must be finite and above 0, but was " + biasFactor);
    }
  }

  /**
   * Returns the disturbed value for a given draw.
   *
   * @param truth the true value
   * @param draw uniform in [0, 1) for {@link Distribution#UNIFORM}, standard normal for {@link
   *     Distribution#GAUSSIAN} and {@link Distribution#LOG_NORMAL}, not looked at otherwise
   * @return the value to predict
   */
  public double disturb(double truth, double draw) {
    double factor =
        switch (distribution) {
          case UNIFORM -> 1 + (4 * level * draw - 2 * level);
          case GAUSSIAN -> Math.max(0.05, 1 + level * HALF_NORMAL * draw);
          case BIASED -> 1 - level;
          case LOG_NORMAL -> Math.exp(level * draw - level * level / 2);
        };
    return truth * factor * biasFactor;
  }

  /**
   * Returns the disturbed value, taking exactly one draw from a source.
   *
   * @param truth the true value
   * @param random where the draw comes from
   * @return the value to predict
   */
  public double disturb(double truth, RandomSource random) {
    double uniform = random.nextDouble();
    boolean normal =
        distribution == Distribution.GAUSSIAN || distribution == Distribution.LOG_NORMAL;
    // A draw of exactly 0 would be an infinite deviation.
    return disturb(
        truth,
        normal ? NORMAL.inverseCumulativeProbability(Math.max(uniform, 0x1.0p-54)) : uniform);
  }

  /**
   * Returns the most misleading order: the r-th smallest value (ties by index) receives the r-th
   * largest.
   *
   * @param values finite numbers
   * @return as many numbers, the same ones in other places
   */
  public static double[] reversed(double[] values) {
    Integer[] order = new Integer[values.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(values[a], values[b]));
    double[] result = new double[values.length];
    for (int r = 0; r < order.length; r++) {
      result[order[r]] = values[order[order.length - 1 - r]];
    }
    return result;
  }
}
