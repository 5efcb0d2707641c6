package io.headway.benchmarks;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.routing.RoutingPolicy;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.InstanceStats;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.RoutePlan;
import io.headway.runtime.Usage;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Routes one request and releases its ticket, with every instance observed and busy. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class RoutingBenchmark {
  private static final int REQUESTS = 1024;
  private static final int PREFIX_BLOCKS = 64;

  /** Instances up. */
  @Param({"10", "100", "1000"})
  public int instances;

  /** A routing policy; the last has five scorers, the prefix index among them. */
  @Param({
    "round-robin",
    "least-kv",
    "power-of-two",
    "composed:scorers=(queue,running-requests,kv-cache-utilization,token-load,prefix)"
  })
  public String policy;

  private ClusterScheduler cluster;
  private Request[] requests;
  private int next;
  private long now;

  /** Brings the instances up and makes requests of 32 prefix families. */
  @Setup
  public void prepare() {
    cluster =
        ClusterScheduler.builder()
            .policy(
                (RoutingPolicy<?>)
                    PolicyRegistry.discover(getClass().getClassLoader())
                        .create(Decision.ROUTING, policy, RoutingPolicy.class))
            .strict()
            .build();
    InstanceProfile profile = InstanceProfile.of(Role.MIXED, 128, 20_000, 16);
    for (int i = 0; i < instances; i++) {
      String id = String.format(Locale.ROOT, "i%04d", i);
      cluster.up(id, 0, profile, 0);
      cluster.observe(id, 0, InstanceStats.of(i % 7, i % 90, i * 11L, i * 97L, i * 13 % 20_000), 1);
    }
    requests = new Request[REQUESTS];
    for (int i = 0; i < REQUESTS; i++) {
      long[] keys = new long[PREFIX_BLOCKS];
      for (int b = 0; b < PREFIX_BLOCKS; b++) {
        keys[b] = b < 48 ? (i % 32) * 1000L + b : i * 100_000L + b;
      }
      requests[i] = Request.builder("r" + i, PREFIX_BLOCKS * 16, 100).blockKeys(keys).build();
    }
    now = 2;
  }

  /**
   * Routes and releases.
   *
   * @return the plan
   */
  @Benchmark
  public RoutePlan route() {
    RoutePlan plan = cluster.route(requests[next++ & (REQUESTS - 1)], now++);
    plan.ticket().release(ReleaseCause.COMPLETED, Usage.UNKNOWN, now);
    return plan;
  }
}
