package io.headway.api.speculation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.RandomSource;
import org.junit.jupiter.api.Test;

class SpeculationPlanTest {
  /** Requests that may draft as many tokens as given. */
  private record Limits(int... limits) implements SpeculationView {
    @Override
    public RandomSource random() {
      return RandomSource.seeded(1);
    }

    @Override
    public int requests() {
      return limits.length;
    }

    @Override
    public int sequence(int request) {
      return request;
    }

    @Override
    public int contextTokens(int request) {
      return 100;
    }

    @Override
    public int maxDraftTokens(int request) {
      return limits[request];
    }

    @Override
    public int prefillTokens() {
      return 0;
    }

    @Override
    public int draftBudgetTokens() {
      return Integer.MAX_VALUE;
    }

    @Override
    public long tpotTargetNanos() {
      return Long.MAX_VALUE;
    }

    @Override
    public SpeculationCost cost() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int draftedTokens(int request) {
      return 0;
    }

    @Override
    public double confidence(int request, int draft) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void chainsAreCutAndTreesChecked() {
    SpeculationPlan plan = new SpeculationPlan();
    plan.reset(new Limits(3, 0, 2));
    plan.chain(0, 5);
    plan.chain(1, 5);
    DraftTree wide = DraftTree.of(-1, 0, 0, 1, 1);
    plan.tree(2, wide);
    assertThat(plan.draftTokens(0)).isEqualTo(3);
    assertThat(plan.draftTokens(1)).isZero();
    assertThat(plan.draftTokens(2)).isEqualTo(4);
    assertThat(plan.tree(0)).isNull();
    assertThat(plan.tree(2)).isEqualTo(wide);
    assertThat(plan.totalTokens()).isEqualTo(7);
    plan.chain(2, 1);
    assertThat(plan.tree(2)).isNull();
    assertThat(plan.totalTokens()).isEqualTo(4);
    assertThatThrownBy(() -> plan.tree(1, wide))
        .hasMessage(
            "tree must have at most maxDraftTokens = 0 levels below the root for request 1, but has"
                + " 2");
    assertThatThrownBy(() -> plan.chain(0, -1))
        .hasMessage("tokens must be at least 0 tokens, but was -1");
    assertThatThrownBy(() -> plan.draftTokens(3)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void isReusedForBatchesOfAnySize() {
    SpeculationPlan plan = new SpeculationPlan();
    plan.reset(new Limits(1));
    plan.chain(0, 1);
    int[] limits = new int[1000];
    java.util.Arrays.fill(limits, 4);
    plan.reset(new Limits(limits));
    assertThat(plan.requests()).isEqualTo(1000);
    assertThat(plan.totalTokens()).isZero();
    plan.chain(999, 4);
    assertThat(plan.totalTokens()).isEqualTo(4);
    plan.reset(new Limits(7));
    assertThat(plan.draftTokens(0)).isZero();
  }
}
