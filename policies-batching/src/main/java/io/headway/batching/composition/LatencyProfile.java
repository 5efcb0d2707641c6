package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;

/**
 * How long iterations of certain sizes take, as measured on a machine. Immutable.
 *
 * @param points by tokens, ascending
 */
public record LatencyProfile(List<Point> points) {
  /** Greatest number of points. */
  public static final int MOST_POINTS = 1024;

  /**
   * {@link LinearBatchTime#DEFAULT} at powers of two from 64 to 2,048 tokens. Ours; measure your
   * own.
   */
  public static final LatencyProfile DEFAULT =
      parse("64:0.01155,128:0.01635,256:0.02595,512:0.04515,1024:0.08355,2048:0.16035");

  private static final double NANOS = 1e9;
  // Decimals such as 0.075 are a little more or less than they say.
  private static final double ROUNDING_NANOS = 1e-3;

  /**
   * One measurement.
   *
   * @param tokens computed in the iteration, at least 1
   * @param nanos how long it took, above 0
   */
  public record Point(int tokens, double nanos) {
    public Point {
      if (tokens < 1 || !(nanos > 0) || Double.isInfinite(nanos)) {
        throw new IllegalArgumentException(
            "a point of a latency profile needs at least 1 token and a finite time above 0 ns, but"
                + " was "
                + tokens
                + " tokens in "
                + nanos
                + " ns");
      }
    }
  }

  public LatencyProfile {
    points = List.copyOf(requireNonNull(points, "points"));
    if (points.isEmpty() || points.size() > MOST_POINTS) {
      throw new IllegalArgumentException(
          "a latency profile must have 1 to " + MOST_POINTS + " points, but has " + points.size());
    }
    for (int i = 1; i < points.size(); i++) {
      if (points.get(i).tokens <= points.get(i - 1).tokens) {
        throw new IllegalArgumentException(
            "the points of a latency profile must ascend by tokens, but "
                + points.get(i).tokens
                + " follows "
                + points.get(i - 1).tokens);
      }
    }
  }

  /**
   * Reads a profile.
   *
   * @param text {@code tokens:seconds} entries separated by commas, such as {@code
   *     64:0.012,512:0.04}
   * @return the profile
   * @throws IllegalArgumentException if it is malformed, saying what would be right
   */
  public static LatencyProfile parse(String text) {
    List<Point> points = new ArrayList<>();
    for (String entry : text.split(",", -1)) {
      int colon = entry.indexOf(':');
      try {
        points.add(
            new Point(
                Integer.parseInt(entry.substring(0, Math.max(0, colon)).strip()),
                Double.parseDouble(entry.substring(colon + 1).strip()) * NANOS));
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            "a latency profile must be tokens:seconds entries separated by commas, such as"
                + " (64:0.012,512:0.04), but has '"
                + entry
                + "'",
            e);
      }
    }
    return new LatencyProfile(points);
  }

  /**
   * Returns the largest measured size that stays within a limit.
   *
   * @param limitNanos the limit
   * @return tokens; 0 if none does
   */
  public int budgetTokens(double limitNanos) {
    int budget = 0;
    for (Point point : points) {
      if (point.nanos <= limitNanos + ROUNDING_NANOS) {
        budget = point.tokens;
      }
    }
    return budget;
  }
}
