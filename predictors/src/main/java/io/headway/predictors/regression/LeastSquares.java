package io.headway.predictors.regression;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.jspecify.annotations.Nullable;

/**
 * Fits linear models to a finite set of rows: ordinary and weighted ridge least squares, solved
 * through orthogonal decompositions of the rows themselves, so that the condition of the problem is
 * not squared. Stateless; allocates; meant for fits, not for hot paths.
 */
public final class LeastSquares {
  private LeastSquares() {}

  /**
   * Returns the coefficients that minimise {@code sum_t (y_t - x_t' b)^2}.
   *
   * @param rows one row of features per observation, all of one length of at least 1
   * @param targets one target per row
   * @return one coefficient per feature; null if the rows do not determine them (fewer independent
   *     rows than features)
   * @throws IllegalArgumentException if the shapes do not agree or a number is not finite
   */
  public static double @Nullable [] ordinary(double[][] rows, double[] targets) {
    int features = check(rows, targets);
    if (rows.length < features) {
      return null;
    }
    RealMatrix matrix = new Array2DRowRealMatrix(rows, false);
    if (new SingularValueDecomposition(matrix).getRank() < features) {
      return null;
    }
    return new QRDecomposition(matrix)
        .getSolver()
        .solve(new ArrayRealVector(targets, false))
        .toArray();
  }

  /**
   * Returns the coefficients that minimise {@code sum_t w_t (y_t - x_t' b)^2 + sum_j p_j b_j^2}.
   *
   * @param rows one row of features per observation, all of the length of {@code penalties}
   * @param targets one target per row
   * @param weights one weight per row, at least 0
   * @param penalties one penalty per feature, at least 0
   * @return one coefficient per feature; null if rows and penalties together do not determine them
   * @throws IllegalArgumentException if the shapes do not agree, a number is not finite, or a
   *     weight or penalty is negative
   */
  public static double @Nullable [] ridge(
      double[][] rows, double[] targets, double[] weights, double[] penalties) {
    int features = penalties.length;
    if (rows.length > 0) {
      int width = check(rows, targets);
      if (width != features) {
        throw new IllegalArgumentException(
            "penalties must have one entry per feature, " + width + ", but has " + features);
      }
    }
    if (weights.length != rows.length) {
      throw new IllegalArgumentException(
          "weights must have one entry per row, " + rows.length + ", but has " + weights.length);
    }
    // A penalty p is the same as one more row sqrt(p) e_j with target 0.
    double[][] extended = new double[rows.length + features][];
    double[] extendedTargets = new double[rows.length + features];
    for (int t = 0; t < rows.length; t++) {
      double root = root("weights", weights[t]);
      extended[t] = new double[features];
      for (int j = 0; j < features; j++) {
        extended[t][j] = root * rows[t][j];
      }
      extendedTargets[t] = root * targets[t];
    }
    for (int j = 0; j < features; j++) {
      extended[rows.length + j] = new double[features];
      extended[rows.length + j][j] = root("penalties", penalties[j]);
    }
    RealMatrix matrix = new Array2DRowRealMatrix(extended, false);
    DecompositionSolver solver = new QRDecomposition(matrix).getSolver();
    if (!solver.isNonSingular()) {
      return null;
    }
    return solver.solve(new ArrayRealVector(extendedTargets, false)).toArray();
  }

  private static int check(double[][] rows, double[] targets) {
    if (targets.length != rows.length) {
      throw new IllegalArgumentException(
          "targets must have one entry per row, " + rows.length + ", but has " + targets.length);
    }
    if (rows.length == 0) {
      throw new IllegalArgumentException("rows must have at least 1 row, but has none");
    }
    int features = rows[0].length;
    if (features == 0) {
      throw new IllegalArgumentException("rows must have at least 1 feature, but row 0 has none");
    }
    for (int t = 0; t < rows.length; t++) {
      if (rows[t].length != features) {
        throw new IllegalArgumentException(
            "rows must all have "
                + features
                + " features, but row "
                + t
                + " has "
                + rows[t].length);
      }
      for (double value : rows[t]) {
        finite("rows[" + t + "]", value);
      }
      finite("targets[" + t + "]", targets[t]);
    }
    return features;
  }

  private static double root(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be finite and at least 0, but one was " + value);
    }
    return Math.sqrt(value);
  }

  private static void finite(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be finite, but was " + value);
    }
  }
}
