package io.headway.benchmarks;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertPlacementPlanner;
import io.headway.api.moe.ExpertTopology;
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

/** EPLB on 58 layers of 256 experts: hierarchical onto 32 devices, global onto 144. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class EplbBenchmark {
  private static final int LAYERS = 58;
  private static final int EXPERTS = 256;

  /** Devices; 32 in 4 nodes with 8 expert groups is the hierarchical case. */
  @Param({"32", "144"})
  public int devices;

  private Bound<?> bound;

  /** Makes skewed loads. */
  @Setup
  public void prepare() {
    RandomSource random = RandomSource.seeded(3);
    double[] load = new double[LAYERS * EXPERTS];
    for (int i = 0; i < load.length; i++) {
      load[i] = 1 / (0.01 + random.nextDouble());
    }
    ExpertTopology topology =
        devices == 32 ? new ExpertTopology(288, 8, 4, 32) : new ExpertTopology(288, 1, 1, 144);
    ExpertPlacementPlanner<?> planner =
        PolicyRegistry.discover(getClass().getClassLoader())
            .create(Decision.EXPERT_PLACEMENT, "eplb", ExpertPlacementPlanner.class);
    bound = bind(planner, new ExpertLoad(load, LAYERS, EXPERTS), topology);
  }

  private static <S> Bound<S> bind(
      ExpertPlacementPlanner<S> planner, ExpertLoad load, ExpertTopology topology) {
    return new Bound<>(planner, planner.newState(), load, topology, new ExpertPlacement());
  }

  /**
   * Plans every layer.
   *
   * @return the placement
   */
  @Benchmark
  public ExpertPlacement plan() {
    return bound.plan();
  }

  private record Bound<S>(
      ExpertPlacementPlanner<S> planner,
      S state,
      ExpertLoad load,
      ExpertTopology topology,
      ExpertPlacement out) {
    ExpertPlacement plan() {
      planner.plan(load, topology, state, out);
      return out;
    }
  }
}
