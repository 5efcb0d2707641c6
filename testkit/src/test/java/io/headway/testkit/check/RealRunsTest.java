package io.headway.testkit.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Claims;
import io.headway.api.Decision;
import io.headway.api.Invariant;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RoutingPolicy;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.Limits;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.StepResult;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceReader;
import io.headway.testkit.trace.TraceRecorder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs every registered policy in small worlds with cancellations, failures, late results, shared
 * prefixes and short memory, and checks the logs. New policies come in by the registry.
 */
class RealRunsTest {
  private static final int WORLDS = 40;
  private static final PolicyRegistry REGISTRY =
      PolicyRegistry.discover(RealRunsTest.class.getClassLoader());

  /**
   * Rules that a policy is known to break, to be mended in the policy. A policy that keeps a rule
   * listed here fails the test, so that the list cannot outlive its reason.
   */
  private static final Map<String, Set<Invariant>> KNOWN_BREACHES = Map.of();

  /** Policies that wait for milliseconds, in worlds whose rounds take nanoseconds. */
  private static final Map<String, String> IN_NANOSECONDS =
      Map.of("fineinfer", "fineinfer:deferMillis=0");

  /** Returns what a policy breaks beside what it is known to break. */
  private static List<Violation> unknown(
      CheckReport report, String policy, Set<Invariant> brokenAsKnown) {
    Set<Invariant> known = KNOWN_BREACHES.getOrDefault(policy, Set.of());
    List<Violation> unknown = new ArrayList<>();
    for (Violation violation : report.violations()) {
      if (known.contains(violation.invariant())) {
        brokenAsKnown.add(violation.invariant());
      } else {
        unknown.add(violation);
      }
    }
    return unknown;
  }

  static List<String> batching() {
    return REGISTRY.providers(Decision.BATCHING).stream().map(PolicyProvider::id).toList();
  }

  static List<String> routing() {
    return REGISTRY.providers(Decision.ROUTING).stream().map(PolicyProvider::id).toList();
  }

  @ParameterizedTest
  @MethodSource("batching")
  void everyBatchingPolicyKeepsAllInvariants(String policy) {
    Map<Invariant, Long> exercised = new EnumMap<>(Invariant.class);
    Set<Invariant> brokenAsKnown = EnumSet.noneOf(Invariant.class);
    for (int world = 0; world < WORLDS; world++) {
      TraceRecorder trace = new TraceRecorder();
      serve(IN_NANOSECONDS.getOrDefault(policy, policy), world, trace);
      CheckReport report = TraceChecks.check(trace.events());
      assertThat(unknown(report, policy, brokenAsKnown))
          .as("%s in world %d", policy, world)
          .isEmpty();
      report.verdicts().forEach(v -> exercised.merge(v.invariant(), v.exercised(), Long::sum));
    }
    assertThat(brokenAsKnown)
        .as("what %s is known to break", policy)
        .isEqualTo(KNOWN_BREACHES.getOrDefault(policy, Set.of()));
    for (int number = 1; number <= 18; number++) {
      Invariant rule = Invariant.values()[number - 1];
      assertThat(exercised.get(rule)).as("%s is vacuous", rule.code()).isPositive();
    }
    assertThat(exercised.get(Invariant.INV_13)).isPositive();
    assertThat(exercised.get(Invariant.INV_30)).isPositive();
  }

  @ParameterizedTest
  @MethodSource("routing")
  void everyRoutingPolicyKeepsAllInvariants(String policy) {
    RoutingPolicy<?> routing =
        (RoutingPolicy<?>) REGISTRY.create(Decision.ROUTING, policy, RoutingPolicy.class);
    Map<Invariant, Long> exercised = new EnumMap<>(Invariant.class);
    Set<Invariant> brokenAsKnown = EnumSet.noneOf(Invariant.class);
    for (int world = 0; world < WORLDS; world++) {
      TraceRecorder trace = new TraceRecorder();
      route(routing, world, trace);
      CheckReport report = TraceChecks.check(trace.events());
      assertThat(unknown(report, policy, brokenAsKnown))
          .as("%s in world %d", policy, world)
          .isEmpty();
      report.verdicts().forEach(v -> exercised.merge(v.invariant(), v.exercised(), Long::sum));
    }
    assertThat(brokenAsKnown)
        .as("what %s is known to break", policy)
        .isEqualTo(KNOWN_BREACHES.getOrDefault(policy, Set.of()));
    assertThat(exercised.get(Invariant.INV_33)).isPositive();
    assertThat(exercised.get(Invariant.INV_34)).isPositive();
  }

  @Test
  void aTraceIsTheSameReadBackFromItsLines() {
    TraceRecorder trace = new TraceRecorder();
    serve("vllm-v1", 3, trace);
    List<TraceEvent> read = TraceReader.parse("trace", trace.text());
    assertThat(read).isEqualTo(trace.events());
    TraceRecorder again = new TraceRecorder();
    serve("vllm-v1", 3, again);
    assertThat(again.text()).isEqualTo(trace.text());
  }

  private static void serve(String policy, int world, TraceRecorder trace) {
    Random random = new Random(world * 31L + 7);
    int blockTokens = 1 + random.nextInt(4);
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy, REGISTRY)
            .strict()
            .limits(Limits.of(1 + random.nextInt(4), 9 + random.nextInt(16)).maxWaiting(6))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(blockTokens, 4 + random.nextInt(12))
                        .withPrefixCaching(random.nextInt(4) > 0)
                        .withEvents(true)))
            .depth(1 + random.nextInt(2))
            .log(trace)
            .build();
    ArrayDeque<BatchPlan> flying = new ArrayDeque<>();
    StepResult result = new StepResult();
    List<Long> handles = new ArrayList<>();
    EngineEvents ignored = new EngineEvents() {};
    long now = 0;
    for (int round = 0; round < 160; round++) {
      now += 10;
      if (round < 60 && random.nextInt(3) == 0) {
        int prompt = 1 + random.nextInt(3 * blockTokens + 1);
        int[] tokens = new int[prompt];
        for (int i = 0; i < prompt; i++) {
          tokens[i] = random.nextInt(10) < 8 ? i / blockTokens % 3 : random.nextInt(3);
        }
        Request request =
            Request.builder("r" + round, prompt, 1 + random.nextInt(6))
                .arrivalNanos(now)
                .tenant("t" + random.nextInt(2))
                .priority(random.nextInt(3))
                .predictedOutputTokens(3)
                .tokenIds(tokens)
                .build();
        long handle = scheduler.submit(request, now).handle();
        if (handle >= 0) {
          handles.add(handle);
        }
      }
      if (random.nextInt(15) == 0 && !handles.isEmpty()) {
        scheduler.cancel(handles.get(random.nextInt(handles.size())), now);
      }
      while (scheduler.canPlan()) {
        BatchPlan plan = scheduler.next(now);
        if (plan.isEmpty()) {
          break;
        }
        flying.add(plan);
      }
      scheduler.events(ignored);
      BatchPlan oldest = flying.poll();
      if (oldest != null && random.nextInt(25) == 0) {
        scheduler.fail(oldest.stepId(), new IllegalStateException("lost"), now);
      } else if (oldest != null) {
        result.begin(oldest);
        for (int i = 0; i < oldest.rows(); i++) {
          if (oldest.emits(i)) {
            result.token(i, random.nextInt(3));
          }
        }
        scheduler.complete(result, now);
      }
      scheduler.events(ignored);
    }
  }

  private static void route(RoutingPolicy<?> policy, int world, TraceRecorder trace) {
    Random random = new Random(world * 37L + 5);
    ClusterScheduler.Builder builder = ClusterScheduler.builder().policy(policy).log(trace);
    if (policy.claims().needs().contains(Claims.Need.SERVICE_TIME)) {
      builder.predictor(
          (ServiceTimePredictor<?>)
              REGISTRY.create(
                  Decision.SERVICE_TIME_PREDICTION,
                  REGISTRY.providers(Decision.SERVICE_TIME_PREDICTION).get(0).id(),
                  ServiceTimePredictor.class));
    }
    ClusterScheduler cluster = builder.build();
    long now = 0;
    int[] incarnations = {1, 1, 1};
    boolean[] up = {true, true, true};
    for (int i = 0; i < 3; i++) {
      cluster.up("i" + i, 1, InstanceProfile.of(Role.MIXED, 4, 100, 16), now);
    }
    List<Ticket> tickets = new ArrayList<>();
    for (int round = 0; round < 80; round++) {
      now += 1_000_000;
      int i = random.nextInt(3);
      switch (random.nextInt(6)) {
        case 0 -> {
          if (!tickets.isEmpty()) {
            tickets
                .remove(random.nextInt(tickets.size()))
                .release(
                    ReleaseCause.values()[random.nextInt(ReleaseCause.values().length)],
                    Usage.UNKNOWN,
                    now);
          }
        }
        case 1 -> {
          if (!tickets.isEmpty() && random.nextInt(3) == 0) {
            tickets.get(random.nextInt(tickets.size())).retry(ReleaseCause.UPSTREAM_ERROR, now);
          }
        }
        case 2 -> {
          if (up[i] && random.nextInt(4) == 0) {
            up[i] = !cluster.down("i" + i, incarnations[i], now);
          } else if (!up[i]) {
            up[i] =
                cluster.up(
                    "i" + i, ++incarnations[i], InstanceProfile.of(Role.MIXED, 4, 100, 16), now);
          }
        }
        default -> {
          RoutePlan plan =
              cluster.route(
                  Request.builder("q" + round, 16 + random.nextInt(64), 8)
                      .arrivalNanos(now)
                      .session("s" + random.nextInt(4))
                      .predictedOutputTokens(4)
                      .build(),
                  now);
          if (plan.kind() == RoutePlan.Kind.ACCEPT) {
            tickets.add(plan.ticket());
          }
        }
      }
    }
  }
}
