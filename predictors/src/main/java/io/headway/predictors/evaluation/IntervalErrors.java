package io.headway.predictors.evaluation;

/** Collects how interval predictions fare: coverage and mean width. Not thread-safe. */
public final class IntervalErrors {
  private long count;
  private long covered;
  private double width;

  /** Makes an empty collection. */
  public IntervalErrors() {}

  /**
   * Adds one prediction.
   *
   * @param low lower end, covered itself
   * @param high upper end, covered itself, at least {@code low}
   * @param actual what came true
   * @throws IllegalArgumentException if the ends are out of order or a value is NaN
   */
  public void add(double low, double high, double actual) {
    if (!(low <= high) || Double.isNaN(actual)) {
      throw new IllegalArgumentException(
          "low must be at most high and actual a number, but they were "
              + low
              + ", "
              + high
              + " and "
              + actual);
    }
    count++;
    if (low <= actual && actual <= high) {
      covered++;
    }
    width += high - low;
  }

  /**
   * Returns the share of outcomes inside their interval.
   *
   * @return 0 to 1
   * @throws IllegalArgumentException if nothing was added
   */
  public double coverage() {
    requireRows();
    return (double) covered / count;
  }

  /**
   * Returns the mean width of the intervals.
   *
   * @return at least 0
   * @throws IllegalArgumentException if nothing was added
   */
  public double meanWidth() {
    requireRows();
    return width / count;
  }

  private void requireRows() {
    if (count == 0) {
      throw new IllegalArgumentException(
          "an interval measure needs at least 1 row, but there is none");
    }
  }
}
