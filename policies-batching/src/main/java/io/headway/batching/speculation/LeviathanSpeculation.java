package io.headway.batching.speculation;

import static java.util.Objects.requireNonNull;

import io.headway.api.speculation.SpeculationPlan;
import io.headway.api.speculation.SpeculationPolicy;
import io.headway.api.speculation.SpeculationView;

/**
 * Drafts the length that {@link LeviathanModel#bestGamma} finds best for the measured acceptance
 * rate and a configured cost ratio (Leviathan et al., ICML 2023, arXiv 2211.17192).
 *
 * <p>The acceptance rate is a moving average over acceptance tests, pooled over requests: after a
 * sequence with {@code a} accepted of {@code t} tested drafts, {@code alpha <- (1 - w) alpha + w
 * a/t}; held when nothing was tested, and fixed with weight 0. Where the best length is 0, one
 * draft token is still tried in every {@code probeEvery}-th iteration so that the rate cannot go
 * stale; the paper leaves both the estimate and probing open. O(gammaMax + requests) per iteration,
 * no allocation.
 */
public final class LeviathanSpeculation implements SpeculationPolicy<LeviathanSpeculation.State> {
  /**
   * Configuration.
   *
   * @param initialAlpha acceptance rate to start with, 0 to 1
   * @param weight {@code w} of one sequence's tests, 0 to 1; 0 keeps the initial rate
   * @param costRatio draft step relative to target step, finite and at least 0
   * @param maxDraftTokens longest draft, at least 0
   * @param probeEvery iterations without drafts before one token is tried; 0 for never
   */
  public record Config(
      double initialAlpha, double weight, double costRatio, int maxDraftTokens, int probeEvery) {
    /** Rate 0.7, weight 0.1, cost ratio 0.05, at most 8 tokens, a probe every 64 iterations. */
    public static final Config DEFAULT = new Config(0.7, 0.1, 0.05, 8, 64);

    /** Checks the values. */
    public Config {
      if (!(initialAlpha >= 0 && initialAlpha <= 1)) {
        throw new IllegalArgumentException("initialAlpha must be 0 to 1, but was " + initialAlpha);
      }
      if (!(weight >= 0 && weight <= 1)) {
        throw new IllegalArgumentException("weight must be 0 to 1, but was " + weight);
      }
      LeviathanModel.requireRatio("costRatio", costRatio);
      LeviathanModel.requireTokens("maxDraftTokens", maxDraftTokens);
      if (probeEvery < 0) {
        throw new IllegalArgumentException(
            "probeEvery must be at least 0 iterations, but was " + probeEvery);
      }
    }
  }

  private final Config config;

  /**
   * Makes a policy.
   *
   * @param config its configuration
   */
  public LeviathanSpeculation(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "leviathan";
  }

  @Override
  public State newState() {
    return new State(config.initialAlpha);
  }

  @Override
  public void plan(State state, SpeculationView view, SpeculationPlan plan) {
    if (view.requests() == 0) {
      return;
    }
    int tokens = LeviathanModel.bestGamma(state.alpha, config.costRatio, config.maxDraftTokens);
    if (tokens > 0) {
      state.idle = 0;
    } else if (config.probeEvery > 0 && ++state.idle >= config.probeEvery) {
      state.idle = 0;
      tokens = Math.min(1, config.maxDraftTokens);
    }
    FixedLengthSpeculation.chains(view, plan, tokens);
  }

  @Override
  public void onVerified(
      State state, int sequence, int verifiedTokens, int acceptedTokens, int testedTokens) {
    if (testedTokens > 0) {
      state.alpha += config.weight * ((double) acceptedTokens / testedTokens - state.alpha);
    }
  }

  /** The acceptance rate so far. Not thread-safe. */
  public static final class State {
    private double alpha;
    private int idle;

    private State(double alpha) {
      this.alpha = alpha;
    }

    /**
     * Returns the acceptance rate in use.
     *
     * @return 0 to 1
     */
    public double alpha() {
      return alpha;
    }
  }
}
