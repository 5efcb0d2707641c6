package io.headway.batching.speculation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Stateless;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.speculation.SpeculationPlan;
import io.headway.api.speculation.SpeculationPolicy;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class LeviathanTest {
  @Property(seed = "42")
  void expectedTokensRiseInBothArgumentsWithinTheirBound(
      @ForAll @IntRange(min = 0, max = 99) int percent,
      @ForAll @IntRange(min = 0, max = 40) int gamma) {
    double alpha = percent / 100.0;
    double tokens = LeviathanModel.expectedTokens(alpha, gamma);
    assertThat(tokens).isBetween(1.0, Math.min(gamma + 1, 1 / (1 - alpha)) + 1e-9);
    assertThat(tokens).isCloseTo((1 - Math.pow(alpha, gamma + 1)) / (1 - alpha), within(1e-9));
    assertThat(LeviathanModel.expectedTokens(alpha, gamma + 1)).isGreaterThanOrEqualTo(tokens);
    assertThat(LeviathanModel.expectedTokens(alpha + 0.01, gamma)).isGreaterThanOrEqualTo(tokens);
    assertThat(LeviathanModel.operationFactor(alpha, gamma, 0)).isGreaterThanOrEqualTo(1 - 1e-12);
  }

  @Property(seed = "42")
  void theBestLengthIsTheFirstMaximum(
      @ForAll @IntRange(min = 0, max = 100) int percent,
      @ForAll @IntRange(min = 0, max = 100) int costPercent,
      @ForAll @IntRange(min = 0, max = 40) int gammaMax) {
    double alpha = percent / 100.0;
    double cost = costPercent / 100.0;
    int best = LeviathanModel.bestGamma(alpha, cost, gammaMax);
    double most = LeviathanModel.speedup(alpha, best, cost);
    for (int gamma = 0; gamma <= gammaMax; gamma++) {
      double other = LeviathanModel.speedup(alpha, gamma, cost);
      assertThat(other).isLessThanOrEqualTo(most + 1e-9);
      if (gamma < best) {
        assertThat(other).isLessThan(most);
      }
    }
    if (alpha <= cost) {
      assertThat(best).isZero();
    } else if (gammaMax >= 1) {
      assertThat(most).isGreaterThanOrEqualTo((1 + alpha) / (1 + cost) - 1e-9);
    }
  }

  @Test
  void publishedTable() {
    assertThat(LeviathanModel.bestGamma(0.7, 0.1, 64)).isEqualTo(4);
    assertThat(LeviathanModel.speedup(0.7, 4, 0.1)).isCloseTo(1.980786, within(1e-6));
    assertThat(LeviathanModel.bestGamma(0.9, 0.01, 64)).isEqualTo(24);
    assertThat(LeviathanModel.bestGamma(0.5, 0.5, 64)).isZero();
    assertThat(LeviathanModel.bestGamma(0.9, 0, 8)).isEqualTo(8);
    assertThat(LeviathanModel.operationFactor(0.9, 8, 0.02)).isCloseTo(1.495316, within(1e-6));
    assertThat(LeviathanModel.expectedTokens(1, 5)).isEqualTo(6);
    assertThat(LeviathanModel.clip(5, 3)).isEqualTo(2);
    assertThat(LeviathanModel.clip(5, 0)).isZero();
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatThrownBy(() -> LeviathanModel.expectedTokens(1.2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("alpha must be 0 to 1, but was 1.2");
    assertThatThrownBy(() -> LeviathanModel.expectedTokens(0.5, -1))
        .hasMessage("gamma must be at least 0 tokens, but was -1");
    assertThatThrownBy(() -> LeviathanModel.speedup(0.5, 1, -1))
        .hasMessage("costRatio must be finite and at least 0, but was -1.0");
    assertThatThrownBy(() -> new FixedLengthSpeculation(-1))
        .hasMessage("draftTokens must be at least 0 tokens, but was -1");
    assertThatThrownBy(() -> new AcceptanceRate().add(2, 3))
        .hasMessage("acceptedTokens must be 0 to draftedTokens, but they were 3 and 2");
    assertThatThrownBy(() -> new AcceptanceRate().alpha())
        .hasMessage("nothing was tested; ask tested() first");
  }

  @Test
  void theRateCountsTestsNotDrafts() {
    AcceptanceRate rate = new AcceptanceRate();
    int[][] rows = {{4, 4}, {4, 1}, {4, 0}, {3, 2}};
    for (int[] row : rows) {
      rate.add(row[0], row[1]);
    }
    assertThat(rate.tested()).isEqualTo(10);
    assertThat(rate.alpha()).isEqualTo(0.7);
  }

  @Property(seed = "42")
  void chainsRespectCapsAndBudget(
      @ForAll @Size(max = 20) byte[] raw,
      @ForAll @IntRange(min = 0, max = 40) int budget,
      @ForAll @IntRange(min = 0, max = 9) int tokens) {
    int[] caps = new int[raw.length];
    for (int i = 0; i < caps.length; i++) {
      caps[i] = raw[i] & 7;
    }
    TestView view = new TestView(budget, caps);
    SpeculationPlan plan = new SpeculationPlan();
    plan.reset(view);
    new FixedLengthSpeculation(tokens).plan(Stateless.STATE, view, plan);
    int left = budget;
    for (int i = 0; i < caps.length; i++) {
      int expected = Math.min(Math.min(tokens, caps[i]), left);
      assertThat(plan.draftTokens(i)).isEqualTo(expected);
      left -= expected;
    }
    assertThat(plan.totalTokens()).isEqualTo(budget - left);
  }

  private static int planned(LeviathanSpeculation policy, LeviathanSpeculation.State state) {
    TestView view = new TestView(Integer.MAX_VALUE, 50);
    SpeculationPlan plan = new SpeculationPlan();
    plan.reset(view);
    policy.plan(state, view, plan);
    return plan.draftTokens(0);
  }

  @Test
  void theLengthFollowsTheMeasuredRate() {
    LeviathanSpeculation policy =
        new LeviathanSpeculation(new LeviathanSpeculation.Config(0.7, 0.5, 0.1, 16, 3));
    LeviathanSpeculation.State state = policy.newState();
    assertThat(planned(policy, state)).isEqualTo(LeviathanModel.bestGamma(0.7, 0.1, 16));
    policy.onVerified(state, 0, 4, 4, 4);
    assertThat(state.alpha()).isCloseTo(0.85, within(1e-12));
    policy.onVerified(state, 0, 0, 0, 0);
    assertThat(state.alpha()).as("held when nothing was tested").isCloseTo(0.85, within(1e-12));
    assertThat(planned(policy, state)).isEqualTo(LeviathanModel.bestGamma(0.85, 0.1, 16));
    for (int i = 0; i < 20; i++) {
      policy.onVerified(state, 0, 4, 0, 1);
    }
    assertThat(state.alpha()).isLessThan(0.1);
    assertThat(new int[] {planned(policy, state), planned(policy, state), planned(policy, state)})
        .as("a probe in every third iteration")
        .containsExactly(0, 0, 1);
    assertThat(planned(policy, state)).isZero();
  }

  @Test
  void everyProviderMakesItsPolicyFromDefaults() {
    for (PolicyProvider provider : new SpeculationCatalog().providers()) {
      Object policy = provider.create(PolicySpec.parse(provider.id()));
      assertThat(policy).isInstanceOf(SpeculationPolicy.class);
      assertThat(((SpeculationPolicy<?>) policy).id()).isEqualTo(provider.id());
      assertThat(((SpeculationPolicy<?>) policy).newState()).isNotNull();
    }
  }
}
