package io.headway.runtime;

import static io.headway.runtime.RoutingFixtures.MIXED;
import static io.headway.runtime.RoutingFixtures.load;
import static io.headway.runtime.RoutingFixtures.policy;
import static io.headway.runtime.RoutingFixtures.positionOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RebalancingPolicy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** Rounds of rebalancing: a request moves at most once per migration, and no load is lost. */
class RebalancingTest {
  private static final long PERIOD = 100;

  /** What a lambda wants moved. */
  interface Round {
    void rebalance(
        RebalancingPolicy.RebalancingView view, RebalancingPolicy.RebalancingDraft draft);
  }

  private static final class Rounds implements RebalancingPolicy<Stateless> {
    private Round round;
    private boolean urgent;
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
    public void rebalance(Stateless state, RebalancingView view, RebalancingDraft draft) {
      asked++;
      round.rebalance(view, draft);
    }

    @Override
    public long periodNanos() {
      return PERIOD;
    }

    @Override
    public boolean urgent(Stateless state, ClusterView view) {
      return urgent;
    }

    @Override
    public long minimumGapNanos() {
      return 10;
    }
  }

  private final Rounds rounds = new Rounds((view, draft) -> moveAll(view, draft, "a", "b"));

  /** Everything goes to the first instance. */
  private ClusterScheduler cluster(boolean strict) {
    ClusterScheduler.Builder builder =
        ClusterScheduler.builder()
            .policy(policy((request, view, draft) -> draft.accept(0)))
            .rebalancing(rounds, 1);
    ClusterScheduler cluster = (strict ? builder.strict() : builder).build();
    cluster.up("a", 0, MIXED, 0);
    cluster.up("b", 0, MIXED, 0);
    return cluster;
  }

  private static void moveAll(
      RebalancingPolicy.RebalancingView view,
      RebalancingPolicy.RebalancingDraft draft,
      String from,
      String to) {
    int source = positionOf(view, from);
    int target = positionOf(view, to);
    for (int rank = 0; rank < view.requestCount(source); rank++) {
      draft.migrate(view.request(source, rank), target);
    }
  }

  private static Ticket route(ClusterScheduler cluster, String id) {
    RoutePlan plan = cluster.route(Request.of(id, 10, 10), 1);
    assertThat(plan.kind()).isEqualTo(RoutePlan.Kind.ACCEPT);
    return plan.ticket();
  }

  private static void assertInFlight(ClusterScheduler cluster, int atA, int atB) {
    assertThat(load(cluster, "a", 50).inFlight()).as("at a").isEqualTo(atA);
    assertThat(load(cluster, "b", 50).inFlight()).as("at b").isEqualTo(atB);
  }

  @Test
  void theLoadMovesAtCommitAndOnlyOnce() {
    ClusterScheduler cluster = cluster(true);
    Ticket ticket = route(cluster, "r");
    Migration move = cluster.rebalance(10).migrations().get(0);
    assertThat(move).hasToString("Migration[r, a -> b]");
    assertInFlight(cluster, 1, 0);
    assertThat(move.commit(20)).isTrue();
    assertInFlight(cluster, 0, 1);
    assertThat(move.commit(21)).isFalse();
    assertThat(move.abort(22)).isFalse();
    assertInFlight(cluster, 0, 1);
    assertThat(ticket.primary()).isEqualTo("b");
    ticket.close();
    assertInFlight(cluster, 0, 0);
  }

  @Test
  void anAbortedMoveChangesNothingAndMayBeMadeAgain() {
    ClusterScheduler cluster = cluster(true);
    Ticket ticket = route(cluster, "r");
    Migration first = cluster.rebalance(10).migrations().get(0);
    assertThat(cluster.rebalance(10 + PERIOD).migrations()).as("it is moving already").isEmpty();
    assertThat(first.abort(20)).isTrue();
    assertThat(first.abort(21)).isFalse();
    assertThat(first.commit(22)).isFalse();
    assertInFlight(cluster, 1, 0);
    assertThat(ticket.primary()).isEqualTo("a");
    assertThat(cluster.rebalance(10 + 2 * PERIOD).migrations()).hasSize(1);
  }

  @Test
  void anEndedRequestIsNotMoved() {
    ClusterScheduler cluster = cluster(true);
    Ticket ticket = route(cluster, "r");
    Migration move = cluster.rebalance(10).migrations().get(0);
    ticket.release(ReleaseCause.COMPLETED, Usage.of(3), 15);
    assertThat(move.commit(20)).isFalse();
    assertInFlight(cluster, 0, 0);
  }

  @Test
  void aRequestThatWentElsewhereIsNotMoved() {
    ClusterScheduler cluster = cluster(true);
    cluster.up("c", 0, MIXED, 0);
    Ticket served = route(cluster, "served");
    Ticket retried = route(cluster, "retried");
    List<Migration> moves = cluster.rebalance(10).migrations();
    assertThat(moves).hasSize(2);
    assertThat(served.servedBy("c", 11)).isTrue();
    assertThat(retried.retry(ReleaseCause.UPSTREAM_ERROR, 12).kind())
        .isEqualTo(RoutePlan.Kind.ACCEPT);
    for (Migration move : moves) {
      assertThat(move.commit(13)).isFalse();
    }
    assertThat(served.primary()).isEqualTo("c");
    assertThat(load(cluster, "c", 20).inFlight()).isEqualTo(1);
    served.close();
    retried.close();
    assertInFlight(cluster, 0, 0);
  }

  @Test
  void aTargetThatWentDownOrCameBackTakesNothing() {
    ClusterScheduler cluster = cluster(true);
    Ticket ticket = route(cluster, "r");
    Migration move = cluster.rebalance(10).migrations().get(0);
    cluster.down("b", 0, 11);
    cluster.up("b", 1, MIXED, 12);
    assertThat(move.commit(13)).as("it was meant for the life before").isFalse();
    assertInFlight(cluster, 1, 0);
    ticket.close();
    assertInFlight(cluster, 0, 0);
  }

  @Test
  void aSourceThatWentDownLosesNothingTwice() {
    ClusterScheduler cluster = cluster(true);
    Ticket ticket = route(cluster, "r");
    Migration move = cluster.rebalance(10).migrations().get(0);
    cluster.down("a", 0, 11);
    cluster.up("a", 1, MIXED, 12);
    assertThat(move.commit(13)).as("the request runs on the target").isTrue();
    assertInFlight(cluster, 0, 1);
    ticket.close();
    assertInFlight(cluster, 0, 0);
  }

  @Test
  void aTargetIsNeverPromisedMoreThanItHasRoomFor() {
    ClusterScheduler cluster = cluster(true);
    cluster.up("b", 0, MIXED.maxInFlight(1), 1);
    Ticket one = route(cluster, "r1");
    Ticket two = route(cluster, "r2");
    List<Migration> moves = cluster.rebalance(10).migrations();
    assertThat(moves).as("one place, one move").hasSize(1);
    assertThat(cluster.routeAmong(Request.of("r3", 10, 10), java.util.Set.of("b"), 11).kind())
        .as("the place is kept")
        .isEqualTo(RoutePlan.Kind.QUEUE);
    assertThat(moves.get(0).commit(12)).isTrue();
    assertInFlight(cluster, 1, 1);
    one.close();
    two.close();
    assertThat(cluster.stats().inFlight()).as("the one that waited for the place").isEqualTo(1);
  }

  @Test
  void anAbortedMoveGivesThePlaceToWhoeverWaits() {
    ClusterScheduler cluster = cluster(true);
    cluster.up("b", 0, MIXED.maxInFlight(1), 1);
    Ticket one = route(cluster, "r1");
    Migration move = cluster.rebalance(10).migrations().get(0);
    RoutePlan waits = cluster.routeAmong(Request.of("r3", 10, 10), java.util.Set.of("b"), 11);
    List<String> seen = new ArrayList<>();
    waits.later(Runnable::run).thenAccept(plan -> seen.add(plan.ticket().primary()));
    assertThat(move.abort(12)).isTrue();
    assertThat(seen).containsExactly("b");
    one.close();
  }

  @Test
  void aFailedRoundMovesNothing() {
    rounds.round =
        (view, draft) -> {
          moveAll(view, draft, "a", "b");
          throw new IllegalStateException("oops");
        };
    ClusterScheduler guarded = cluster(false);
    route(guarded, "r");
    assertThat(guarded.rebalance(10)).isEqualTo(RebalanceResult.NOTHING);
    assertThat(guarded.stats().violations()).isEqualTo(1);
    rounds.round = (view, draft) -> moveAll(view, draft, "a", "b");
    assertThat(guarded.rebalance(10 + PERIOD).migrations())
        .as("nothing was left behind")
        .hasSize(1);

    rounds.round = (view, draft) -> draft.migrate(17, 0);
    ClusterScheduler strict = cluster(true);
    assertThatThrownBy(() -> strict.rebalance(10))
        .isInstanceOfSatisfying(
            PolicyViolationException.class, e -> assertThat(e.rule()).isEqualTo(Invariant.INV_33))
        .hasMessageContaining("request must be from 0 to -1, but was 17");
  }

  @Test
  void roundsKeepTheirRhythmUnlessItIsUrgent() {
    ClusterScheduler cluster = cluster(true);
    assertThat(cluster.rebalanceDueAtNanos()).isEqualTo(Long.MIN_VALUE);
    cluster.rebalance(1_000);
    assertThat(cluster.rebalanceDueAtNanos()).isEqualTo(1_000 + PERIOD);
    cluster.rebalance(1_099);
    assertThat(rounds.asked).isEqualTo(1);
    rounds.urgent = true;
    cluster.rebalance(1_009);
    assertThat(rounds.asked).as("an earlier time counts as the latest").isEqualTo(2);
    cluster.rebalance(1_105);
    assertThat(rounds.asked).as("the least gap holds even so").isEqualTo(2);
    rounds.urgent = false;
    cluster.rebalance(1_199);
    assertThat(rounds.asked).isEqualTo(3);
  }

  @Test
  void rolesAreFlippedOfReadyInstancesOnly() {
    rounds.round =
        (view, draft) -> {
          assertThat(draft.flip(positionOf(view, "a"), Role.MIXED)).as("it is that").isFalse();
          assertThat(draft.flip(positionOf(view, "a"), Role.PREFILL)).isTrue();
          assertThat(draft.flip(positionOf(view, "b"), Role.DECODE)).isFalse();
        };
    ClusterScheduler cluster = cluster(true);
    cluster.drain("b", 0, 2);
    assertThat(cluster.rebalance(10).flips())
        .containsExactly(new RebalanceResult.RoleFlip("a", 0, Role.PREFILL));
  }

  /** Whatever order moves, ends, retries and restarts come in, load is conserved. */
  @Property(seed = "42", tries = 200)
  void loadIsConserved(@ForAll @LongRange(min = 0, max = 1 << 20) long seed) {
    Random random = new Random(seed);
    rounds.round =
        (view, draft) -> {
          for (int from = 0; from < view.size(); from++) {
            for (int rank = 0; rank < view.requestCount(from); rank++) {
              if (random.nextInt(3) == 0) {
                draft.migrate(view.request(from, rank), random.nextInt(view.size()));
              }
            }
          }
        };
    ClusterScheduler cluster = cluster(true);
    Map<String, Integer> lives = new HashMap<>(Map.of("a", 0, "b", 0));
    List<Ticket> tickets = new ArrayList<>();
    List<Migration> moves = new ArrayList<>();
    for (int step = 0; step < 60; step++) {
      long now = step * 60L;
      switch (random.nextInt(7)) {
        case 0, 1 -> {
          RoutePlan plan = cluster.route(Request.of("r" + step, 10, 10), now);
          if (plan.kind() == RoutePlan.Kind.ACCEPT) {
            tickets.add(plan.ticket());
          }
        }
        case 2 -> moves.addAll(cluster.rebalance(now).migrations());
        case 3 -> {
          if (!moves.isEmpty()) {
            Migration move = moves.remove(random.nextInt(moves.size()));
            if (random.nextInt(3) == 0) {
              move.abort(now);
            } else {
              move.commit(now);
            }
          }
        }
        case 4 -> {
          if (!tickets.isEmpty()) {
            tickets
                .remove(random.nextInt(tickets.size()))
                .release(ReleaseCause.COMPLETED, Usage.of(3), now);
          }
        }
        case 5 -> {
          if (!tickets.isEmpty()) {
            tickets.get(random.nextInt(tickets.size())).retry(ReleaseCause.UPSTREAM_ERROR, now);
          }
        }
        default -> {
          String id = random.nextBoolean() ? "a" : "b";
          cluster.up(id, lives.merge(id, 1, Integer::sum), MIXED, now);
        }
      }
      int open = load(cluster, "a", now).inFlight() + load(cluster, "b", now).inFlight();
      assertThat(open).isBetween(0, cluster.stats().inFlight());
    }
    for (Ticket ticket : tickets) {
      ticket.close();
    }
    for (Migration move : moves) {
      assertThat(move.commit(100_000)).isFalse();
    }
    assertInFlight(cluster, 0, 0);
    assertThat(cluster.stats().inFlight()).isZero();
    InstanceLoad left = load(cluster, "b", 100_001);
    assertThat(left.waiting() + left.running()).isZero();
    assertThat(left.waitingPromptTokens() + left.runningContextTokens()).isZero();
  }
}
