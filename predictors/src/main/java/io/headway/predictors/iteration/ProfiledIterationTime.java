package io.headway.predictors.iteration;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import io.headway.predictors.regression.LeastSquares;
import java.util.Arrays;
import java.util.List;

/**
 * Returns the duration of an iteration from a linear model of its work, fitted to measured steps of
 * one executor: {@code step + prefillToken * prefillTokens + prefillAttentionPair *
 * prefillAttentionPairs + prefillChunk * chunks + decode * decodes + decodeContextToken *
 * decodeContextTokens + draftToken * draftTokens}, nanoseconds, with coefficients of at least 0.
 * {@code prefillAttentionPairs} is the quadratic part of a prompt's attention. Padding costs
 * nothing: executors do not compute it.
 *
 * <p>Monotone in every part of the work; the empty iteration takes 0. Immutable, thread-safe, O(1)
 * per answer, no allocation.
 */
public final class ProfiledIterationTime implements IterationTimeModel {
  /** The parts of the work, in the order of the coefficients. */
  public enum Part {
    /** The step itself: launching, reading the weights, sampling. */
    STEP(0, "step"),
    /** A prompt token through the linear layers. */
    PREFILL_TOKEN(1, "prefillToken"),
    /** A (query, key) pair of a prompt's attention. */
    PREFILL_ATTENTION_PAIR(2, "prefillAttentionPair"),
    /** A chunk. */
    PREFILL_CHUNK(3, "prefillChunk"),
    /** A decoding row: a token through the linear layers and the LM head. */
    DECODE(4, "decode"),
    /** A stored token that a decode attends to. */
    DECODE_CONTEXT_TOKEN(5, "decodeContextToken"),
    /** A drafted token that is verified. */
    DRAFT_TOKEN(6, "draftToken");

    private final int index;
    private final String label;

    Part(int index, String label) {
      this.index = index;
      this.label = label;
    }

    /**
     * Returns where the part stands among the coefficients.
     *
     * @return 0 for the first
     */
    public int index() {
      return index;
    }

    /**
     * Returns the name in files.
     *
     * @return in camel case
     */
    public String label() {
      return label;
    }
  }

  private static final int PARTS = Part.values().length;

  /** Most rounds of a fit. */
  private static final int MAX_ROUNDS = 20;

  /** Relative change of the predictions below which a fit has settled. */
  private static final double SETTLED = 1e-9;

  /**
   * One measured step.
   *
   * @param prefillTokens prompt tokens
   * @param prefillAttentionPairs (query, key) pairs of their attention
   * @param chunks prefill chunks
   * @param decodes decoding rows, verifying ones included
   * @param decodeContextTokens stored tokens that they attend to
   * @param draftTokens drafted tokens verified
   * @param nanos measured duration, at least 1 ns
   */
  public record Step(
      long prefillTokens,
      long prefillAttentionPairs,
      int chunks,
      int decodes,
      long decodeContextTokens,
      long draftTokens,
      long nanos) {
    /** Checks the values. */
    public Step {
      if (prefillTokens < 0
          || prefillAttentionPairs < 0
          || chunks < 0
          || decodes < 0
          || decodeContextTokens < 0
          || draftTokens < 0) {
        throw new IllegalArgumentException("the work of a step must be at least 0 in every part");
      }
      if (nanos < 1) {
        throw new IllegalArgumentException("nanos must be at least 1 ns, but was " + nanos);
      }
    }

    /**
     * Describes a step by the shape of its iteration.
     *
     * @param shape what was computed
     * @param nanos how long it took
     * @return the step
     */
    public static Step of(IterationShape shape, long nanos) {
      return new Step(
          shape.prefillTokens(),
          shape.prefillAttentionPairs(),
          shape.chunks(),
          shape.decodes(),
          shape.decodeContextTokens(),
          shape.draftTokens(),
          nanos);
    }

    /**
     * Returns the same work with another duration.
     *
     * @param value nanoseconds, at least 1
     * @return a changed copy
     */
    public Step withNanos(long value) {
      return new Step(
          prefillTokens,
          prefillAttentionPairs,
          chunks,
          decodes,
          decodeContextTokens,
          draftTokens,
          value);
    }

    /**
     * Returns how much of a part the step has.
     *
     * @param part a part of the work
     * @return 1 for {@link Part#STEP}
     */
    public long work(Part part) {
      return switch (part) {
        case STEP -> 1;
        case PREFILL_TOKEN -> prefillTokens;
        case PREFILL_ATTENTION_PAIR -> prefillAttentionPairs;
        case PREFILL_CHUNK -> chunks;
        case DECODE -> decodes;
        case DECODE_CONTEXT_TOKEN -> decodeContextTokens;
        case DRAFT_TOKEN -> draftTokens;
      };
    }

    /** The parts of the work, in the order of the coefficients. */
    double[] work() {
      double[] work = new double[PARTS];
      for (Part part : Part.values()) {
        work[part.index()] = work(part);
      }
      return work;
    }
  }

  /**
   * How far predictions are from measurements.
   *
   * @param steps how many were compared
   * @param meanRelativeError mean of {@code |predicted / measured - 1|}
   * @param p95RelativeError its 95th percentile, nearest rank
   * @param totalRelativeError {@code sum of predicted / sum of measured - 1}
   */
  public record Accuracy(
      int steps, double meanRelativeError, double p95RelativeError, double totalRelativeError) {}

  private final double[] nanosPer;

  /**
   * Takes coefficients.
   *
   * @param nanosPer nanoseconds per unit of each {@link Part}, in the order of the constants
   * @throws IllegalArgumentException if there is not one per part, one is negative or not finite,
   *     or all are 0
   */
  public ProfiledIterationTime(double[] nanosPer) {
    requireNonNull(nanosPer, "nanosPer");
    if (nanosPer.length != PARTS) {
      throw new IllegalArgumentException(
          "nanosPer must have one coefficient for each of the "
              + PARTS
              + " parts, but has "
              + nanosPer.length);
    }
    double sum = 0;
    for (Part part : Part.values()) {
      double value = nanosPer[part.index()];
      if (!(value >= 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException(
            "the coefficient of "
                + part.label()
                + " must be finite and at least 0 ns, but was "
                + value);
      }
      sum += value;
    }
    if (sum == 0) {
      throw new IllegalArgumentException("some coefficient must be above 0 ns, but all are 0");
    }
    this.nanosPer = nanosPer.clone();
  }

  /**
   * Fits the coefficients: the least squares of the relative error {@code (measured - predicted) /
   * predicted} with coefficients of at least 0, by iteratively reweighted least squares. The first
   * round divides by what was measured, each further one by what the round before predicts; it ends
   * when no prediction changes by more than {@value #SETTLED} of itself, after {@value #MAX_ROUNDS}
   * rounds at the latest. Every round is the exact non-negative optimum: the best of all choices of
   * parts held at 0. Parts that no step contains are held at 0.
   *
   * <p>Dividing by the prediction makes the fit unbiased where noise is a share of the time: the
   * mean of {@code measured / predicted} over the steps is 1. Dividing by the measurement alone
   * would weigh steps that happened to be fast the most and predict too little.
   *
   * @param steps measured; at least one
   * @return the model
   * @throws IllegalArgumentException if there is no step
   */
  public static ProfiledIterationTime fit(List<Step> steps) {
    if (steps.isEmpty()) {
      throw new IllegalArgumentException("steps must have at least 1 step, but has none");
    }
    double[] nanos = steps.stream().mapToDouble(Step::nanos).toArray();
    double[] divisors = nanos.clone();
    double[] fitted = new double[PARTS];
    double change = Double.POSITIVE_INFINITY;
    for (int round = 0; round < MAX_ROUNDS && change > SETTLED; round++) {
      double[][] rows = new double[nanos.length][];
      double[] targets = new double[nanos.length];
      for (int i = 0; i < rows.length; i++) {
        double[] work = steps.get(i).work();
        double divisor = divisors[i];
        Arrays.setAll(work, part -> work[part] / divisor);
        rows[i] = work;
        targets[i] = nanos[i] / divisor;
      }
      fitted = nonNegative(rows, targets);
      change = 0;
      for (int i = 0; i < rows.length; i++) {
        double relative = dot(rows[i], fitted);
        // A step that the fit says takes no time keeps its divisor.
        if (relative > 0) {
          change = Math.max(change, Math.abs(relative - 1));
          divisors[i] *= relative;
        }
      }
    }
    return new ProfiledIterationTime(fitted);
  }

  private static double[] nonNegative(double[][] rows, double[] targets) {
    // Columns of one magnitude, so that the rank is judged rightly.
    double[] scales = new double[PARTS];
    for (double[] row : rows) {
      for (int part = 0; part < PARTS; part++) {
        scales[part] = Math.max(scales[part], row[part]);
      }
    }
    int occurring = 0;
    for (int part = 0; part < PARTS; part++) {
      occurring |= scales[part] > 0 ? 1 << part : 0;
    }
    // Without a negative coefficient the plain optimum is the constrained one.
    double[] best = fit(rows, targets, scales, occurring);
    if (best.length > 0) {
      return best;
    }
    best = new double[PARTS];
    double bestError = Double.POSITIVE_INFINITY;
    for (int kept = 1; kept < 1 << PARTS; kept++) {
      double[] candidate = fit(rows, targets, scales, kept);
      double error =
          candidate.length == 0 ? Double.POSITIVE_INFINITY : error(rows, targets, candidate);
      if (error < bestError) {
        bestError = error;
        best = candidate;
      }
    }
    return best;
  }

  /** Returns the plain optimum over the kept parts; empty if undetermined or partly negative. */
  private static double[] fit(double[][] rows, double[] targets, double[] scales, int kept) {
    int[] parts = new int[Integer.bitCount(kept)];
    for (int part = 0, k = 0; part < PARTS; part++) {
      if ((kept >> part & 1) != 0) {
        if (scales[part] == 0) {
          return new double[0];
        }
        parts[k++] = part;
      }
    }
    double[][] some = new double[rows.length][parts.length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < parts.length; k++) {
        some[i][k] = rows[i][parts[k]] / scales[parts[k]];
      }
    }
    double[] fitted = LeastSquares.ordinary(some, targets);
    if (fitted == null) {
      return new double[0];
    }
    double[] all = new double[PARTS];
    for (int k = 0; k < parts.length; k++) {
      if (fitted[k] < 0) {
        return new double[0];
      }
      all[parts[k]] = fitted[k] / scales[parts[k]];
    }
    return all;
  }

  private static double error(double[][] rows, double[] targets, double[] coefficients) {
    double sum = 0;
    for (int i = 0; i < rows.length; i++) {
      double difference = dot(rows[i], coefficients) - targets[i];
      sum += difference * difference;
    }
    return sum;
  }

  private static double dot(double[] row, double[] coefficients) {
    double sum = 0;
    for (int part = 0; part < PARTS; part++) {
      sum += coefficients[part] * row[part];
    }
    return sum;
  }

  @Override
  public double seconds(IterationShape shape) {
    return shape.isEmpty()
        ? 0
        : 1e-9
            * (nanosPer[0]
                + nanosPer[1] * shape.prefillTokens()
                + nanosPer[2] * shape.prefillAttentionPairs()
                + nanosPer[3] * shape.chunks()
                + nanosPer[4] * shape.decodes()
                + nanosPer[5] * shape.decodeContextTokens()
                + nanosPer[6] * shape.draftTokens());
  }

  /**
   * Returns the coefficient of a part.
   *
   * @param part a part of the work
   * @return nanoseconds per unit, at least 0
   */
  public double nanosPer(Part part) {
    return nanosPer[part.index()];
  }

  /**
   * Compares with measured steps.
   *
   * @param steps measured; at least one
   * @return the errors
   * @throws IllegalArgumentException if there is no step
   */
  public Accuracy accuracy(List<Step> steps) {
    if (steps.isEmpty()) {
      throw new IllegalArgumentException("steps must have at least 1 step, but has none");
    }
    double[] errors = new double[steps.size()];
    double predictedSum = 0;
    double measuredSum = 0;
    double mean = 0;
    for (int i = 0; i < errors.length; i++) {
      double predicted = dot(steps.get(i).work(), nanosPer);
      errors[i] = Math.abs(predicted / steps.get(i).nanos() - 1);
      mean += errors[i] / errors.length;
      predictedSum += predicted;
      measuredSum += steps.get(i).nanos();
    }
    Arrays.sort(errors);
    double p95 = errors[(int) Math.ceil(0.95 * errors.length) - 1];
    return new Accuracy(errors.length, mean, p95, predictedSum / measuredSum - 1);
  }
}
