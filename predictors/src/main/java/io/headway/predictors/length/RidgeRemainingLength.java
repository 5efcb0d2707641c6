package io.headway.predictors.length;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.predictors.regression.LeastSquares;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Predicts the remaining output by a ridge regression on logarithms, learned from finished
 * requests: a stand-in, without a neural encoder, for the iterative predictor of ELIS (arXiv
 * 2505.09142), and asked only at arrival for the proxy regression of SSJF (AIOps at ASPLOS 2024).
 *
 * <p>Features {@code x = (1, ln(1 + promptTokens), ln(1 + generatedTokens))}, target {@code ln(1 +
 * remaining)}, {@code b = (X'X + lambda diag(0, 1, 1))^-1 X'y}; prediction {@code exp(x'b) - 1},
 * clipped to 1 up to what the request may still produce, 0 once it may produce nothing. A finished
 * request gives one row for every window of {@code windowTokens} it went through: at 0, w, 2w, ...
 * generated tokens. The back-transformed logarithm estimates the median rather than the mean.
 * Censored requests are not learned from; with fewer than {@code minRows} rows the answer is {@code
 * none}.
 *
 * <p>Cost O(1) per answer, no allocation; a row costs O(1) and the 3 x 3 system is solved once per
 * finished request. The features and the regression are the project's own, not ELIS's.
 */
public final class RidgeRemainingLength implements LengthPredictor<RidgeRemainingLength.Fit> {
  /**
   * Configuration.
   *
   * @param lambda penalty on both slopes, finite and at least 0; the intercept is free
   * @param windowTokens generated tokens between two rows of one request, at least 1
   * @param minRows rows before anything is predicted, at least 1
   */
  public record Config(double lambda, int windowTokens, int minRows) {
    /** Penalty 1, ELIS's window of 50 tokens, 30 rows. */
    public static final Config DEFAULT = new Config(1, 50, 30);

    /** Checks the values. */
    public Config {
      if (!(lambda >= 0) || Double.isInfinite(lambda)) {
        throw new IllegalArgumentException(
            "lambda must be finite and at least 0, but was " + lambda);
      }
      if (windowTokens < 1 || minRows < 1) {
        throw new IllegalArgumentException(
            "windowTokens and minRows must be at least 1, but were "
                + windowTokens
                + " and "
                + minRows);
      }
    }
  }

  private final Config config;

  /**
   * Makes a predictor.
   *
   * @param config its configuration
   */
  public RidgeRemainingLength(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "elis-ridge";
  }

  @Override
  public Fit newState() {
    return new Fit(config.lambda);
  }

  @Override
  public void estimate(Fit state, Request request, int generatedTokens, LengthEstimate into) {
    if (state.rows < config.minRows || !state.solved) {
      into.none();
    } else {
      into.point(
          state.remainingTokens(request.promptTokens(), generatedTokens, request.maxNewTokens()));
    }
  }

  @Override
  public void observe(Fit state, Request request, int outputTokens, boolean censored) {
    if (censored || outputTokens < 1) {
      return;
    }
    for (int g = 0; g < outputTokens; g += config.windowTokens) {
      state.add(request.promptTokens(), g, outputTokens - g);
    }
    state.solve();
  }

  /** The regression learned so far: sums over all rows and the solution. Not thread-safe. */
  public static final class Fit {
    private static final int FEATURES = 3;

    private final double lambda;
    // Triangular factor of the rows and targets (Givens rotations), so that conditions do not
    // square.
    private final double[][] triangle = new double[FEATURES][FEATURES];
    private final double[] rotated = new double[FEATURES];
    private final double[] coefficients = new double[FEATURES];
    private long rows;
    private boolean solved;

    /**
     * Makes an empty fit.
     *
     * @param lambda penalty on both slopes, at least 0
     */
    public Fit(double lambda) {
      this.lambda = lambda;
    }

    /**
     * Adds one prediction instant of a finished request.
     *
     * @param promptTokens at least 0 tokens
     * @param generatedTokens at least 0 tokens
     * @param remainingTokens at least 0 tokens
     * @throws IllegalArgumentException if a length is negative
     */
    public void add(int promptTokens, int generatedTokens, int remainingTokens) {
      if (promptTokens < 0 || generatedTokens < 0 || remainingTokens < 0) {
        throw new IllegalArgumentException(
            "promptTokens, generatedTokens and remainingTokens must be at least 0 tokens, but were "
                + promptTokens
                + ", "
                + generatedTokens
                + " and "
                + remainingTokens);
      }
      double[] row = {1, Math.log1p(promptTokens), Math.log1p(generatedTokens)};
      double target = Math.log1p(remainingTokens);
      for (int i = 0; i < FEATURES; i++) {
        if (row[i] == 0) {
          continue;
        }
        double norm = Math.hypot(triangle[i][i], row[i]);
        double cosine = triangle[i][i] / norm;
        double sine = row[i] / norm;
        for (int j = i; j < FEATURES; j++) {
          double upper = triangle[i][j];
          triangle[i][j] = cosine * upper + sine * row[j];
          row[j] = cosine * row[j] - sine * upper;
        }
        double upper = rotated[i];
        rotated[i] = cosine * upper + sine * target;
        target = cosine * target - sine * upper;
      }
      rows++;
    }

    /**
     * Computes the coefficients from the rows added so far. If the rows do not determine them, the
     * fit stays without any.
     */
    public void solve() {
      double[] weights = new double[FEATURES];
      Arrays.fill(weights, 1);
      double @Nullable [] solution =
          rows == 0
              ? null
              : LeastSquares.ridge(triangle, rotated, weights, new double[] {0, lambda, lambda});
      solved = solution != null;
      if (solution != null) {
        System.arraycopy(solution, 0, coefficients, 0, FEATURES);
      }
    }

    /**
     * Returns the coefficients.
     *
     * @return intercept, prompt slope, generated slope
     * @throws IllegalArgumentException if the rows do not determine them
     */
    public double[] coefficients() {
      requireSolved();
      return coefficients.clone();
    }

    /**
     * Predicts what remains.
     *
     * @param promptTokens at least 0 tokens
     * @param generatedTokens at least 0 tokens
     * @param maxOutputTokens most output tokens in all
     * @return tokens, 1 to {@code maxOutputTokens - generatedTokens}; 0 if that is below 1
     * @throws IllegalArgumentException if the rows do not determine the coefficients
     */
    public double remainingTokens(int promptTokens, int generatedTokens, int maxOutputTokens) {
      requireSolved();
      int rest = maxOutputTokens - generatedTokens;
      if (rest < 1) {
        return 0;
      }
      double logarithm =
          coefficients[0]
              + coefficients[1] * Math.log1p(promptTokens)
              + coefficients[2] * Math.log1p(generatedTokens);
      return Math.max(1, Math.min(rest, Math.expm1(logarithm)));
    }

    private void requireSolved() {
      if (!solved) {
        throw new IllegalArgumentException(
            "a fit needs rows that determine its coefficients, but has " + rows + " rows");
      }
    }
  }
}
