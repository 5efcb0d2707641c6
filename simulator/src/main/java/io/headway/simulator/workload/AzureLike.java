package io.headway.simulator.workload;

import io.headway.api.RandomSource;
import java.util.Objects;

/**
 * Generates requests like those of the Azure LLM inference trace 2023, code or conversation, from
 * the quantiles measured in the published files.
 *
 * <p>Prompt lengths: inverse transform on the measured quantiles. Output lengths: of code
 * independent of the prompt; of conversation from the quantiles of the prompt's length class, since
 * there the output is not monotone in the prompt (prompts of 703 to 1315 tokens have a mode near
 * 400 output tokens, shorter and longer ones near 100). Arrivals: see {@link Arrivals}.
 *
 * <p>Against the traces the tables give these differences: mean prompt +1.4 % (code) and -0.2 %
 * (conversation), mean output +6 % and +1.4 %, variation of the renewal gaps 12.4 instead of 13.2
 * and 1.14 instead of 1.09. Code is an on/off process with long silences; {@link Arrivals#RATE}
 * keeps the silent minutes but is too smooth inside the busy ones. For published comparisons replay
 * the trace.
 *
 * <p>Source: P. Patel et al., "Splitwise", ISCA 2024, and the Azure Public Dataset (CC-BY).
 *
 * @param kind whose lengths and arrivals
 * @param arrivals how requests arrive
 * @param rateScale divides all gaps; above 0, 1 is the rate of the trace
 * @param requests how many requests, at least 1
 */
public record AzureLike(Kind kind, Arrivals arrivals, double rateScale, int requests)
    implements WorkloadGenerator {

  /** Which of the two traces. */
  public enum Kind {
    /** Code completion: long prompts, tiny outputs, bursts between silences. */
    CODE,
    /** Conversation: nearly Poisson arrivals whose rate drifts. */
    CONVERSATION
  }

  /** How requests arrive. */
  public enum Arrivals {
    /**
     * Independent gaps from the measured quantiles, interpolated in their logarithm: the variation
     * of the gaps is kept, their correlation is not.
     */
    RENEWAL,
    /**
     * The measured counts per minute, repeated every 58 minutes: unit-mean Gamma gaps (shape 0.835
     * for conversation, 0.12 for code) mapped through the cumulative counts.
     */
    RATE
  }

  private static final double[] P = {
    0, .01, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .99, .995, .999, 1
  };

  private static final QuantileTable CODE_GAP =
      QuantileTable.logarithmic(
          P, 6e-06, 2.217e-05, 8.8e-05, 0.000209, 0.001184, 0.003292, 0.0151, 0.0638, 0.09499,
          0.1001, 0.1601, 0.2729, 0.4008, 2.205, 9.978, 79.23, 217.2);
  private static final QuantileTable CODE_PROMPT =
      QuantileTable.linear(
          P, 3, 17, 75, 147, 385.6, 770, 1075, 1469, 1909, 2433, 3192, 5188, 7303, 7436, 7436, 7437,
          7437);
  private static final QuantileTable CODE_OUTPUT =
      QuantileTable.linear(
          P, 6, 6, 6, 7, 8, 9, 11, 13, 16, 20, 29, 55, 90, 251.5, 359.4, 825.3, 1899);
  private static final QuantileTable CONVERSATION_GAP =
      QuantileTable.logarithmic(
          P, 2e-06, 0.0005463, 0.00632, 0.01614, 0.03652, 0.06072, 0.08725, 0.1184, 0.1587, 0.2136,
          0.2888, 0.4207, 0.5652, 0.8897, 1.034, 1.411, 4.315);
  private static final QuantileTable CONVERSATION_PROMPT =
      QuantileTable.linear(
          P, 2, 29, 181, 207, 387, 403, 703, 1020, 1071, 1130, 1315, 2734, 4083, 4142, 4831, 6179,
          14050);
  private static final int[] CONVERSATION_CLASS_FROM = {2, 387, 703, 1071, 1315};
  private static final QuantileTable[] CONVERSATION_OUTPUT = {
    QuantileTable.linear(
        P, 7, 12, 16, 24, 63, 75, 87, 106, 133, 162, 179, 212.4, 217, 261.6, 310.5, 1000, 1000),
    QuantileTable.linear(
        P, 24, 51.96, 72.8, 80, 86, 90, 93.4, 97, 101, 107, 117, 135, 148, 184, 200, 388.4, 739),
    QuantileTable.linear(
        P, 10, 40, 76, 95, 375, 390, 396, 399, 409, 415, 429, 461, 532, 639.2, 701.1, 956.3, 1000),
    QuantileTable.linear(
        P, 26, 44, 79, 139, 375, 388, 396, 401, 411, 418, 429, 479.4, 550.6, 654.2, 881.6, 993.7,
        1000),
    QuantileTable.linear(
        P, 15, 27, 34, 39, 48, 56, 67, 78, 92, 108, 133, 168, 202.9, 407, 467.1, 666.9, 918)
  };

  private static final int[] CODE_PER_MINUTE = {
    63, 0, 0, 531, 187, 130, 15, 42, 38, 476, 421, 63, 0, 0, 632, 299, 0, 20, 396, 315, 116, 78,
    306, 447, 252, 34, 128, 111, 406, 234, 118, 169, 130, 306, 158, 0, 339, 55, 285, 191, 0, 28,
    205, 245, 99, 0, 0, 32, 0, 0, 0, 97, 212, 22, 32, 113, 47, 196
  };
  private static final int[] CONVERSATION_PER_MINUTE = {
    191, 265, 329, 353, 307, 273, 268, 261, 322, 298, 301, 302, 345, 326, 283, 279, 280, 308, 343,
    351, 351, 343, 408, 396, 386, 398, 432, 480, 476, 453, 448, 507, 438, 413, 423, 418, 465, 311,
    329, 316, 333, 355, 319, 360, 334, 375, 330, 249, 221, 249, 265, 280, 256, 254, 242, 260, 246,
    225
  };
  private static final double CODE_SHAPE = 0.12;
  private static final double CONVERSATION_SHAPE = 0.835;
  private static final double SECONDS_PER_MINUTE = 60;

  /** Checks the parameters. */
  public AzureLike {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(arrivals, "arrivals");
    if (!(rateScale > 0) || Double.isInfinite(rateScale)) {
      throw new IllegalArgumentException(
          "rateScale must be above 0 and finite, but was " + rateScale);
    }
    GammaGaps.requireRequests(requests);
  }

  /**
   * Returns the generator of conversation requests at the rate of the trace.
   *
   * @param requests how many requests, at least 1
   * @return a generator with renewal arrivals
   */
  public static AzureLike conversation(int requests) {
    return new AzureLike(Kind.CONVERSATION, Arrivals.RENEWAL, 1, requests);
  }

  /**
   * Returns the generator of code requests at the rate of the trace.
   *
   * @param requests how many requests, at least 1
   * @return a generator with renewal arrivals
   */
  public static AzureLike code(int requests) {
    return new AzureLike(Kind.CODE, Arrivals.RENEWAL, 1, requests);
  }

  @Override
  public Workload generate(long seed) {
    RandomSource root = RandomSource.seeded(seed);
    RandomSource lengths = RandomSource.seeded(root.nextLong());
    RandomSource times = RandomSource.seeded(root.nextLong());
    boolean code = kind == Kind.CODE;
    Workload.Builder builder =
        Workload.builder(code ? "azure-code-like" : "azure-conversation-like");
    double[] arrivalSeconds =
        arrivals == Arrivals.RENEWAL ? renewalArrivals(times) : rateArrivals(times);
    for (double seconds : arrivalSeconds) {
      int prompt = (code ? CODE_PROMPT : CONVERSATION_PROMPT).tokens(lengths.nextDouble());
      QuantileTable outputs = code ? CODE_OUTPUT : CONVERSATION_OUTPUT[classOf(prompt)];
      int output = outputs.tokens(lengths.nextDouble());
      builder.add(GammaGaps.nanos(seconds), prompt, output).type(code ? "code" : "conversation");
    }
    return builder.build();
  }

  private double[] renewalArrivals(RandomSource random) {
    QuantileTable gaps = kind == Kind.CODE ? CODE_GAP : CONVERSATION_GAP;
    double[] seconds = new double[requests];
    for (int i = 1; i < requests; i++) {
      seconds[i] = seconds[i - 1] + gaps.quantile(random.nextDouble()) / rateScale;
    }
    return seconds;
  }

  private double[] rateArrivals(RandomSource random) {
    boolean code = kind == Kind.CODE;
    int[] perMinute = code ? CODE_PER_MINUTE : CONVERSATION_PER_MINUTE;
    GammaGaps gaps = GammaGaps.unitMean(code ? CODE_SHAPE : CONVERSATION_SHAPE, random);
    double[] seconds = new double[requests];
    double inMinute = 0; // expected requests of the current minute that have passed
    long minute = 0;
    double first = 0;
    for (int i = 0; i < requests; i++) {
      double expected = gaps.next();
      int count = perMinute[(int) (minute % perMinute.length)];
      while (inMinute + expected >= count) {
        expected -= count - inMinute;
        inMinute = 0;
        minute++;
        count = perMinute[(int) (minute % perMinute.length)];
      }
      inMinute += expected;
      double at = (minute + inMinute / count) * SECONDS_PER_MINUTE;
      first = i == 0 ? at : first;
      seconds[i] = (at - first) / rateScale;
    }
    return seconds;
  }

  private static int classOf(int promptTokens) {
    int index = CONVERSATION_CLASS_FROM.length - 1;
    while (index > 0 && promptTokens < CONVERSATION_CLASS_FROM[index]) {
      index--;
    }
    return index;
  }
}
