package io.headway.benchmarks;

import io.headway.api.Decision;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.routing.RoutingPolicy;
import io.headway.simulator.cluster.ClusterConfig;
import io.headway.simulator.cluster.ClusterPolicies;
import io.headway.simulator.cluster.ClusterSimulation;
import io.headway.simulator.cost.Gpu;
import io.headway.simulator.cost.ModelShape;
import io.headway.simulator.cost.RooflineCostModel;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.workload.AzureLike;
import io.headway.simulator.workload.TraceFormat;
import io.headway.simulator.workload.TraceOptions;
import io.headway.simulator.workload.Workload;
import java.io.IOException;
import java.nio.file.Path;
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

/**
 * A whole run: round-robin x Sarathi-Serve (budget 512, 128 sequences) on four instances of
 * llama3-8b on an A100. With {@code -p trace=FILE} on a trace, otherwise on as many generated
 * requests as the Azure conversation trace has.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 5)
@Measurement(iterations = 10)
public class SimulatorBenchmark {
  private static final int AZURE_REQUESTS = 19_366;
  private static final int BLOCK_TOKENS = 16;

  /** A trace file; empty for generated requests. */
  @Param({""})
  public String trace;

  /** Whether unchanged iterations are applied at once. */
  @Param({"false", "true"})
  public boolean fastForward;

  private Workload workload;
  private ClusterConfig cluster;
  private ClusterPolicies policies;

  /**
   * Reads or generates the requests.
   *
   * @throws IOException if the trace cannot be read
   */
  @Setup
  public void prepare() throws IOException {
    workload =
        trace.isEmpty()
            ? AzureLike.conversation(AZURE_REQUESTS).generate(1)
            : TraceFormat.read(Path.of(trace), TraceOptions.DEFAULTS);
    RooflineCostModel model = new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.A100_80G, 1);
    int blocks = (int) (model.kvCapacityTokens(0.9, 0) / BLOCK_TOKENS);
    cluster = new ClusterConfig(4, BLOCK_TOKENS, blocks, 128, Integer.MAX_VALUE, 1024, true, model);
    PolicyRegistry registry = PolicyRegistry.discover(getClass().getClassLoader());
    policies =
        ClusterPolicies.of(
            registry.create(Decision.ROUTING, "round-robin", RoutingPolicy.class),
            registry.create(
                Decision.BATCHING, "sarathi-serve:tokenBudget=512", BatchingPolicy.class));
  }

  /**
   * Simulates every request.
   *
   * @return what was measured
   */
  @Benchmark
  public RunMetrics run() {
    return ClusterSimulation.of(workload, cluster, policies)
        .fastForward(fastForward)
        .run()
        .metrics();
  }
}
