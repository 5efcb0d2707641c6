package io.headway.runtime;

import static io.headway.runtime.RoutingFixtures.MIXED;
import static io.headway.runtime.RoutingFixtures.leastRequests;
import static io.headway.runtime.RoutingFixtures.positionOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.Stateless;
import io.headway.api.routing.ScalingPolicy;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rounds of scaling: what a policy may ask for, and when it is asked. */
class ScalingTest {
  private static final InstanceType SMALL = new InstanceType("small", 1.5, 1_000);
  private static final InstanceType LARGE = new InstanceType("large", 4.0, 9_000);

  /** What a lambda wants changed. */
  interface Round {
    void scale(ScalingPolicy.ScalingView view, ScalingPolicy.ScalingDraft draft);
  }

  private static final class Rounds implements ScalingPolicy<Stateless> {
    private Round round;
    private int asked;

    Rounds(Round round) {
      this.round = round;
    }

    @Override
    public String id() {
      return "rounds";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void scale(Stateless state, ScalingView view, ScalingDraft draft) {
      asked++;
      round.scale(view, draft);
    }

    @Override
    public long periodNanos() {
      return 100;
    }
  }

  private static ClusterScheduler cluster(Rounds rounds, boolean strict) {
    ClusterScheduler.Builder builder =
        ClusterScheduler.builder().policy(leastRequests()).scaling(rounds, List.of(SMALL, LARGE));
    ClusterScheduler cluster = (strict ? builder.strict() : builder).build();
    cluster.up("a", 3, MIXED, 0);
    cluster.up("b", 0, MIXED, 0);
    return cluster;
  }

  @Test
  void startsDrainsAndReshapesAreHandedOutAndNothingElseChanges() {
    Rounds rounds =
        new Rounds(
            (view, draft) -> {
              assertThat(view.typeCount()).isEqualTo(2);
              assertThat(view.pricePerHour(1)).isEqualTo(4.0);
              assertThat(view.startNanos(0)).isEqualTo(1_000);
              assertThat(view.forecastRequestsPerSecond(1))
                  .as("without a forecaster")
                  .isEqualTo(-1);
              draft.start(1, Role.MIXED, 2);
              draft.drain(positionOf(view, "b"));
              draft.drain(positionOf(view, "b"));
              draft.reparallelise(positionOf(view, "a"), 2, 4);
            });
    ClusterScheduler cluster = cluster(rounds, true);
    Ticket running = cluster.route(Request.of("r", 10, 10), 1).ticket();
    ScaleResult result = cluster.scale(10);
    assertThat(result.starts()).containsExactly(new ScaleResult.Start(LARGE, Role.MIXED, 2));
    assertThat(result.drains()).as("each once").containsExactly("b");
    assertThat(result.reshapes()).containsExactly(new ScaleResult.Reshape("a", 2, 4));
    assertThat(cluster.stats().readyInstances()).as("the caller carries it out").isEqualTo(2);
    assertThat(cluster.stats().inFlight()).isEqualTo(1);
    running.close();
  }

  @Test
  void aDrainingInstanceIsNotDrainedAgain() {
    Rounds rounds = new Rounds((view, draft) -> draft.drain(positionOf(view, "b")));
    ClusterScheduler cluster = cluster(rounds, true);
    cluster.drain("b", 0, 1);
    assertThat(cluster.scale(10).drains()).isEmpty();
  }

  @Test
  void roundsKeepTheirRhythm() {
    Rounds rounds = new Rounds((view, draft) -> draft.start(0, Role.MIXED, 1));
    ClusterScheduler cluster = cluster(rounds, true);
    assertThat(cluster.scaleDueAtNanos()).isEqualTo(Long.MIN_VALUE);
    assertThat(cluster.scale(1_000).starts()).hasSize(1);
    assertThat(cluster.scale(1_099)).isEqualTo(ScaleResult.NOTHING);
    assertThat(cluster.scaleDueAtNanos()).isEqualTo(1_100);
    assertThat(cluster.scale(1_100).starts()).hasSize(1);
    assertThat(rounds.asked).isEqualTo(2);
  }

  @Test
  void aFailedRoundChangesNothing() {
    Rounds rounds =
        new Rounds(
            (view, draft) -> {
              draft.start(0, Role.MIXED, 1);
              draft.drain(7);
            });
    ClusterScheduler guarded = cluster(rounds, false);
    assertThat(guarded.scale(10)).isEqualTo(ScaleResult.NOTHING);
    assertThat(guarded.stats().violations()).isEqualTo(1);
    ClusterScheduler strict = cluster(rounds, true);
    assertThatThrownBy(() -> strict.scale(10))
        .isInstanceOf(PolicyViolationException.class)
        .hasMessageContaining("position must be from 0 to 1, but was 7");
  }

  @Test
  void whatMakesNoSenseIsNamed() {
    assertRefused(
        (view, draft) -> draft.start(2, Role.MIXED, 1), "type must be from 0 to 1, but was 2");
    assertRefused(
        (view, draft) -> draft.start(0, Role.MIXED, 0),
        "count must be at least 1 instance, but was 0");
    assertRefused(
        (view, draft) -> draft.reparallelise(0, 0, 1),
        "tensorParallel and pipelineParallel must be at least 1 device and stage, but were 0 and"
            + " 1");
  }

  private static void assertRefused(Round round, String message) {
    ClusterScheduler cluster = cluster(new Rounds(round), true);
    assertThatThrownBy(() -> cluster.scale(10)).hasMessageContaining(message);
  }

  @Test
  void withoutAPolicyThereAreNoRounds() {
    ClusterScheduler cluster = ClusterScheduler.builder().policy(leastRequests()).build();
    assertThat(cluster.scaleDueAtNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(cluster.rebalanceDueAtNanos()).isEqualTo(Long.MAX_VALUE);
    assertThatIllegalStateException()
        .isThrownBy(() -> cluster.scale(1))
        .withMessage("a scaling policy is missing; give the builder one with scaling(...)");
  }
}
