package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import org.junit.jupiter.api.Test;

/** Explaining a decision takes none, whatever the policy remembers. */
class ExplainRouteTest {
  /** Goes round; its state is the next position. Without a copy of its own. */
  private static class Round implements RoutingPolicy<int[]> {
    @Override
    public String id() {
      return "round";
    }

    @Override
    public int[] newState() {
      return new int[1];
    }

    @Override
    public void route(int[] next, Request request, ClusterView view, RouteDraft draft) {
      draft.accept(next[0]++ % view.size());
    }
  }

  /** As it should be. */
  private static final class CopiedRound extends Round {
    @Override
    public int[] copyOf(int[] next) {
      return next.clone();
    }
  }

  /** Hands out the state itself. */
  private static final class SharedRound extends Round {
    @Override
    public int[] copyOf(int[] next) {
      return next;
    }
  }

  @Test
  void explainingAsOftenAsOneLikesChangesNoDecision() {
    ClusterScheduler asked = RoutingFixtures.cluster(new CopiedRound(), "a", "b", "c");
    ClusterScheduler alone = RoutingFixtures.cluster(new CopiedRound(), "a", "b", "c");
    for (int i = 0; i < 10; i++) {
      Request request = Request.of("r" + i, 8, 4);
      String first = asked.explainRoute(request, i).instance();
      assertThat(asked.explainRoute(request, i).instance()).isEqualTo(first);
      String chosen = asked.route(request, i).ticket().primary();
      assertThat(chosen).isEqualTo(first);
      assertThat(alone.route(request, i).ticket().primary()).isEqualTo(chosen);
    }
  }

  @Test
  void aPolicyThatCannotCopyItsStateIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ClusterScheduler.builder().policy(new Round()).build())
        .withMessage(
            "policy 'round' cannot be explained: 'round' has state of its own, so it must"
                + " overwrite copyOf");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ClusterScheduler.builder().policy(new SharedRound()).build())
        .withMessage(
            "policy 'round' cannot be explained: copyOf must return a new object, but returned the"
                + " state itself");
  }
}
