package io.headway.predictors.service;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.predictors.regression.RecursiveLeastSquares;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Predicts the service time by a linear model that is updated after every completion and forgets
 * exponentially ({@link RecursiveLeastSquares}): one model per kind of work, and one over all that
 * answers while a workload's own has fewer than {@code minCompletions}.
 *
 * <p>Features: 1, uncached and cached prompt tokens and output tokens (predicted, else declared),
 * in thousands. Predictions are at least {@code minSeconds}. Before {@code minCompletions} in all
 * the answer is {@code none}. At most {@value #MAX_WORKLOADS} workloads are kept apart. O(1) per
 * answer, no allocation. GAPS (AAMAS 2026) names online regression; the features are the project's
 * own.
 */
public final class RlsServiceTime implements ServiceTimePredictor<RlsServiceTime.Models> {
  /** Most workloads kept apart. */
  public static final int MAX_WORKLOADS = 1024;

  /**
   * Configuration.
   *
   * @param forgetting {@code lambda}, above 0 and at most 1
   * @param delta initial penalty, above 0
   * @param minCompletions completions before a model is used, at least 1
   * @param minSeconds least prediction, at least 0 s
   */
  public record Config(double forgetting, double delta, int minCompletions, double minSeconds) {
    /** Forgetting 0.995, penalty 0.01, 32 completions, at least 1 ms. */
    public static final Config DEFAULT =
        new Config(
            RecursiveLeastSquares.DEFAULT_FORGETTING,
            RecursiveLeastSquares.DEFAULT_DELTA,
            32,
            1e-3);

    /** Checks the values. */
    public Config {
      new RecursiveLeastSquares(1, forgetting, delta, RecursiveLeastSquares.DEFAULT_MAX_TRACE);
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
  public RlsServiceTime(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "rls";
  }

  @Override
  public Models newState() {
    return new Models(config);
  }

  @Override
  public void estimateSeconds(Models state, Request request, int cachedTokens, Estimate into) {
    RecursiveLeastSquares model = state.byWorkload.get(request.workload());
    if (model == null || model.observations() < config.minCompletions) {
      model = state.pooled;
    }
    if (model.observations() < config.minCompletions) {
      into.none();
      return;
    }
    ServiceFeatures.fill(state.features, request, cachedTokens);
    into.point(Math.max(config.minSeconds, model.predict(state.features)));
  }

  @Override
  public void observe(
      Models state, Request request, int cachedTokens, int outputTokens, double serviceSeconds) {
    ServiceFeatures.requireTime(serviceSeconds);
    ServiceFeatures.fill(state.features, request, cachedTokens);
    state.pooled.observe(state.features, serviceSeconds);
    RecursiveLeastSquares model = state.byWorkload.get(request.workload());
    if (model == null && state.byWorkload.size() < MAX_WORKLOADS) {
      model = state.newModel();
      state.byWorkload.put(request.workload(), model);
    }
    if (model != null) {
      model.observe(state.features, serviceSeconds);
    }
  }

  /** The models of every workload and the one over all. */
  public static final class Models {
    private final Config config;
    private final RecursiveLeastSquares pooled;
    private final Map<String, RecursiveLeastSquares> byWorkload = new LinkedHashMap<>();
    private final double[] features = new double[ServiceFeatures.DIMENSION];

    private Models(Config config) {
      this.config = config;
      pooled = newModel();
    }

    private RecursiveLeastSquares newModel() {
      return new RecursiveLeastSquares(
          ServiceFeatures.DIMENSION,
          config.forgetting,
          config.delta,
          RecursiveLeastSquares.DEFAULT_MAX_TRACE);
    }

    /**
     * Drops the confidence of every model, as after a drift; coefficients stay until new
     * completions move them.
     */
    public void reset() {
      pooled.reset();
      byWorkload.values().forEach(RecursiveLeastSquares::reset);
    }
  }
}
