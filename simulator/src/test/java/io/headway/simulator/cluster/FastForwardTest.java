package io.headway.simulator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import io.headway.simulator.cost.Gpu;
import io.headway.simulator.cost.ModelShape;
import io.headway.simulator.cost.RooflineCostModel;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.workload.Workload;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

/** Jumping over iterations changes nothing: not one bit of one metric. */
class FastForwardTest {
  private static final PolicyRegistry POLICIES =
      PolicyRegistry.discover(FastForwardTest.class.getClassLoader());

  /** Never asked: the tests place requests themselves. */
  static final RoutingPolicy<Stateless> UNUSED =
      new RoutingPolicy<>() {
        @Override
        public String id() {
          return "unused";
        }

        @Override
        public Stateless newState() {
          return Stateless.STATE;
        }

        @Override
        public void route(Stateless state, Request request, ClusterView view, RouteDraft draft) {
          throw new AssertionError("the test places requests itself");
        }
      };

  @Property(tries = 150, seed = "20260101")
  void metricsAreBitIdentical(
      @ForAll("policies") String policy,
      @ForAll @LongRange(min = 0, max = 1L << 40) long seed,
      @ForAll @IntRange(min = 1, max = 3) int instances,
      @ForAll @IntRange(min = 1, max = 4) int pressure,
      @ForAll boolean byLoad,
      @ForAll boolean prefixes,
      @ForAll @IntRange(max = 40) int hostBlocks) {
    Workload workload = workload(seed, prefixes);
    RooflineCostModel model = new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.A100_80G, 1);
    ClusterConfig without =
        new ClusterConfig(instances, 4, 24 * pressure, 6, Integer.MAX_VALUE, 40, prefixes, model);
    ClusterConfig config =
        hostBlocks == 0
            ? without
            : without.withHost(new HostTier(hostBlocks, model.swapTransfers(4, 1e-5)));
    ClusterSimulation.Outcome stepped = run(workload, config, policy, seed, byLoad, false);
    ClusterSimulation.Outcome jumped = run(workload, config, policy, seed, byLoad, true);
    assertThat(stepped.violations()).isEmpty();
    assertThat(jumped.violations()).isEmpty();
    assertSame(jumped.metrics(), stepped.metrics());
  }

  @Provide
  Arbitrary<String> policies() {
    return Arbitraries.of(POLICIES.providers(Decision.BATCHING).stream().map(p -> p.id()).toList());
  }

  private static ClusterSimulation.Outcome run(
      Workload workload,
      ClusterConfig config,
      String policy,
      long seed,
      boolean byLoad,
      boolean fastForward) {
    BatchingPolicy<?> batching = POLICIES.create(Decision.BATCHING, policy, BatchingPolicy.class);
    int instances = config.instances();
    return ClusterSimulation.of(workload, config, ClusterPolicies.of(UNUSED, batching))
        .seed(seed)
        .slo(new Slo(1_000_000_000L, 50_000_000L, Slo.UNLIMITED_NANOS))
        .fastForward(fastForward)
        .run(byLoad ? Placements.leastOfEverything(instances) : Placements.roundRobin(instances));
  }

  private static void assertSame(RunMetrics jumped, RunMetrics stepped) {
    assertThat(jumped.counts()).isEqualTo(stepped.counts());
    assertThat(jumped.latencies()).isEqualTo(stepped.latencies());
    assertThat(jumped.rates()).isEqualTo(stepped.rates());
    assertThat(jumped.instances()).isEqualTo(stepped.instances());
    assertThat(jumped.fairness()).isEqualTo(stepped.fairness());
    assertThat(jumped.durationNanos()).isEqualTo(stepped.durationNanos());
    assertThat(jumped.kvUse()).usingRecursiveComparison().isEqualTo(stepped.kvUse());
    assertThat(jumped.waiting()).usingRecursiveComparison().isEqualTo(stepped.waiting());
    assertThat(jumped.running()).usingRecursiveComparison().isEqualTo(stepped.running());
  }

  private static Workload workload(long seed, boolean prefixes) {
    RandomSource random = RandomSource.seeded(seed);
    Workload.Builder builder = Workload.builder("random");
    long arrival = 0;
    int rows = 1 + random.nextInt(25);
    for (int i = 0; i < rows; i++) {
      arrival += random.nextInt(3) == 0 ? 0 : random.nextInt(400_000_000);
      int prompt = 1 + random.nextInt(40);
      builder
          .add(arrival, prompt, 1 + random.nextInt(40))
          .tenant("t" + random.nextInt(3))
          .priority(random.nextInt(3));
      if (prefixes) {
        long[] ids = new long[(prompt + 7) / 8];
        int family = random.nextInt(3);
        for (int b = 0; b < ids.length; b++) {
          ids[b] = family * 100L + b;
        }
        builder.blocks(8, ids);
      }
    }
    return builder.build();
  }
}
