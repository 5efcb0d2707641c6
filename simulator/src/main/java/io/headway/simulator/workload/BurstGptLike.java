package io.headway.simulator.workload;

import io.headway.api.RandomSource;
import java.util.List;
import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * Generates requests like the GPT-4 conversations of BurstGPT, with burstiness that changes over
 * time: a Gamma renewal process per window, whose coefficient of variation cycles through a list.
 *
 * <p>Lengths are log-normal through published quantiles (prompt: median 582, 95th percentile 2345;
 * output: 243 and 669), cut at 1.5 times the 99th (5323 and 1446). The cycle of variations and the
 * constant rate are this project's assumption, not a published fit.
 *
 * <p>Source: Y. Wang et al., "BurstGPT", KDD 2025; the quantiles as quoted by B. Sun et al.,
 * "Llumnix", OSDI 2024.
 *
 * @param ratePerSecond mean rate, requests per second; above 0
 * @param cvCycle coefficient of variation of the gaps in each window, repeated; each in 0.01..100
 * @param windowSeconds length of a window, seconds; above 0
 * @param requests how many requests, at least 1
 */
public record BurstGptLike(
    double ratePerSecond, List<Double> cvCycle, double windowSeconds, int requests)
    implements WorkloadGenerator {

  /** The default cycle of variations: smoother than Poisson, Poisson, twice and four times. */
  public static final List<Double> DEFAULT_CV_CYCLE = List.of(0.7, 1.0, 2.0, 4.0);

  /** The default window, seconds: 20 minutes. */
  public static final double DEFAULT_WINDOW_SECONDS = 1_200;

  private static final double Z95 =
      new NormalDistribution(null, 0, 1).inverseCumulativeProbability(0.95);
  private static final LogNormalTokens PROMPT = new LogNormalTokens(582, 2345, 1.5 * 3549);
  private static final LogNormalTokens OUTPUT = new LogNormalTokens(243, 669, 1.5 * 964);

  /** Checks the parameters. */
  public BurstGptLike {
    GammaGaps.requireRate(ratePerSecond);
    cvCycle = List.copyOf(cvCycle);
    if (cvCycle.isEmpty()) {
      throw new IllegalArgumentException("cvCycle must have at least 1 entry, but was empty");
    }
    for (double cv : cvCycle) {
      GammaGaps.requireCv(cv);
    }
    if (!(windowSeconds > 0) || Double.isInfinite(windowSeconds)) {
      throw new IllegalArgumentException(
          "windowSeconds must be above 0 seconds and finite, but was " + windowSeconds);
    }
    GammaGaps.requireRequests(requests);
  }

  /**
   * Returns the generator with the default cycle and window.
   *
   * @param ratePerSecond mean rate, requests per second; above 0
   * @param requests how many requests, at least 1
   * @return a generator
   */
  public static BurstGptLike of(double ratePerSecond, int requests) {
    return new BurstGptLike(ratePerSecond, DEFAULT_CV_CYCLE, DEFAULT_WINDOW_SECONDS, requests);
  }

  @Override
  public Workload generate(long seed) {
    RandomSource root = RandomSource.seeded(seed);
    RandomSource lengths = RandomSource.seeded(root.nextLong());
    RandomSource times = RandomSource.seeded(root.nextLong());
    Workload.Builder builder = Workload.builder("burstgpt-like");
    NormalDistribution normal = new NormalDistribution(null, 0, 1);
    double first = -1;
    int made = 0;
    for (int window = 0; made < requests; window++) {
      double start = window * windowSeconds;
      double cv = cvCycle.get(window % cvCycle.size());
      GammaGaps gaps = GammaGaps.ofRate(ratePerSecond, cv, times);
      double at = start + gaps.next();
      while (at < start + windowSeconds && made < requests) {
        first = made == 0 ? at : first;
        int prompt = PROMPT.at(normal, lengths.nextDouble());
        int output = OUTPUT.at(normal, lengths.nextDouble());
        builder.add(GammaGaps.nanos(at - first), prompt, output).type("conversation");
        made++;
        at += gaps.next();
      }
    }
    return builder.build();
  }

  /** Log-normal lengths through a median and a 95th percentile. */
  private record LogNormalTokens(double median, double p95, double maximum) {
    int at(NormalDistribution normal, double probability) {
      // The smallest uniform is 0, whose quantile is infinite: the middle of its cell instead.
      double u = probability + 0x1.0p-54;
      double sigma = StrictMath.log(p95 / median) / Z95;
      double tokens = median * StrictMath.exp(sigma * normal.inverseCumulativeProbability(u));
      return (int) Math.max(1, Math.round(Math.min(tokens, maximum)));
    }
  }
}
