package io.headway.simulator.workload;

import io.headway.api.RandomSource;

/**
 * Generates requests with the lengths of ShareGPT's GPT-4 conversations and Poisson or burstier
 * arrivals.
 *
 * <p>Lengths are sampled by inverse transform on published quantiles: prompts 74 / 348 / 1484 /
 * 3388 and outputs 487 / 781 / 988 / 1234 tokens at 50 / 80 / 95 / 99 %. The ends (1 and 4096, 1
 * and 2048 tokens) and the interpolation (prompts logarithmic, outputs linear) are this project's
 * choice; they put the means within 2 % of the published 306 and 500.
 *
 * <p>Source: the summary in B. Sun et al., "Llumnix", OSDI 2024, Table 1.
 *
 * @param ratePerSecond mean rate, requests per second; above 0
 * @param cv coefficient of variation of the Gamma gaps, 0.01..100; 1 is Poisson
 * @param requests how many requests, at least 1
 */
public record ShareGptLike(double ratePerSecond, double cv, int requests)
    implements WorkloadGenerator {

  private static final double[] P = {0, 0.5, 0.8, 0.95, 0.99, 1};
  private static final QuantileTable PROMPT =
      QuantileTable.logarithmic(P, 1, 74, 348, 1484, 3388, 4096);
  private static final QuantileTable OUTPUT = QuantileTable.linear(P, 1, 487, 781, 988, 1234, 2048);

  /** Checks the parameters. */
  public ShareGptLike {
    GammaGaps.requireRate(ratePerSecond);
    GammaGaps.requireCv(cv);
    GammaGaps.requireRequests(requests);
  }

  @Override
  public Workload generate(long seed) {
    RandomSource root = RandomSource.seeded(seed);
    RandomSource lengths = RandomSource.seeded(root.nextLong());
    RandomSource times = RandomSource.seeded(root.nextLong());
    GammaGaps gaps = GammaGaps.ofRate(ratePerSecond, cv, times);
    Workload.Builder builder = Workload.builder("sharegpt-like");
    double at = 0;
    for (int i = 0; i < requests; i++) {
      int prompt = PROMPT.tokens(lengths.nextDouble());
      int output = OUTPUT.tokens(lengths.nextDouble());
      builder.add(GammaGaps.nanos(at), prompt, output).type("conversation");
      at += gaps.next();
    }
    return builder.build();
  }
}
