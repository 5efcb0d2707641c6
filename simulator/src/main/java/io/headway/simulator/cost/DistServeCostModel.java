package io.headway.simulator.cost;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import java.util.List;
import java.util.Objects;

/**
 * The linear iteration times that DistServe fitted to OPT models on A100-80G (Y. Zhong et al.,
 * "DistServe: Disaggregating Prefill and Decoding for Goodput-optimized Large Language Model
 * Serving", OSDI 2024, repository profile data), in milliseconds:
 *
 * <pre>{@code
 * prefill = (a + b * sum len + c * sum len^2) / pp + pp
 * decode  = (a + b * sum context + c * batch) / pp
 * }</pre>
 *
 * <p>where a decode's context counts the token being produced, and its coefficients are those of a
 * small batch below {@link Coefficients#largeBatchFrom} sequences and of a large one from there on.
 * The published triples do not join: for short contexts a batch at the boundary is faster than a
 * smaller one. {@link Boundary#MONOTONE} takes the slower triple instead.
 *
 * <p>DistServe computes prefills and decodes apart and prompts whole. Two extensions of this
 * project: a chunk of {@code n} tokens behind {@code h} counts {@code (h + n)^2 - h^2} for {@code
 * len^2}, so that the quadratic term is the same however a prompt is cut; and an iteration with
 * both pays the larger of the two constants {@code a} once. Drafted tokens and padding count as
 * prompt tokens.
 *
 * <p>O(1), allocation-free, immutable and thread-safe.
 */
public final class DistServeCostModel implements IterationTimeModel {
  /** Sequences from which on the published simulator takes the large-batch triple. */
  public static final int DEFAULT_LARGE_BATCH_FROM = 95;

  private static final double DISPATCH_FIXED_MILLIS = 2;
  private static final double DISPATCH_MILLIS_PER_TOKEN = 1e-4;
  private static final double MILLIS_PER_SECOND = 1e3;

  private final Coefficients coefficients;
  private final int pipelineParallel;
  private final Boundary boundary;
  private final boolean dispatchOverhead;

  /**
   * Creates a model as published, without dispatch overhead.
   *
   * @param coefficients the fit
   * @param pipelineParallel pipeline stages, at least 1
   */
  public DistServeCostModel(Coefficients coefficients, int pipelineParallel) {
    this(coefficients, pipelineParallel, Boundary.PUBLISHED, false);
  }

  /**
   * Creates a model.
   *
   * @param coefficients the fit
   * @param pipelineParallel pipeline stages, at least 1
   * @param boundary how the two decode triples are joined
   * @param dispatchOverhead whether to add {@code 2 + 0.0001 * tokens} ms per iteration, which the
   *     first stage of the published simulator needs to dispatch
   * @throws IllegalArgumentException if {@code pipelineParallel} is below 1
   */
  public DistServeCostModel(
      Coefficients coefficients,
      int pipelineParallel,
      Boundary boundary,
      boolean dispatchOverhead) {
    this.coefficients = Objects.requireNonNull(coefficients, "coefficients");
    this.boundary = Objects.requireNonNull(boundary, "boundary");
    CostChecks.atLeast(pipelineParallel, 1, "pipelineParallel", "stages");
    this.pipelineParallel = pipelineParallel;
    this.dispatchOverhead = dispatchOverhead;
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
    if (shape.isEmpty()) {
      return 0;
    }
    long promptTokens = shape.prefillTokens() + shape.draftTokens() + shape.paddingTokens();
    // The pairs are n h + n (n + 1) / 2 summed over the chunks; doubled, less the sum of n, they
    // are the sum of (h + n)^2 - h^2.
    long squares = 2 * shape.prefillAttentionPairs() - shape.prefillTokens();
    int sequences = shape.decodes();
    double millis =
        sequences == 0
            ? prefillMillis(promptTokens, squares)
            : combinedMillis(
                sequences, shape.decodeContextTokens() + sequences, promptTokens, squares);
    return dispatchOverhead
        ? millis + DISPATCH_FIXED_MILLIS + DISPATCH_MILLIS_PER_TOKEN * shape.queryTokens()
        : millis;
  }

  /**
   * Returns the published duration of a batch of prompts, without dispatch overhead.
   *
   * @param tokens sum of the prompt lengths; at least 1
   * @param squaredTokens sum of their squares
   * @return milliseconds
   */
  public double prefillMillis(long tokens, long squaredTokens) {
    Triple prefill = coefficients.prefill;
    return (prefill.a + prefill.b * tokens + prefill.c * squaredTokens) / pipelineParallel
        + pipelineParallel;
  }

  /**
   * Returns the published duration of a batch of decodes, without dispatch overhead.
   *
   * @param sequences sequences in the batch, at least 1
   * @param contextTokens sum of their contexts, the tokens being produced included
   * @return milliseconds
   */
  public double decodeMillis(int sequences, long contextTokens) {
    return combinedMillis(sequences, contextTokens, 0, 0);
  }

  /**
   * Returns which published triple a batch of decodes belongs to.
   *
   * @param sequences sequences in the batch
   * @return whether it is a large batch
   */
  public boolean isLargeBatch(int sequences) {
    return sequences >= coefficients.largeBatchFrom;
  }

  private double combinedMillis(
      int sequences, long contextTokens, long promptTokens, long squaredTokens) {
    double small =
        combinedMillis(
            coefficients.decodeSmall, sequences, contextTokens, promptTokens, squaredTokens);
    double large =
        combinedMillis(
            coefficients.decodeLarge, sequences, contextTokens, promptTokens, squaredTokens);
    return switch (boundary) {
      case PUBLISHED -> isLargeBatch(sequences) ? large : small;
      case MONOTONE -> Math.max(small, large);
    };
  }

  private double combinedMillis(
      Triple decode, int sequences, long contextTokens, long promptTokens, long squaredTokens) {
    double decodeMillis = decode.b * contextTokens + decode.c * sequences;
    if (promptTokens == 0) {
      return (decode.a + decodeMillis) / pipelineParallel;
    }
    Triple prefill = coefficients.prefill;
    double prefillMillis = prefill.b * promptTokens + prefill.c * squaredTokens;
    double constant = Math.max(decode.a, prefill.a);
    return (constant + decodeMillis + prefillMillis) / pipelineParallel + pipelineParallel;
  }

  @Override
  public String toString() {
    return "distserve:" + coefficients.name + ",pp=" + pipelineParallel;
  }

  /** How the decode triples of small and large batches are joined. */
  public enum Boundary {
    /** The published rule: small below the boundary, large from it on. Not monotone across it. */
    PUBLISHED,
    /** The slower of both triples at every batch: monotone, a departure from the publication. */
    MONOTONE
  }

  /**
   * Constant, linear and further coefficient of one fit, in milliseconds.
   *
   * @param a constant, ms
   * @param b ms per prompt token, or per context token
   * @param c ms per squared prompt length, or per sequence
   */
  public record Triple(double a, double b, double c) {
    /** Checks that the coefficients are finite and not negative. */
    public Triple {
      CostChecks.notNegative(a, "a", "ms");
      CostChecks.notNegative(b, "b", "ms per token");
      CostChecks.notNegative(c, "c", "ms");
    }
  }

  /**
   * A published fit.
   *
   * @param name model and tensor parallelism
   * @param prefill coefficients of a prefill: constant, per token, per squared length
   * @param decodeSmall coefficients of a decode of few sequences: constant, per context token, per
   *     sequence
   * @param decodeLarge coefficients of a decode of many sequences
   * @param largeBatchFrom sequences from which on a batch is large, at least 1
   */
  public record Coefficients(
      String name, Triple prefill, Triple decodeSmall, Triple decodeLarge, int largeBatchFrom) {

    /** OPT-13B on one A100. */
    public static final Coefficients OPT_13B_TP1 =
        new Coefficients(
            "opt-13b-tp1",
            new Triple(18.10254647486372, 0.1019122572698738, 7.122264314252114e-06),
            new Triple(19.934702624895458, 0.0006269356524350583, 0.03850697740828398),
            new Triple(7.1661889468253595, 0.0005798000403396046, 0.15831096191764046),
            DEFAULT_LARGE_BATCH_FROM);

    /** OPT-13B on two A100. */
    public static final Coefficients OPT_13B_TP2 =
        new Coefficients(
            "opt-13b-tp2",
            new Triple(14.743, 0.0685772, 2.44957e-6),
            new Triple(13.2948, 3.41092e-4, 0.0629639),
            new Triple(10.6387, 3.11834e-4, 0.0856291),
            DEFAULT_LARGE_BATCH_FROM);

    /** OPT-13B on four A100. */
    public static final Coefficients OPT_13B_TP4 =
        new Coefficients(
            "opt-13b-tp4",
            new Triple(12.0623, 0.0380814, 5.22625e-7),
            new Triple(10.2562, 1.87867e-4, 0.0326927),
            new Triple(10.4835, 1.71209e-4, 0.0456665),
            DEFAULT_LARGE_BATCH_FROM);

    /** OPT-66B on four A100. */
    public static final Coefficients OPT_66B_TP4 =
        new Coefficients(
            "opt-66b-tp4",
            new Triple(29.4416, 0.151352, 8.31745e-6),
            new Triple(30.7603, 4.51948e-4, 0.0632842),
            new Triple(27.4708, 4.04685e-4, 0.124807),
            DEFAULT_LARGE_BATCH_FROM);

    /** OPT-66B on eight A100. */
    public static final Coefficients OPT_66B_TP8 =
        new Coefficients(
            "opt-66b-tp8",
            new Triple(25.4907, 0.106592, 3.39105e-6),
            new Triple(23.1551, 2.26915e-4, 0.0480064),
            new Triple(21.7177, 3.75809e-4, 0.0897861),
            DEFAULT_LARGE_BATCH_FROM);

    private static final List<Coefficients> PRESETS =
        List.of(OPT_13B_TP1, OPT_13B_TP2, OPT_13B_TP4, OPT_66B_TP4, OPT_66B_TP8);

    /** Checks the boundary. */
    public Coefficients {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(prefill, "prefill");
      Objects.requireNonNull(decodeSmall, "decodeSmall");
      Objects.requireNonNull(decodeLarge, "decodeLarge");
      CostChecks.atLeast(largeBatchFrom, 1, "largeBatchFrom", "sequences");
    }

    /**
     * Returns the published fits, in a fixed order.
     *
     * @return the named fits
     */
    public static List<Coefficients> presets() {
      return PRESETS;
    }

    /**
     * Returns the published fit of a name.
     *
     * @param name a preset's name
     * @return the fit
     * @throws IllegalArgumentException if no preset has this name; the message lists those there
     *     are
     */
    public static Coefficients named(String name) {
      for (Coefficients preset : PRESETS) {
        if (preset.name.equals(name)) {
          return preset;
        }
      }
      throw CostChecks.unknown(
          "coefficients", PRESETS.stream().map(Coefficients::name).toList(), name);
    }
  }
}
