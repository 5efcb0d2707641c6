package io.headway.simulator.workload;

import io.headway.api.RandomSource;
import java.util.Objects;
import org.apache.commons.math3.analysis.solvers.BrentSolver;

/**
 * Generates requests whose lengths follow bounded power laws, with Poisson or burstier arrivals:
 * the synthetic family of Llumnix (B. Sun et al., OSDI 2024), there used in the pairs short-short,
 * medium-medium, long-long, short-long and long-short with 10,000 requests.
 *
 * <p>A length has the density {@code ~ x^-(a+1)} on 1 .. {@value #MAX_TOKENS} tokens, with {@code
 * a} solved so that the mean is that of its {@link Length}; {@code x = (1 - u (1 -
 * MAX^-a))^(-1/a)}, rounded. Only the means are those of the paper: its quantiles belong to another
 * power law whose form it does not give.
 *
 * @param prompt length class of the prompts
 * @param output length class of the outputs
 * @param ratePerSecond mean rate, requests per second; above 0
 * @param cv coefficient of variation of the Gamma gaps, 0.01..100; 1 is Poisson
 * @param requests how many requests, at least 1
 */
public record PowerLaw(Length prompt, Length output, double ratePerSecond, double cv, int requests)
    implements WorkloadGenerator {

  /** Longest prompt or output, tokens. */
  public static final int MAX_TOKENS = 6_144;

  /** A length class, named by its mean. */
  public enum Length {
    /** Mean 128 tokens. */
    SHORT(128),
    /** Mean 256 tokens. */
    MEDIUM(256),
    /** Mean 512 tokens. */
    LONG(512);

    private final int meanTokens;
    private final double exponent;

    Length(int meanTokens) {
      this.meanTokens = meanTokens;
      this.exponent = new BrentSolver(1e-12).solve(200, a -> mean(a) - meanTokens, 1e-6, 1 - 1e-6);
    }

    /**
     * Returns the mean of this class.
     *
     * @return tokens
     */
    public int meanTokens() {
      return meanTokens;
    }

    int tokens(double probability) {
      double tail = StrictMath.pow(MAX_TOKENS, -exponent);
      double value = StrictMath.pow(1 - probability * (1 - tail), -1 / exponent);
      return (int) Math.max(1, Math.round(Math.min(value, MAX_TOKENS)));
    }

    private static double mean(double a) {
      double tail = StrictMath.pow(MAX_TOKENS, -a);
      return a / (a - 1) * (1 - StrictMath.pow(MAX_TOKENS, 1 - a)) / (1 - tail);
    }
  }

  /** Checks the parameters. */
  public PowerLaw {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(output, "output");
    GammaGaps.requireRate(ratePerSecond);
    GammaGaps.requireCv(cv);
    GammaGaps.requireRequests(requests);
  }

  /**
   * Returns the generator with Poisson arrivals.
   *
   * @param prompt length class of the prompts
   * @param output length class of the outputs
   * @param ratePerSecond mean rate, requests per second; above 0
   * @param requests how many requests, at least 1
   * @return a generator
   */
  public static PowerLaw poisson(Length prompt, Length output, double ratePerSecond, int requests) {
    return new PowerLaw(prompt, output, ratePerSecond, 1, requests);
  }

  @Override
  public Workload generate(long seed) {
    RandomSource root = RandomSource.seeded(seed);
    RandomSource lengths = RandomSource.seeded(root.nextLong());
    RandomSource times = RandomSource.seeded(root.nextLong());
    GammaGaps gaps = GammaGaps.ofRate(ratePerSecond, cv, times);
    Workload.Builder builder = Workload.builder("power-law");
    double at = 0;
    for (int i = 0; i < requests; i++) {
      int promptTokens = prompt.tokens(lengths.nextDouble());
      int outputTokens = output.tokens(lengths.nextDouble());
      builder.add(GammaGaps.nanos(at), promptTokens, outputTokens);
      at += gaps.next();
    }
    return builder.build();
  }
}
