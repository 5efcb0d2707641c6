package io.headway.predictors.service;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Predicts the service time by one straight line per kind of work: {@code theta0 + theta1
 * promptTokens}, ordinary least squares over the last {@code window} completions of that workload,
 * raised to at least {@code minSeconds}.
 *
 * <p>The line is fitted again every {@code refitEvery} completions of the workload, and on the
 * first completion that makes them enough. Where all prompts are of one length the slope is 0 and
 * the intercept the mean. Before {@code minCompletions} of a workload the fallback answers, raised
 * to at least {@code minSeconds} too; without a fallback, nobody. At most {@value #MAX_WORKLOADS}
 * workloads are kept apart, in order of appearance; further ones always get the fallback. O(1) per
 * answer, no allocation; a refit is O(window).
 *
 * <p>GAPS (AAMAS 2026) names a regression on prompt length and workload type; window, refit period
 * and fallback are the project's own choice.
 *
 * @param <F> the fallback's state
 */
public final class TypeLinearServiceTime<F>
    implements ServiceTimePredictor<TypeLinearServiceTime.Lines<F>> {
  /** Most workloads kept apart. */
  public static final int MAX_WORKLOADS = 1024;

  /**
   * Configuration.
   *
   * @param window completions a line is fitted to, at least 1
   * @param minCompletions completions of a workload before its line is used, at least 1
   * @param refitEvery completions between two fits, at least 1
   * @param minSeconds least prediction, at least 0 s
   */
  public record Config(int window, int minCompletions, int refitEvery, double minSeconds) {
    /** 512 completions, at least 32, fitted every 64, at least 1 ms. */
    public static final Config DEFAULT = new Config(512, 32, 64, 1e-3);

    /** Checks the values. */
    public Config {
      if (window < 1 || minCompletions < 1 || refitEvery < 1) {
        throw new IllegalArgumentException(
            "window, minCompletions and refitEvery must be at least 1 completion, but were "
                + window
                + ", "
                + minCompletions
                + " and "
                + refitEvery);
      }
      if (!(minSeconds >= 0) || Double.isInfinite(minSeconds)) {
        throw new IllegalArgumentException(
            "minSeconds must be finite and at least 0 s, but was " + minSeconds);
      }
    }
  }

  private final Config config;
  private final @Nullable ServiceTimePredictor<F> fallback;

  /**
   * Makes a predictor with a fallback.
   *
   * @param config its configuration
   * @param fallback who answers while there are too few completions; learns from all of them
   */
  public TypeLinearServiceTime(Config config, ServiceTimePredictor<F> fallback) {
    this.config = requireNonNull(config, "config");
    this.fallback = requireNonNull(fallback, "fallback");
  }

  private TypeLinearServiceTime(Config config) {
    this.config = requireNonNull(config, "config");
    fallback = null;
  }

  /**
   * Makes a predictor that answers {@code none} while there are too few completions.
   *
   * @param config its configuration
   * @return the predictor
   */
  public static TypeLinearServiceTime<Stateless> withoutFallback(Config config) {
    return new TypeLinearServiceTime<>(config);
  }

  @Override
  public String id() {
    return "type-linear";
  }

  @Override
  public Claims claims() {
    return fallback == null ? Claims.NONE : fallback.claims();
  }

  @Override
  public Lines<F> newState() {
    return new Lines<>(fallback == null ? null : fallback.newState());
  }

  @Override
  public void estimateSeconds(Lines<F> state, Request request, int cachedTokens, Estimate into) {
    Line line = state.line(request.workload());
    if (line != null) {
      into.point(Math.max(config.minSeconds, line.intercept + line.slope * request.promptTokens()));
      return;
    }
    if (fallback == null || state.ofFallback == null) {
      into.none();
      return;
    }
    fallback.estimateSeconds(state.ofFallback, request, cachedTokens, into);
    if (into.isPresent() && into.value() < config.minSeconds) {
      into.point(config.minSeconds);
    }
  }

  @Override
  public void observe(
      Lines<F> state, Request request, int cachedTokens, int outputTokens, double serviceSeconds) {
    if (!(serviceSeconds >= 0) || Double.isInfinite(serviceSeconds)) {
      throw new IllegalArgumentException(
          "serviceSeconds must be finite and at least 0 s, but was " + serviceSeconds);
    }
    if (fallback != null && state.ofFallback != null) {
      fallback.observe(state.ofFallback, request, cachedTokens, outputTokens, serviceSeconds);
    }
    Completions completions = state.byWorkload.get(request.workload());
    if (completions == null) {
      if (state.byWorkload.size() >= MAX_WORKLOADS) {
        return;
      }
      completions = new Completions(config.window);
      state.byWorkload.put(request.workload(), completions);
    }
    completions.add(request.promptTokens(), serviceSeconds);
    if (completions.total >= config.minCompletions
        && (completions.line == null || completions.sinceFit >= config.refitEvery)) {
      completions.fit();
    }
  }

  @Override
  public void reveal(Lines<F> state, Request request, double serviceSeconds, RandomSource random) {
    if (fallback != null && state.ofFallback != null) {
      fallback.reveal(state.ofFallback, request, serviceSeconds, random);
    }
  }

  /**
   * A fitted line.
   *
   * @param intercept seconds at a prompt of no tokens
   * @param slope seconds per prompt token
   */
  public record Line(double intercept, double slope) {}

  /**
   * The completions and lines of every workload.
   *
   * @param <F> the fallback's state
   */
  public static final class Lines<F> {
    private final Map<String, Completions> byWorkload = new HashMap<>();
    private final @Nullable F ofFallback;

    private Lines(@Nullable F ofFallback) {
      this.ofFallback = ofFallback;
    }

    /**
     * Returns the line in use for a workload.
     *
     * @param workload the kind of work
     * @return the line; null while there are too few completions
     */
    public @Nullable Line line(String workload) {
      Completions completions = byWorkload.get(workload);
      return completions == null ? null : completions.line;
    }
  }

  private static final class Completions {
    private final int[] promptTokens;
    private final double[] seconds;
    private int size;
    private int next;
    private int sinceFit;
    private long total;
    private @Nullable Line line;

    private Completions(int window) {
      promptTokens = new int[window];
      seconds = new double[window];
    }

    private void add(int tokens, double time) {
      promptTokens[next] = tokens;
      seconds[next] = time;
      next = (next + 1) % promptTokens.length;
      size = Math.min(size + 1, promptTokens.length);
      sinceFit++;
      total++;
    }

    private void fit() {
      double meanTokens = 0;
      double meanSeconds = 0;
      for (int i = 0; i < size; i++) {
        meanTokens += promptTokens[i];
        meanSeconds += seconds[i];
      }
      meanTokens /= size;
      meanSeconds /= size;
      double spread = 0;
      double joint = 0;
      boolean same = true;
      for (int i = 0; i < size; i++) {
        double deviation = promptTokens[i] - meanTokens;
        spread += deviation * deviation;
        joint += deviation * (seconds[i] - meanSeconds);
        same &= promptTokens[i] == promptTokens[0];
      }
      double slope = same ? 0 : joint / spread;
      line = new Line(meanSeconds - slope * meanTokens, slope);
      sinceFit = 0;
    }
  }
}
