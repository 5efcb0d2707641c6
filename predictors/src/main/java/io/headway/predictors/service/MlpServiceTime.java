package io.headway.predictors.service;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.predictors.regression.RecursiveLeastSquares;
import io.headway.predictors.regression.Standardiser;
import io.headway.predictors.regression.TinyMlp;

/**
 * Predicts the service time by a network with one hidden layer, trained after every completion,
 * with a recursive least squares model beside it.
 *
 * <p>Both see the features of {@link RlsServiceTime}, standardised for the network together with
 * the target. The linear model answers for the first {@code minCompletions}; after that whichever
 * has the lower moving average of absolute errors (weight 0.1, of predictions made before
 * learning). Predictions are at least {@code minSeconds}. Before the first completion the answer is
 * {@code none}. Equal seeds and completions give equal weights. O(hidden units) per answer, no
 * allocation. GAPS (AAMAS 2026) mentions such a network; its structure here is the project's own.
 */
public final class MlpServiceTime implements ServiceTimePredictor<MlpServiceTime.Networks> {
  private static final double ERROR_WEIGHT = 0.1;

  /**
   * Configuration.
   *
   * @param hiddenUnits at least 1
   * @param rate learning rate, above 0
   * @param clipNorm largest gradient norm, above 0
   * @param minCompletions completions before the network may answer, at least 1
   * @param minSeconds least prediction, at least 0 s
   * @param seed of the initial weights
   */
  public record Config(
      int hiddenUnits,
      double rate,
      double clipNorm,
      int minCompletions,
      double minSeconds,
      long seed) {
    /** 16 units, rate 0.01, norm 1, 200 completions, at least 1 ms, seed 1. */
    public static final Config DEFAULT =
        new Config(
            TinyMlp.DEFAULT_HIDDEN_UNITS,
            TinyMlp.DEFAULT_RATE,
            TinyMlp.DEFAULT_CLIP_NORM,
            200,
            1e-3,
            1);

    /** Checks the values. */
    public Config {
      TinyMlp.random(1, hiddenUnits, rate, clipNorm, RandomSource.seeded(seed));
      if (minCompletions < 1) {
        throw new IllegalArgumentException(
            "minCompletions must be at least 1, but was " + minCompletions);
      }
      if (!(minSeconds >= 0) || Double.isInfinite(minSeconds)) {
        throw new IllegalArgumentException(
            "minSeconds must be finite and at least 0 s, but was " + minSeconds);
      }
    }
  }

  private final Config config;

  /**
   * Makes a predictor.
   *
   * @param config its configuration
   */
  public MlpServiceTime(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "tiny-mlp";
  }

  @Override
  public Networks newState() {
    return new Networks(config);
  }

  @Override
  public void estimateSeconds(Networks state, Request request, int cachedTokens, Estimate into) {
    if (state.completions == 0) {
      into.none();
      return;
    }
    ServiceFeatures.fill(state.features, request, cachedTokens);
    double seconds =
        state.completions >= config.minCompletions && state.networkError < state.linearError
            ? state.network()
            : state.linear.predict(state.features);
    into.point(Math.max(config.minSeconds, seconds));
  }

  @Override
  public void observe(
      Networks state, Request request, int cachedTokens, int outputTokens, double serviceSeconds) {
    ServiceFeatures.requireTime(serviceSeconds);
    ServiceFeatures.fill(state.features, request, cachedTokens);
    double networkMiss = Math.abs(state.network() - serviceSeconds);
    double linearMiss = Math.abs(state.linear.observe(state.features, serviceSeconds));
    double weight = state.completions == 0 ? 1 : ERROR_WEIGHT;
    state.networkError += weight * (networkMiss - state.networkError);
    state.linearError += weight * (linearMiss - state.linearError);
    System.arraycopy(state.features, 0, state.row, 0, ServiceFeatures.DIMENSION);
    state.row[ServiceFeatures.DIMENSION] = serviceSeconds;
    state.standardiser.add(state.row);
    state.standardise();
    state.mlp.observe(
        state.scaled, state.standardiser.scale(ServiceFeatures.DIMENSION, serviceSeconds));
    state.completions++;
  }

  /** The network, the linear model beside it, and how both fared. */
  public static final class Networks {
    private final TinyMlp mlp;
    private final RecursiveLeastSquares linear =
        new RecursiveLeastSquares(ServiceFeatures.DIMENSION);
    private final Standardiser standardiser = new Standardiser(ServiceFeatures.DIMENSION + 1);
    private final double[] features = new double[ServiceFeatures.DIMENSION];
    private final double[] scaled = new double[ServiceFeatures.DIMENSION];
    private final double[] row = new double[ServiceFeatures.DIMENSION + 1];
    private double networkError;
    private double linearError;
    private long completions;

    private Networks(Config config) {
      mlp =
          TinyMlp.random(
              ServiceFeatures.DIMENSION,
              config.hiddenUnits,
              config.rate,
              config.clipNorm,
              RandomSource.seeded(config.seed));
    }

    private void standardise() {
      for (int i = 0; i < scaled.length; i++) {
        scaled[i] = standardiser.scale(i, features[i]);
      }
    }

    private double network() {
      standardise();
      return standardiser.unscale(ServiceFeatures.DIMENSION, mlp.predict(scaled));
    }

    /**
     * Returns the moving average of the network's absolute errors.
     *
     * @return seconds
     */
    public double networkErrorSeconds() {
      return networkError;
    }

    /**
     * Returns the moving average of the linear model's absolute errors.
     *
     * @return seconds
     */
    public double linearErrorSeconds() {
      return linearError;
    }
  }
}
