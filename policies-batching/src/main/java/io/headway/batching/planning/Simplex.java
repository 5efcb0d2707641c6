package io.headway.batching.planning;

/**
 * The simplex method on a dense tableau, from a basis that is known to be feasible, with Bland's
 * rule, so that it ends and always ends alike. Own code, since the library that has it is an
 * automatic module, which would keep engines from jlink.
 */
final class Simplex {
  private static final double EPSILON = 1e-9;

  /** Rows of coefficients and, last, the right-hand side; the last row holds the reduced costs. */
  private final double[][] tableau;

  private final int[] basis;
  private final int columns;

  /**
   * Takes a program {@code min cost x, rows x = right, x >= 0}.
   *
   * @param rows one array of coefficients per equation, slack columns included
   * @param right right-hand sides, at least 0
   * @param cost per column
   * @param basis one column per equation; together they give a solution of at least 0
   */
  Simplex(double[][] rows, double[] right, double[] cost, int[] basis) {
    columns = cost.length;
    tableau = new double[rows.length + 1][columns + 1];
    for (int r = 0; r < rows.length; r++) {
      System.arraycopy(rows[r], 0, tableau[r], 0, columns);
      tableau[r][columns] = right[r];
    }
    System.arraycopy(cost, 0, tableau[rows.length], 0, columns);
    this.basis = basis.clone();
    for (int r = 0; r < rows.length; r++) {
      pivot(r, basis[r]);
    }
  }

  /**
   * Solves it.
   *
   * @return one value per column
   */
  double[] solve() {
    int rows = basis.length;
    for (int enter = entering(); enter >= 0; enter = entering()) {
      int leave = -1;
      double least = Double.POSITIVE_INFINITY;
      for (int r = 0; r < rows; r++) {
        if (tableau[r][enter] > EPSILON) {
          double ratio = tableau[r][columns] / tableau[r][enter];
          if (ratio < least - EPSILON
              || (ratio <= least + EPSILON && leave >= 0 && basis[r] < basis[leave])) {
            least = Math.min(least, ratio);
            leave = r;
          }
        }
      }
      if (leave < 0) {
        throw new IllegalStateException("a program with bounded shares cannot be unbounded");
      }
      pivot(leave, enter);
      basis[leave] = enter;
    }
    double[] x = new double[columns];
    for (int r = 0; r < rows; r++) {
      x[basis[r]] = Math.max(0, tableau[r][columns]);
    }
    return x;
  }

  /** Returns the first column that lowers the cost, or -1 at the optimum. */
  private int entering() {
    double[] reduced = tableau[basis.length];
    for (int c = 0; c < columns; c++) {
      if (reduced[c] < -EPSILON) {
        return c;
      }
    }
    return -1;
  }

  private void pivot(int row, int column) {
    double[] pivotRow = tableau[row];
    double by = pivotRow[column];
    for (int c = 0; c <= columns; c++) {
      pivotRow[c] /= by;
    }
    for (int r = 0; r < tableau.length; r++) {
      double factor = tableau[r][column];
      if (r != row && factor != 0) {
        double[] changed = tableau[r];
        for (int c = 0; c <= columns; c++) {
          changed[c] -= factor * pivotRow[c];
        }
      }
    }
  }
}
