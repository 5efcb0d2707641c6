package io.headway.simulator.cost;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import java.util.List;
import java.util.Objects;

/**
 * Iteration times from the tables published with Splitwise (P. Patel et al., "Splitwise: Efficient
 * generative LLM inference using phase splitting", ISCA 2024, simulator data; eight devices each).
 *
 * <p>A batch is looked up by its tokens {@code x}: prompt tokens and one per decoding sequence. A
 * batch of prompts follows the prompt curve, a batch of decodes the token curve, and a mixed one
 * {@code mixedFactor} times the prompt curve. Between the measured points the curves are linear,
 * and their end segments extrapolate (not below 0). The publication knows no chunked prefill: the
 * history of a chunk costs nothing here. Drafted tokens and padding count as prompt tokens.
 *
 * <p>The measured curves are not monotone everywhere. O(log points), allocation-free, immutable and
 * thread-safe.
 */
public final class SplitwiseCostModel implements IterationTimeModel {
  private static final double MILLIS_PER_SECOND = 1e3;

  private final Table table;

  /**
   * Creates a model.
   *
   * @param table the measured curves
   */
  public SplitwiseCostModel(Table table) {
    this.table = Objects.requireNonNull(table, "table");
  }

  @Override
  public double seconds(IterationShape shape) {
    return millis(shape) / MILLIS_PER_SECOND;
  }

  /**
   * Returns the duration in the unit of the publication.
   *
   * @param shape what the iteration computes
   * @return milliseconds; 0 for an empty shape
   */
  public double millis(IterationShape shape) {
    long tokens = shape.queryTokens();
    if (tokens == 0) {
      return 0;
    }
    if (tokens == shape.decodes()) {
      return table.tokenMillis(tokens);
    }
    double prompt = table.promptMillis(tokens);
    return shape.decodes() == 0 ? prompt : table.mixedFactor * prompt;
  }

  @Override
  public String toString() {
    return "splitwise:" + table.name;
  }

  /** The measured curves of one model on one kind of device. Immutable. */
  public static final class Table {
    /** Default ratio of a mixed batch to a batch of prompts. */
    public static final double DEFAULT_MIXED_FACTOR = 1.1;

    private static final double[] TOKENS = {128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    private static final double H100_CAP_FACTOR = 1.30;

    /** Llama 2 70B on eight A100. */
    public static final Table LLAMA2_70B_A100 =
        published(
            "llama2-70b-a100",
            new double[] {65.35, 66.76, 93.02, 160.86, 282.71, 708.36, 1780.97, 3524.54, 7553.99},
            new double[] {43.03, 43.48, 45.03, 44.56, 45.70, 46.47, 48.47, 53.02, 71.61});

    /** Llama 2 70B on eight H100. */
    public static final Table LLAMA2_70B_H100 =
        published(
            "llama2-70b-h100",
            new double[] {58.19, 51.66, 53.86, 77.68, 134.42, 376.22, 831.49, 1551.73, 2936.33},
            new double[] {29.87, 28.27, 30.56, 29.97, 31.63, 31.33, 32.59, 38.62, 50.16});

    /** BLOOM 176B on eight A100. */
    public static final Table BLOOM_176B_A100 =
        published(
            "bloom-176b-a100",
            new double[] {
              79.67, 99.16, 174.38, 287.47, 536.06, 1332.64, 3591.47, 5782.00, 11251.83
            },
            new double[] {47.61, 47.71, 49.31, 49.44, 50.19, 51.63, 54.27, 65.38, 96.58});

    /** BLOOM 176B on eight H100. */
    public static final Table BLOOM_176B_H100 =
        published(
            "bloom-176b-h100",
            new double[] {48.28, 51.18, 76.14, 132.22, 251.96, 649.60, 1411.57, 2521.91, 4996.45},
            new double[] {35.74, 36.15, 36.17, 36.33, 36.74, 37.53, 39.02, 45.84, 63.82});

    /** Llama 2 70B on eight power-capped H100: the prompt curve of the H100 times 1.30. */
    public static final Table LLAMA2_70B_H100_CAPPED = LLAMA2_70B_H100.capped();

    /** BLOOM 176B on eight power-capped H100: the prompt curve of the H100 times 1.30. */
    public static final Table BLOOM_176B_H100_CAPPED = BLOOM_176B_H100.capped();

    private static final List<Table> PRESETS =
        List.of(
            LLAMA2_70B_A100,
            LLAMA2_70B_H100,
            LLAMA2_70B_H100_CAPPED,
            BLOOM_176B_A100,
            BLOOM_176B_H100,
            BLOOM_176B_H100_CAPPED);

    private final String name;
    private final double[] batchTokens;
    private final double[] promptMillis;
    private final double[] tokenMillis;
    private final double mixedFactor;

    /**
     * Creates a table.
     *
     * @param name what it is called
     * @param batchTokens measured batch sizes, tokens; strictly ascending, at least two
     * @param promptMillis time of a batch of prompts at each size, ms; at least 0
     * @param tokenMillis time of a batch of decodes at each size, ms; at least 0
     * @param mixedFactor ratio of a mixed batch to a batch of prompts; above 0
     * @throws IllegalArgumentException if the arrays do not match or a value is out of range
     */
    public Table(
        String name,
        double[] batchTokens,
        double[] promptMillis,
        double[] tokenMillis,
        double mixedFactor) {
      this.name = Objects.requireNonNull(name, "name");
      CostChecks.positive(mixedFactor, "mixedFactor", "times the prompt curve");
      CostChecks.atLeast(batchTokens.length, 2, "batchTokens", "points");
      requireLength(promptMillis, batchTokens.length, "promptMillis");
      requireLength(tokenMillis, batchTokens.length, "tokenMillis");
      for (int i = 0; i < batchTokens.length; i++) {
        CostChecks.finite(batchTokens[i], "batchTokens[" + i + "]", "tokens");
        CostChecks.notNegative(promptMillis[i], "promptMillis[" + i + "]", "ms");
        CostChecks.notNegative(tokenMillis[i], "tokenMillis[" + i + "]", "ms");
        if (i > 0 && !(batchTokens[i] > batchTokens[i - 1])) {
          throw new IllegalArgumentException(
              "batchTokens must ascend strictly, but had "
                  + batchTokens[i - 1]
                  + " before "
                  + batchTokens[i]);
        }
      }
      this.batchTokens = batchTokens.clone();
      this.promptMillis = promptMillis.clone();
      this.tokenMillis = tokenMillis.clone();
      this.mixedFactor = mixedFactor;
    }

    /**
     * Returns what this table is called.
     *
     * @return the name
     */
    public String name() {
      return name;
    }

    /**
     * Returns the published tables, in a fixed order.
     *
     * @return the named tables
     */
    public static List<Table> presets() {
      return PRESETS;
    }

    /**
     * Returns the published table of a name.
     *
     * @param name a preset's name
     * @return the table
     * @throws IllegalArgumentException if no preset has this name; the message lists those there
     *     are
     */
    public static Table named(String name) {
      for (Table preset : PRESETS) {
        if (preset.name.equals(name)) {
          return preset;
        }
      }
      throw CostChecks.unknown("table", PRESETS.stream().map(Table::name).toList(), name);
    }

    double promptMillis(long tokens) {
      return interpolate(promptMillis, tokens);
    }

    double tokenMillis(long tokens) {
      return interpolate(tokenMillis, tokens);
    }

    private double interpolate(double[] millis, long tokens) {
      int above = 1;
      int last = batchTokens.length - 1;
      while (above < last && batchTokens[above] < tokens) {
        above++;
      }
      double share =
          (tokens - batchTokens[above - 1]) / (batchTokens[above] - batchTokens[above - 1]);
      return Math.max(0, millis[above - 1] + share * (millis[above] - millis[above - 1]));
    }

    private Table capped() {
      double[] prompts = new double[promptMillis.length];
      for (int i = 0; i < prompts.length; i++) {
        prompts[i] = promptMillis[i] * H100_CAP_FACTOR;
      }
      return new Table(name + "-capped", batchTokens, prompts, tokenMillis, mixedFactor);
    }

    private static Table published(String name, double[] promptMillis, double[] tokenMillis) {
      return new Table(name, TOKENS, promptMillis, tokenMillis, DEFAULT_MIXED_FACTOR);
    }

    private static void requireLength(double[] values, int length, String name) {
      if (values.length != length) {
        throw new IllegalArgumentException(
            name + " must have " + length + " points as batchTokens, but had " + values.length);
      }
    }
  }
}
