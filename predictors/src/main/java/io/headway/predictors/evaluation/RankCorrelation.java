package io.headway.predictors.evaluation;

import java.util.OptionalDouble;
import org.apache.commons.math3.stat.correlation.KendallsCorrelation;

/** Says how well one list orders another. Stateless. */
public final class RankCorrelation {
  private RankCorrelation() {}

  /**
   * Returns Kendall's tau-b: concordant minus discordant pairs, divided by the geometric mean of
   * the numbers of pairs not tied in each list. O(n log n).
   *
   * @param a finite numbers
   * @param b as many finite numbers
   * @return -1 to 1; empty if a list is constant or has fewer than 2 entries
   * @throws IllegalArgumentException if the lengths differ
   */
  public static OptionalDouble kendallTauB(double[] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "both lists must be of one length, but have "
              + a.length
              + " and "
              + b.length
              + " entries");
    }
    if (constant(a) || constant(b)) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(new KendallsCorrelation().correlation(a, b));
  }

  private static boolean constant(double[] values) {
    for (int i = 1; i < values.length; i++) {
      if (values[i] != values[0]) {
        return false;
      }
    }
    return true;
  }
}
