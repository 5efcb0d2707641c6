package io.headway.simulator.workload;

import io.headway.api.RandomSource;
import org.apache.commons.math3.distribution.GammaDistribution;
import org.apache.commons.math3.random.AbstractRandomGenerator;

/**
 * The gaps of a Gamma renewal process: shape {@code 1/cv^2} and scale {@code mean * cv^2}. A
 * coefficient of variation of 1 gives exponential gaps, a Poisson process.
 */
final class GammaGaps {
  private static final double NANOS_PER_SECOND = 1e9;

  private final GammaDistribution gaps;

  private GammaGaps(double shape, double scale, RandomSource random) {
    gaps = new GammaDistribution(new Uniforms(random), shape, scale);
  }

  static GammaGaps ofRate(double ratePerSecond, double cv, RandomSource random) {
    double shape = 1 / (cv * cv);
    return new GammaGaps(shape, 1 / (ratePerSecond * shape), random);
  }

  static GammaGaps unitMean(double shape, RandomSource random) {
    return new GammaGaps(shape, 1 / shape, random);
  }

  double next() {
    return gaps.sample();
  }

  static long nanos(double seconds) {
    return Math.round(seconds * NANOS_PER_SECOND);
  }

  static void requireRate(double ratePerSecond) {
    if (!(ratePerSecond > 0) || Double.isInfinite(ratePerSecond)) {
      throw new IllegalArgumentException(
          "ratePerSecond must be above 0 requests per second and finite, but was " + ratePerSecond);
    }
  }

  static void requireCv(double cv) {
    if (!(cv >= 0.01 && cv <= 100)) {
      throw new IllegalArgumentException("cv must be in 0.01..100, but was " + cv);
    }
  }

  static void requireRequests(int requests) {
    if (requests < 1) {
      throw new IllegalArgumentException("requests must be at least 1, but was " + requests);
    }
  }

  /** The project's random numbers in the form that the library takes. */
  private static final class Uniforms extends AbstractRandomGenerator {
    private final RandomSource random;

    Uniforms(RandomSource random) {
      this.random = random;
    }

    @Override
    public void setSeed(long seed) {
      throw new UnsupportedOperationException("the seed is given where the source is made");
    }

    @Override
    public double nextDouble() {
      return random.nextDouble();
    }
  }
}
