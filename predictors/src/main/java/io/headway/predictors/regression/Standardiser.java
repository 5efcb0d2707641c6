package io.headway.predictors.regression;

/**
 * Keeps mean and variance of every column of a stream of rows (Welford) and returns rows shifted to
 * mean 0 and scaled to deviation 1. Columns that never varied become 0. Mutable, not thread-safe.
 */
public final class Standardiser {
  private final double[] means;
  private final double[] squares;
  private long count;

  /**
   * Makes an empty standardiser.
   *
   * @param columns numbers per row, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public Standardiser(int columns) {
    if (columns < 1) {
      throw new IllegalArgumentException("columns must be at least 1, but was " + columns);
    }
    means = new double[columns];
    squares = new double[columns];
  }

  /**
   * Takes in one row.
   *
   * @param row one finite number per column
   */
  public void add(double[] row) {
    count++;
    for (int i = 0; i < means.length; i++) {
      double delta = row[i] - means[i];
      means[i] += delta / count;
      squares[i] += delta * (row[i] - means[i]);
    }
  }

  /**
   * Standardises one column of a row.
   *
   * @param column which column
   * @param value its value
   * @return {@code (value - mean) / deviation}; 0 if the column never varied
   */
  public double scale(int column, double value) {
    double deviation = deviation(column);
    return deviation == 0 ? 0 : (value - means[column]) / deviation;
  }

  /**
   * Undoes {@link #scale}.
   *
   * @param column which column
   * @param scaled a standardised value
   * @return {@code mean + deviation * scaled}
   */
  public double unscale(int column, double scaled) {
    return means[column] + deviation(column) * scaled;
  }

  private double deviation(int column) {
    return count < 2 ? 0 : Math.sqrt(squares[column] / count);
  }
}
