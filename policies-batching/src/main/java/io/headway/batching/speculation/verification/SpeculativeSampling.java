package io.headway.batching.speculation.verification;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rule that all lossless verification builds on (Leviathan et al., ICML 2023; Chen et al.,
 * arXiv 2302.01318): a token drafted from {@code q} is accepted against the target's {@code p} iff
 * {@code r < min(1, p/q)}, strictly; after a refusal the next token is drawn from the residual
 * {@code max(0, p - q)}, normalised. Stateless.
 */
public final class SpeculativeSampling {
  /** Weights up to this are rounding and never drawn. */
  static final double NO_MASS = 1e-12;

  private static final double SUM_TOLERANCE = 1e-9;

  private SpeculativeSampling() {}

  /**
   * Returns the probability that one position is accepted: {@code sum_x min(p(x), q(x))}.
   *
   * @param target {@code p}, summing to 1
   * @param draft {@code q}, summing to 1, as long
   * @return 0 to 1; symmetric
   * @throws IllegalArgumentException if the lengths differ or a sum is off 1 by more than 1e-9
   */
  public static double acceptance(double[] target, double[] draft) {
    requireDistributions(target, draft);
    double sum = 0;
    for (int x = 0; x < target.length; x++) {
      sum += Math.min(target[x], draft[x]);
    }
    return sum;
  }

  /**
   * Returns the distance of two distributions: half the sum of {@code |p(x) - q(x)|}.
   *
   * @param target {@code p}, summing to 1
   * @param draft {@code q}, summing to 1, as long
   * @return 0 to 1
   * @throws IllegalArgumentException if the lengths differ or a sum is off 1 by more than 1e-9
   */
  public static double distance(double[] target, double[] draft) {
    requireDistributions(target, draft);
    double sum = 0;
    for (int x = 0; x < target.length; x++) {
      sum += Math.abs(target[x] - draft[x]);
    }
    return sum / 2;
  }

  /**
   * Returns what is left of the target after a refusal: {@code max(0, p - q)}, normalised.
   *
   * @param target {@code p}
   * @param draft {@code q}, as long
   * @return a new distribution; null if it has no mass
   * @throws IllegalArgumentException if the lengths differ
   */
  public static double @Nullable [] residual(double[] target, double[] draft) {
    requireSameLength(target, draft);
    double[] rest = new double[target.length];
    double mass = 0;
    for (int x = 0; x < rest.length; x++) {
      rest[x] = Math.max(0, target[x] - draft[x]);
      mass += rest[x];
    }
    if (mass <= NO_MASS) {
      return null;
    }
    for (int x = 0; x < rest.length; x++) {
      rest[x] /= mass;
    }
    return rest;
  }

  /** The residual, or the target itself where rounding left no mass. */
  static double[] residualOrTarget(double[] target, double[] draft) {
    double[] rest = residual(target, draft);
    return rest == null ? target.clone() : rest;
  }

  /**
   * Draws a token: the first one whose cumulative weight exceeds {@code u}; weights up to 1e-12 are
   * never drawn.
   *
   * @param weights weights summing to 1
   * @param uniform {@code u} in [0, 1)
   * @return an index with weight
   * @throws IllegalArgumentException if no weight is above 1e-12 or {@code u} is out of range
   */
  public static int draw(double[] weights, double uniform) {
    requireUniform(uniform);
    double cumulative = 0;
    int last = -1;
    for (int x = 0; x < weights.length; x++) {
      cumulative += weights[x];
      if (weights[x] > NO_MASS) {
        if (uniform < cumulative) {
          return x;
        }
        last = x;
      }
    }
    if (last < 0) {
      throw new IllegalArgumentException(
          "weights must have an entry above 1e-12, but were " + Arrays.toString(weights));
    }
    return last;
  }

  /**
   * Returns the most probable token.
   *
   * @param weights at least 1 number
   * @return its index, ties to the lower
   * @throws IllegalArgumentException if there is none
   */
  public static int argmax(double[] weights) {
    if (weights.length == 0) {
      throw new IllegalArgumentException("weights must have at least 1 entry, but has none");
    }
    int best = 0;
    for (int x = 1; x < weights.length; x++) {
      if (weights[x] > weights[best]) {
        best = x;
      }
    }
    return best;
  }

  static void requireUniform(double uniform) {
    if (!(uniform >= 0 && uniform < 1)) {
      throw new IllegalArgumentException("uniform must be in [0, 1), but was " + uniform);
    }
  }

  static void requireDistributions(double[] target, double[] draft) {
    requireSameLength(target, draft);
    requireDistribution("target", target);
    requireDistribution("draft", draft);
  }

  private static void requireSameLength(double[] target, double[] draft) {
    if (target.length != draft.length) {
      throw new IllegalArgumentException(
          "target and draft must be of one length, but have "
              + target.length
              + " and "
              + draft.length
              + " entries");
    }
  }

  private static void requireDistribution(String name, double[] probabilities) {
    double sum = 0;
    for (double p : probabilities) {
      if (!(p >= 0)) {
        throw new IllegalArgumentException(
            name + " must have entries of at least 0, but one was " + p);
      }
      sum += p;
    }
    if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
      throw new IllegalArgumentException(name + " must sum to 1, but sums to " + sum);
    }
  }
}
