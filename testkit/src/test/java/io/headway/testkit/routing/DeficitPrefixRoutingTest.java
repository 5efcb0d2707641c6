package io.headway.testkit.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;
import io.headway.routing.instance.DeficitPrefixRouting;
import io.headway.routing.instance.DeficitPrefixRouting.Parameters;
import io.headway.routing.instance.LoadMetric;
import io.headway.routing.instance.WorkerDeficits;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.RouteExplanation;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The dispatcher of D2LPM in front of a cluster scheduler, against a naive account. */
class DeficitPrefixRoutingTest {
  private static final int BLOCK = 16;
  private static final int LONGEST_PROMPT = 160;
  private static final int LONGEST_OUTPUT = 30;

  /** Passes everything on and keeps the state and the matches of the last decision. */
  private static final class Watched implements RoutingPolicy<DeficitPrefixRouting.State> {
    private final DeficitPrefixRouting policy;
    private DeficitPrefixRouting.State state;
    private int[] matches = {};

    Watched(Parameters parameters) {
      policy = new DeficitPrefixRouting(parameters);
      state = policy.newState();
    }

    @Override
    public String id() {
      return policy.id();
    }

    @Override
    public Claims claims() {
      return policy.claims();
    }

    @Override
    public DeficitPrefixRouting.State newState() {
      state = policy.newState();
      return state;
    }

    @Override
    public DeficitPrefixRouting.State copyOf(DeficitPrefixRouting.State old) {
      return policy.copyOf(old);
    }

    @Override
    public void route(
        DeficitPrefixRouting.State now, Request request, ClusterView view, RouteDraft draft) {
      if (now == state) {
        matches = new int[view.size()];
        for (int i = 0; i < view.size(); i++) {
          int match = view.matchedBlocks(request, i) * view.instance(i).blockTokens();
          matches[i] = Math.min(match, request.promptTokens());
        }
      }
      policy.route(now, request, view, draft);
    }

    @Override
    public void onFinished(DeficitPrefixRouting.State now, Request request, RouteOutcome outcome) {
      policy.onFinished(now, request, outcome);
    }
  }

  private record Sent(Ticket ticket, int tenant, int instance) {}

  /**
   * With the same instances throughout, a deficit is at most Q and above {@code -(extendPrice * L +
   * outputPrice * F * M)}, and a tenant's service at two instances differs by at most {@code Q +
   * extendPrice * L + outputPrice * F * M}, at any time.
   */
  @Property(tries = 150, seed = "8821")
  void theServiceOfATenantIsBalancedWithinTheBound(
      @ForAll @IntRange(min = 1, max = 1_000_000) int seed) {
    Random random = new Random(seed);
    int instances = 2 + random.nextInt(4);
    int mostOutstanding = 1 + random.nextInt(4);
    Parameters parameters =
        new Parameters(
            1 + random.nextInt(500),
            random.nextInt(3),
            1 + random.nextInt(3),
            LoadMetric.TOKENS,
            1 << 16);
    Watched policy = new Watched(parameters);
    ClusterScheduler cluster = ClusterScheduler.builder().policy(policy).build();
    for (int i = 0; i < instances; i++) {
      cluster.up("i" + i, 1, InstanceProfile.of(Role.MIXED, 8, 1_000, BLOCK), 0);
    }
    double bound =
        parameters.quantum()
            + parameters.extendPrice() * LONGEST_PROMPT
            + parameters.outputPrice() * mostOutstanding * LONGEST_OUTPUT;
    double[][] service = new double[2][instances];
    int[][] outstanding = new int[2][instances];
    List<Sent> sent = new ArrayList<>();
    int matched = 0;
    for (int round = 0; round < 200; round++) {
      int tenant = random.nextInt(2);
      boolean full = Arrays.stream(outstanding[tenant]).anyMatch(n -> n == mostOutstanding);
      if (!full && random.nextBoolean()) {
        int prompt = 1 + random.nextInt(LONGEST_PROMPT);
        long[] keys = new long[prompt / BLOCK];
        long family = random.nextInt(3);
        for (int b = 0; b < keys.length; b++) {
          keys[b] = family * 100 + b + 1;
        }
        RoutePlan plan =
            cluster.route(
                Request.builder("r" + round, prompt, LONGEST_OUTPUT)
                    .tenant("t" + tenant)
                    .arrivalNanos(round)
                    .blockKeys(keys)
                    .build(),
                round);
        int chosen = Integer.parseInt(plan.ticket().primary().substring(1));
        matched += policy.matches[chosen];
        service[tenant][chosen] += parameters.extendPrice() * (prompt - policy.matches[chosen]);
        outstanding[tenant][chosen]++;
        sent.add(new Sent(plan.ticket(), tenant, chosen));
      } else if (!sent.isEmpty()) {
        Sent one = sent.remove(random.nextInt(sent.size()));
        int output = random.nextInt(LONGEST_OUTPUT + 1);
        ReleaseCause cause = ReleaseCause.values()[random.nextInt(ReleaseCause.values().length)];
        one.ticket.release(cause, Usage.of(output), round);
        service[one.tenant][one.instance] += parameters.outputPrice() * output;
        outstanding[one.tenant][one.instance]--;
      }
      for (int t = 0; t < 2; t++) {
        double least = Arrays.stream(service[t]).min().orElse(0);
        double most = Arrays.stream(service[t]).max().orElse(0);
        assertThat(most - least).isLessThanOrEqualTo(bound);
        for (int i = 0; i < instances; i++) {
          double deficit = policy.state.deficit("t" + t, i);
          assertThat(deficit).isLessThanOrEqualTo(parameters.quantum());
          assertThat(deficit).isGreaterThan(parameters.quantum() - bound - 1e-9);
          assertThat(deficit - policy.state.deficit("t" + t, 0))
              .isEqualTo(service[t][0] - service[t][i]);
        }
      }
    }
    assertThat(matched).isPositive();
  }

  private static ClusterScheduler cluster(Parameters parameters, int instances) {
    ClusterScheduler cluster =
        ClusterScheduler.builder().policy(new DeficitPrefixRouting(parameters)).build();
    for (int i = 0; i < instances; i++) {
      cluster.up("i" + i, 1, InstanceProfile.of(Role.MIXED, 8, 1_000, BLOCK), 0);
    }
    return cluster;
  }

  private static Request request(String id, int prompt, long... keys) {
    return Request.builder(id, prompt, 8).tenant("a").blockKeys(keys).build();
  }

  private static Parameters quantum(double quantum) {
    return new Parameters(quantum, 1, 2, LoadMetric.TOKENS, 100);
  }

  @Test
  void anUnboundedQuantumFollowsThePrefix() {
    ClusterScheduler cluster = cluster(quantum(1e12), 3);
    Ticket ticket = cluster.route(request("r0", 32, 1, 2), 0).ticket();
    String first = ticket.primary();
    ticket.release(ReleaseCause.COMPLETED, Usage.of(8), 0);
    for (int i = 1; i < 20; i++) {
      assertThat(cluster.route(request("r" + i, 32, 1, 2), i).ticket().primary()).isEqualTo(first);
    }
  }

  @Test
  void aSmallQuantumIsADeficitRoundRobin() {
    ClusterScheduler cluster = cluster(quantum(1), 3);
    int[] counts = new int[3];
    for (int i = 0; i < 30; i++) {
      RoutePlan plan = cluster.route(request("r" + i, 32, 1, 2), i);
      counts[Integer.parseInt(plan.ticket().primary().substring(1))]++;
      plan.ticket().release(ReleaseCause.COMPLETED, Usage.of(8), i);
    }
    assertThat(counts).containsExactly(10, 10, 10);
  }

  @Test
  void anInstanceThatRestartsBeginsAnew() {
    ClusterScheduler cluster = cluster(quantum(100), 2);
    RoutePlan plan = cluster.route(request("r0", 90), 0);
    assertThat(plan.ticket().primary()).isEqualTo("i0");
    assertThat(cluster.down("i0", 1, 1)).isTrue();
    assertThat(cluster.up("i0", 2, InstanceProfile.of(Role.MIXED, 8, 1_000, BLOCK), 2)).isTrue();
    RouteExplanation explanation = cluster.explainRoute(request("r1", 40), 3);
    assertThat(explanation.toString()).contains("deficit");
    assertThat(cluster.route(request("r1", 40), 3).ticket().primary()).isEqualTo("i1");
  }

  @Test
  void roundingDoesNotLeaveAClientWithoutCredit() {
    double[] deficits = {-0.3, -0.7};
    double rounds = WorkerDeficits.refill(deficits, new double[] {0.1, 0.1}, 2);
    assertThat(rounds).isBetween(3.0, 4.0);
    assertThat(deficits[0]).isPositive();
    assertThat(WorkerDeficits.choose(deficits, new int[2], new double[2], 2)).isZero();
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThatThrownBy(() -> WorkerDeficits.refill(new double[2], new double[2], 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("one quantum at least must be above 0 weighted tokens, but none of 2 is");
    assertThatThrownBy(() -> quantum(0))
        .hasMessage("quantum must be finite and above 0 weighted tokens, but was 0.0");
  }
}
