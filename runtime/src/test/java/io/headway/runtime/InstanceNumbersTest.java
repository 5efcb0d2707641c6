package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.ClusterView;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** What a view answers of a position is what the instance there answers, whatever happened. */
class InstanceNumbersTest {
  private final List<String> seen = new ArrayList<>();

  @Property(seed = "1", tries = 200)
  void aViewAnswersAsItsInstancesDoAndHoldsWhoCanTakeTheRequest(@ForAll long seed) {
    Random random = new Random(seed);
    ClusterScheduler cluster =
        ClusterScheduler.builder()
            .policy(
                RoutingFixtures.policy(
                    (request, view, draft) -> {
                      compare(view);
                      draft.accept(random.nextInt(view.size()));
                    }))
            .strict()
            .build();
    List<Ticket> open = new ArrayList<>();
    int[] lives = new int[12];
    for (int round = 0; round < 150; round++) {
      int i = random.nextInt(lives.length);
      String id = "i" + (char) ('a' + i);
      switch (random.nextInt(12)) {
        case 0 -> cluster.starting(id, lives[i], profile(random), round);
        case 1, 2 -> cluster.up(id, lives[i], profile(random), round);
        case 3 -> cluster.drain(id, lives[i], round);
        case 4 -> {
          if (cluster.down(id, lives[i], round)) {
            lives[i]++;
          }
        }
        case 5, 6 ->
            cluster.observe(
                id,
                lives[i],
                InstanceStats.of(
                    random.nextInt(4) - 1, random.nextInt(9), 50, random.nextInt(900), 30),
                round - random.nextInt(3));
        case 7 -> {
          if (!open.isEmpty()) {
            open.remove(random.nextInt(open.size()))
                .release(ReleaseCause.COMPLETED, Usage.UNKNOWN, round);
          }
        }
        case 8 -> {
          if (!open.isEmpty()) {
            open.get(random.nextInt(open.size())).firstToken(round);
          }
        }
        default -> {
          Request.Builder request =
              Request.builder("r" + round, 1 + random.nextInt(300), 1 + random.nextInt(100));
          if (random.nextInt(4) == 0) {
            request.model("m" + random.nextInt(2));
          }
          route(cluster, request.build(), round, open);
        }
      }
    }
  }

  private void route(ClusterScheduler cluster, Request request, int round, List<Ticket> open) {
    List<String> expected = new ArrayList<>();
    for (RouteExplanation.Candidate each : cluster.explainRoute(request, round).candidates()) {
      if (each.verdict() == RouteExplanation.Verdict.YES) {
        expected.add(each.instance());
      }
    }
    seen.clear();
    RoutePlan plan = cluster.route(request, round);
    assertThat(seen).isEqualTo(expected);
    if (plan.kind() == RoutePlan.Kind.ACCEPT) {
      open.add(plan.ticket());
    } else {
      assertThat(expected).isEmpty();
      if (plan.kind() == RoutePlan.Kind.QUEUE) {
        cluster.tick(round);
      }
    }
  }

  private static InstanceProfile profile(Random random) {
    InstanceProfile profile =
        InstanceProfile.of(Role.MIXED, 8, 10 + random.nextInt(20), 16)
            .maxInFlight(1 + random.nextInt(4))
            .maxContextTokens(200 + random.nextInt(300));
    return random.nextInt(3) == 0 ? profile.models(Set.of("m0")) : profile;
  }

  private void compare(ClusterView view) {
    seen.clear();
    for (int i = 0; i < view.size(); i++) {
      Instance instance = view.instance(i);
      seen.add(instance.id());
      assertThat(view.position(instance.index())).isEqualTo(i);
      assertThat(view.waiting(i)).isEqualTo(instance.waiting());
      assertThat(view.running(i)).isEqualTo(instance.running());
      assertThat(view.inFlight(i)).isEqualTo(instance.inFlight());
      assertThat(view.inFlightTokens(i)).isEqualTo(instance.inFlightTokens());
      assertThat(view.kvUsage(i)).isEqualTo(instance.kvUsage());
      assertThat(view.ageNanos(i)).isEqualTo(instance.ageNanos());
    }
  }
}
